"""Severities in one form. Pure."""

from __future__ import annotations

SEVERITIES = ("unknown", "informational", "low", "medium", "high", "critical")
"""From the least to the worst; what is unknown may be anything, and counts least."""


def worst(found: list[str]) -> str | None:
    """The worst of several, or None of none."""
    return max(found, key=SEVERITIES.index, default=None)


def of_score(score: float) -> str:
    """A CVSS score by its rating (CVSS 3.1, section 5)."""
    for least, name in ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")):
        if score >= least:
            return name
    return "informational"
