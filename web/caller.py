"""Who calls, and what they may do: scopes of tokens, roles of people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from compliance.errors import Forbidden, InputRefused
from web.engagements import Engagement

INGESTED = ("lineage", "decisions", "consents", "erasures", "members", "contracts", "purposes")
"""What ``ingest`` may be narrowed to, and what a pushed source may be configured to accept."""
SCOPES = frozenset(
    {"ingest", *(f"ingest:{kind}" for kind in INGESTED), "auditor", "dpo", "engineer", "admin", "attest"}
)
ROLES: dict[str, frozenset[str]] = {
    "auditor": frozenset({"auditor"}),
    "engineer": frozenset({"engineer"}),
    "dpo": frozenset({"dpo", "auditor"}),
    "admin": frozenset({"admin", "engineer", "auditor", "dpo"}),
}
"""What a signed-in person of each role may do. Nobody who signs in may write evidence as a source."""
UNSEALING = frozenset({"dpo", "admin"})
"""Scopes under which sealed payloads are unsealed."""
UNBOUND = "api"
"""The source of what comes by a token that is bound to none."""


@dataclass(frozen=True)
class Caller:
    """Who makes a request: a token, or a person in a browser."""

    name: str
    """``token:ID`` or ``person:NAME``, as entries record it."""
    scopes: frozenset[str]
    via: Literal["token", "session"]
    source: str | None = None
    """The configured source that the token is bound to."""
    engagement: Engagement | None = None
    """The engagement that the token is bound to: it reads the log and the entries of its scope alone."""
    role: str | None = None
    csrf: str | None = None
    """What a form of this session must send back."""

    def may(self, *scopes: str) -> bool:
        """Whether one of the scopes is held."""
        return bool(self.scopes & set(scopes))

    def require(self, *scopes: str) -> None:
        """Raise Forbidden unless one of the scopes is held."""
        if not self.may(*scopes):
            raise Forbidden(f"This needs the scope {' or '.join(scopes)}; you have {_listed(self.scopes)}.")


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes of a new token, sorted. Raises InputRefused listing those that there are."""
    asked = sorted(set(scopes))
    unknown = [scope for scope in asked if scope not in SCOPES]
    if unknown or not asked:
        found = f"unknown: {', '.join(map(repr, unknown))}" if unknown else "none was given"
        message = f"A token needs scopes of {_listed(SCOPES)}; {found}."
        raise InputRefused(message, field="scope")
    return tuple(asked)


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes)) or "none"
