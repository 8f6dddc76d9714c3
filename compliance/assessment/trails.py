"""A line followed through a period: when it was judged, and how.

Pure. From one instant the next is the next change of what the line is drawn from, or the lapse of what is
known, whichever comes first; between the two nothing can change the verdict. Where there are more than
``MOST`` changes, the last of each minute, hour, day or week stands for it, and where two neighbours then
differ the turn is sought among the changes between them; so it is, to the second, where a verdict may drift.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.assessment.assessing import Judgement
from compliance.assessment.lines import Line, Verdict
from compliance.assessment.verdicts import GRID, MOST, TICK
from compliance.canonical import EPOCH

FINEST = timedelta(seconds=1)
_COARSER = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7))

JudgementAt = Callable[[datetime], Judgement]


@dataclass(frozen=True)
class Look:
    """A line judged at an instant; if nothing more becomes known it need not be looked at before ``again``."""

    at: datetime
    verdict: Verdict
    again: datetime | None


@dataclass(frozen=True)
class Trail:
    """The looks at one line, oldest first, and the width of what one change stands for (None: itself)."""

    looks: tuple[Look, ...] = ()
    width: timedelta | None = None

    def before(self, instant: datetime) -> Trail:
        """What holds though something dated from ``instant`` on has come."""
        stop = bisect_left(self.looks, self._floor(instant), key=lambda look: look.at)
        return Trail(self.looks[:stop], self.width)

    def _floor(self, instant: datetime) -> datetime:
        return instant if self.width is None else EPOCH + (instant - EPOCH) // self.width * self.width


class Walk:
    """One line on its way from ``begin`` to ``until``, from where a trail of it ends."""

    def __init__(
        self, line: Line, changes: Sequence[datetime], begin: datetime, until: datetime, trail: Trail
    ) -> None:  # fmt: skip
        self._line = line
        self._changes = [begin, *changes[bisect_right(changes, begin) :]]
        self._stops, self._width = _thinned(self._changes)
        self._until = until
        if self._width is not None:
            trail = trail.before(trail.looks[-1].at) if trail.looks else trail
        held = trail.looks if trail.width == self._width and not line.drifts else ()
        self._looks = list(held) if held and held[0].at == begin else []

    def next(self) -> datetime | None:
        """The instant to look at next; None at the end."""
        if not self._looks:
            return self._changes[0] if self._changes[0] <= self._until else None
        last = self._looks[-1]
        coming = [one for one in (self._stop_after(last.at), last.again) if one is not None]
        following = min(coming, default=None)
        return None if following is None or following > self._until else following

    def look(self, judgement: Judgement, judgement_at: JudgementAt) -> None:
        """Judge the line where ``next`` says, and seek the turn before it where that is called for."""
        found = self._seen(judgement)
        if self._looks:
            self._seek(self._looks[-1], found, judgement_at)
        self._looks.append(found)

    def trail(self) -> Trail:
        """Every look so far."""
        return Trail(tuple(self._looks), self._width)

    def steps(self) -> list[tuple[datetime, Verdict]]:
        """The verdict from each instant on, up to the end of the walk."""
        return [(look.at, look.verdict) for look in self._looks if look.at <= self._until]

    def _seen(self, judgement: Judgement) -> Look:
        at = judgement.base.at
        horizon = self._stop_after(at) or max(self._until, at)
        again = self._line.lapse(judgement, horizon)
        if self._line.drifts:
            step = at + max(GRID, (horizon - at) / MOST)
            again = step if again is None else min(again, step)
        return Look(at, self._line.verdict(judgement), again)

    def _stop_after(self, at: datetime) -> datetime | None:
        number = bisect_right(self._stops, at)
        return self._stops[number] if number < len(self._stops) else None

    # --- turns between two looks -----------------------------------------------------------------

    def _seek(self, earlier: Look, later: Look, judgement_at: JudgementAt) -> None:
        """Put in the turns between two looks that nothing else shows."""
        while earlier.verdict != later.verdict:
            turn = self._turn(earlier, later, judgement_at)
            if turn is None or turn.at <= earlier.at or turn.at >= later.at:
                return
            self._looks.append(turn)
            earlier = turn

    def _turn(self, earlier: Look, later: Look, judgement_at: JudgementAt) -> Look | None:
        first, end = bisect_right(self._changes, earlier.at), bisect_left(self._changes, later.at)
        low, high = first - 1, end
        while self._width is not None and high - low > 1:
            middle = (low + high) // 2
            same = self._line.verdict(judgement_at(self._changes[middle])) == earlier.verdict
            low, high = (middle, high) if same else (low, middle)
        before = max(earlier.at, self._changes[low]) if low >= 0 else earlier.at
        after = self._changes[high] if high < end else later.at
        if not self._line.drifts:
            return self._seen(judgement_at(after))
        return self._drift(before, after, earlier, judgement_at)

    def _drift(self, before: datetime, after: datetime, earlier: Look, judgement_at: JudgementAt) -> Look:
        """The turn between two instants, to the second, or the later of them where it turns there."""
        low, high = before, after - TICK
        if after - before <= FINEST or self._line.verdict(judgement_at(high)) == earlier.verdict:
            return self._seen(judgement_at(after))
        while high - low > FINEST:
            middle = low + (high - low) / 2
            same = self._line.verdict(judgement_at(middle)) == earlier.verdict
            low, high = (middle, high) if same else (low, middle)
        return self._seen(judgement_at(high))


def _thinned(instants: Sequence[datetime]) -> tuple[Sequence[datetime], timedelta | None]:
    """The instants, or the last of each minute, hour, day or week where there are too many, and which it is."""
    width, kept = None, instants
    for coarser in _COARSER:
        if len(kept) <= MOST:
            break
        width, kept = coarser, sorted({(at - EPOCH) // coarser: at for at in instants}.values())
    return kept, width
