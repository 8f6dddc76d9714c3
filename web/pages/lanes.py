"""Uses over time, one lane for each purpose. Pure geometry of an SVG picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from compliance.canonical import EARLIEST, LATEST, Json, parse_time
from web.pages.way import STATES, state_of
from web.rendering import short_day

WIDTH = 1040
LABELS = 230
RIGHT = 20
LANE = 46
NARROWEST = 8.0
TICKS_AT_MOST = 9
LANES_AT_MOST = 20
UNDECLARED = "undeclared"


@dataclass(frozen=True)
class Mark:
    """One or several uses so close that they are drawn as one."""

    state: str
    x: float
    width: float
    says: str


@dataclass(frozen=True)
class Lane:
    """The uses for one purpose."""

    purpose: str
    basis: str
    y: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Lanes:
    """The whole picture."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    says: str
    """The picture in words."""


def lanes_of(uses: Sequence[Mapping[str, Json]], at: datetime) -> Lanes | None:
    """The picture of the uses up to an instant; None where there are none."""
    if not uses:
        return None
    starts = [_drawable(use["started_at"]) for use in uses]
    ends = [at if use["ended_at"] is None else _drawable(use["ended_at"]) for use in uses]
    axis = _Axis(min(starts), max(*ends, min(starts) + timedelta(hours=1)))
    by_purpose: dict[str, list[tuple[Mapping[str, Json], datetime, datetime]]] = {}
    for use, start, end in sorted(zip(uses, starts, ends, strict=True), key=lambda one: one[1]):
        by_purpose.setdefault(use["purpose"], []).append((use, start, end))
    order = sorted(by_purpose, key=lambda purpose: (purpose == UNDECLARED, purpose))[:LANES_AT_MOST]
    lanes = tuple(_lane(purpose, number, by_purpose[purpose], axis) for number, purpose in enumerate(order))
    says = "; ".join(f"{purpose}: {len(by_purpose[purpose])}" for purpose in order)
    return Lanes(
        WIDTH,
        LANE * len(lanes) + 28,
        lanes,
        axis.ticks(),
        f"Uses of the record over time, by purpose. {says}.",
    )


def _drawable(time: str) -> datetime:
    """An instant as near as can be drawn: an event may bear any time, the year 1 and the year 9999 too."""
    return min(max(parse_time(time), EARLIEST), LATEST)


@dataclass(frozen=True)
class _Axis:
    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        share = (at - self.first) / (self.last - self.first)
        return round(LABELS + 12 + share * (WIDTH - LABELS - 12 - RIGHT), 1)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Midnights, as many as can be told apart."""
        days = max((self.last - self.first) // timedelta(days=1), 1)
        step = timedelta(days=-(-days // TICKS_AT_MOST))
        start = self.first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        while start <= self.last:
            if start >= self.first:
                found.append((self.x(start), short_day(start)))
            start += step
        return tuple(found)


def _lane(
    purpose: str, number: int, uses: Iterable[tuple[Mapping[str, Json], datetime, datetime]], axis: _Axis
) -> Lane:
    bases: dict[str, None] = {}
    drawn: dict[tuple[str, int], Mark] = {}
    for use, start, end in uses:
        bases[str(use["lawful_basis"] or "no basis is registered")] = None
        state, x = state_of(use), axis.x(start)
        width = max(axis.x(min(end, axis.last)) - x, NARROWEST)
        key = state, int(x / (NARROWEST / 2))
        held = drawn.get(key)
        drawn[key] = Mark(
            state,
            x,
            max(width, held.width if held else 0.0),
            f"{short_day(start)}: {state.replace('-', ' ')}",
        )
    # The gravest are drawn last, so that nothing hides them.
    marks = sorted(drawn.values(), key=lambda mark: (-STATES.index(mark.state), mark.x))
    return Lane(purpose, ", ".join(bases), LANE * number, tuple(marks))
