"""What kept a source from answering a request, and how a reader states it.

Pure. A problem is worked out from the status and the bytes of an answer alone, so that collecting
and reading the evidence again years later say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compliance.facts import Unseen

ProblemKind = Literal[
    "denied", "throttled", "absent", "unsupported", "unreadable", "redirected", "failed", "silent"
]  # fmt: skip
"""Not permitted; too many requests; no such thing; not applicable to it; not to be interpreted;
sent elsewhere; any other error; no answer at all (a time-out, a broken connection)."""

NO_ANSWER = 0
"""The status of a response that never came."""
TRANSIENT: frozenset[ProblemKind] = frozenset({"throttled", "failed", "silent"})
"""Problems that may pass: many of them in a row end a scope, one does not."""


@dataclass(frozen=True)
class Problem:
    """Why an answer does not say what was asked."""

    kind: ProblemKind
    status: int
    code: str = ""

    def phrase(self, action: str) -> str:
        """Such as ``kms:GetKeyRotationStatus denied (403)``."""
        match self.kind:
            case "silent":
                return f"{action} gave no answer"
            case "unreadable":
                return f"{action} gave an answer that cannot be read ({self.status})"
            case "redirected":
                return f"{action} was sent to another place ({self.status}), which is not followed"
            case "failed":
                return f"{action} failed ({self.status}{' ' + self.code if self.code else ''})"
            case _:
                return f"{action} {self.kind} ({self.status})"

    def unseen(self, action: str) -> Unseen:
        """How a field that the answer should have shown is stated."""
        return Unseen("unreadable" if self.kind == "unreadable" else "incomplete", self.phrase(action))
