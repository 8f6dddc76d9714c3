"""Verdicts of checks on facts, each worked out once for as long as it stands.

Pure. A predicate is a function of the fields that it sees and, where it reads the clock, of the instant. So
a fact that says the same at another instant is not judged again; where the clock is read, it is judged once a
day, and where two days differ, the turn between them is sought by halving, to the microsecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.canonical import Json
from compliance.facts import Fact, Unseen
from compliance.library import Check, Judged

GRID = timedelta(days=1)
MOST = 400
"""Steps of a grid; over a longer time its steps are longer than a day."""
KEPT = 20_000
"""Facts of each check that are known again by their identity."""
TICK = timedelta(microseconds=1)


@dataclass
class _Held:
    """The verdict on one fact from ``since`` until before ``until``; without ``until`` it stands for good."""

    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    judged: Judged
    since: datetime
    until: datetime | None
    turns: bool = False
    """Whether the verdict is another one at ``until``, rather than not yet known."""

    def of(self, fact: Fact) -> bool:
        """Whether the fact says what was judged."""
        return (self.value is fact.value or self.value == fact.value) and self.unseen == fact.unseen

    def at(self, instant: datetime) -> bool:
        """Whether the verdict is known to stand at an instant."""
        return self.until is None or self.since <= instant < self.until


class Verdicts:
    """The verdicts that were worked out, the last of each check on each resource."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, str, str], _Held] = {}
        self._same: dict[str, dict[int, tuple[Fact, _Held]]] = defaultdict(dict)
        """By check, and by the identity of the very fact: facts that say the same are mostly the same object."""

    def of(self, check: Check, fact: Fact, at: datetime) -> Judged:
        """What ``check.judge`` says of the fact at an instant."""
        return self._of(check, fact, at).judged

    def turn(self, check: Check, facts: Iterable[Fact], at: datetime, horizon: datetime) -> datetime | None:
        """When time alone first changes one of the verdicts after ``at``; None where it is not before ``horizon``."""
        first = horizon
        for fact in facts:
            held = self._of(check, fact, at)
            while held.until is not None and held.until < first and not held.turns:
                _look_on(held, check, fact, first)
            if held.until is not None and held.turns and held.until < first:
                first = held.until
        return first if first < horizon else None

    def _of(self, check: Check, fact: Fact, at: datetime) -> _Held:
        same = self._same[check.id]
        met = same.get(id(fact))
        if met is not None and met[0] is fact and (met[1].until is None or met[1].at(at)):
            return met[1]
        if len(same) > KEPT:
            same.clear()
        held = self._known(check, fact, at)
        same[id(fact)] = fact, held
        return held

    def _known(self, check: Check, fact: Fact, at: datetime) -> _Held:
        key = check.id, fact.source, fact.scope, fact.resource
        held = self._held.get(key)
        if held is None or not held.of(fact) or not held.at(at):
            judged = check.judge(fact.value, fact.unseen, at)
            until = at + TICK if check.reads_clock else None
            held = self._held[key] = _Held(fact.value, fact.unseen, judged, at, until)
        return held


def _look_on(held: _Held, check: Check, fact: Fact, horizon: datetime) -> None:
    """Follow a verdict for one more step of the grid, or up to where it turns."""
    assert held.until is not None  # noqa: S101 (only of a check that reads the clock)
    low, step = held.until - TICK, max(GRID, (horizon - held.until) / MOST)
    high = low + step
    if check.judge(fact.value, fact.unseen, high) == held.judged:
        held.until = high + TICK
        return
    while high - low > TICK:
        middle = low + (high - low) / 2
        same = check.judge(fact.value, fact.unseen, middle) == held.judged
        low, high = (middle, high) if same else (low, middle)
    held.until, held.turns = high, True
