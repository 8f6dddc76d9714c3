"""Counting what a run saw of one scope, so that a denial is never an empty listing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from collectors.problems import Problem
from compliance.evidence import Coverage

DETAIL_AT_MOST = 12
"""Different phrases that a detail names before it says how many more there are."""


@dataclass
class Tally:
    """What one run saw of one scope so far.

    ``miss`` notes a problem. One that keeps the scope from being seen whole (a page of the listing,
    a bulk answer that brings a field of every resource) is passed as ``whole=True``; one that an
    item of evidence states for its one resource, whose fields are then unseen, is not.
    """

    scope: str
    facts: tuple[str, ...]
    got: int = 0
    pages: int = 0
    total_before: int | None = None
    total_after: int | None = None
    expected: int | None = None
    """The population by the source's own word, where it gives one."""
    truncated: bool = False
    _denied: Counter[str] = field(default_factory=Counter)
    _throttled: Counter[str] = field(default_factory=Counter)
    _others: Counter[str] = field(default_factory=Counter)
    _gaps: Counter[str] = field(default_factory=Counter)

    def miss(self, action: str, problem: Problem, *, whole: bool) -> None:
        """Note an answer that did not say what was asked."""
        phrase = problem.phrase(action)
        {"denied": self._denied, "throttled": self._throttled}.get(problem.kind, self._others)[phrase] += 1
        if whole:
            self._gaps[phrase] += 1

    def note(self, what: str) -> None:
        """Note something that hides no resource, such as a cell that cannot be read."""
        self._others[what] += 1

    def gap(self, why: str) -> None:
        """Note any other reason for which the scope was not seen whole."""
        self._gaps[why] += 1

    def coverage(self, *, expected: int | None = None) -> Coverage:
        """The account of the scope."""
        said = self._gaps + (self._denied + self._throttled + self._others - self._gaps)
        return Coverage(
            scope=self.scope, facts=self.facts, complete=not self._gaps, got=self.got,
            expected=self.expected if expected is None else expected,
            denied=_phrases(self._denied), throttled=_phrases(self._throttled), truncated=self.truncated,
            pages=self.pages, total_before=self.total_before, total_after=self.total_after,
            detail="; ".join(_phrases(said)),
        )  # fmt: skip


def _phrases(counted: Counter[str]) -> tuple[str, ...]:
    named = [
        phrase if times == 1 else f"{phrase}, {times} times"
        for phrase, times in list(counted.items())[:DETAIL_AT_MOST]
    ]
    more = len(counted) - len(named)
    return (*named, f"and {more} more") if more > 0 else tuple(named)
