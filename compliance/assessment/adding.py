"""How results add up: one pure function for checks, controls and requirements alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from compliance.assessment.outcome import Outcome
from compliance.evidence import Cause

GRAVITY: tuple[Outcome, ...] = ("fail", "unknown", "excepted", "pass")
"""The gravest first (DESIGN section 2)."""
_CAUSES: tuple[Cause, ...] = get_args(Cause)


def gravest(results: Iterable[tuple[Outcome, Cause | None]]) -> tuple[Outcome, Cause | None]:
    """The gravest outcome: fail, then unknown, then excepted, then pass; nothing at all is unknown, missing.

    Of several causes the first in the order missing, stale, incomplete, unreadable stands.
    """
    outcomes: set[Outcome] = set()
    causes: set[Cause] = set()
    for outcome, cause in results:
        outcomes.add(outcome)
        if outcome == "unknown" and cause is not None:
            causes.add(cause)
    if not outcomes:
        return "unknown", "missing"
    worst = next(outcome for outcome in GRAVITY if outcome in outcomes)
    return worst, next((cause for cause in _CAUSES if cause in causes), None) if worst == "unknown" else None
