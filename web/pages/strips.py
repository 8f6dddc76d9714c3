"""Strips: a framework as long as its assessable requirements, a control as long as its past. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.assessment import FrameworkResult, Span, time_in
from compliance.library import Framework
from web.pages.naming import STATUSES, shortest_name

WHOLE = 100.0
HISTORY = timedelta(days=90)


@dataclass(frozen=True)
class Part:
    """A stretch of a strip, in per cent of its length."""

    status: str
    start: float
    width: float
    says: str = ""


@dataclass(frozen=True)
class FrameworkStrip:
    """How a framework stands; every count is over its assessable requirements in scope."""

    id: str
    name: str
    title: str
    assessable: int
    judged: int
    """Those that a control of the library answers."""
    counts: tuple[tuple[str, int], ...]
    """Of the judged, by status, the gravest last: as the strip shows them."""
    out_of_scope: int
    parts: tuple[Part, ...]

    @property
    def says(self) -> str:
        """The strip in words."""
        told = ", ".join(f"{count} {status}" for status, count in self.counts)
        return f"{told}, {self.assessable - self.judged} answered by no control"


def framework_strip(framework: Framework, result: FrameworkResult) -> FrameworkStrip:
    """The strip of one framework."""
    unanswered = sum(not requirement.controls for requirement in result.requirements)
    counts = [(status, result.count(status)) for status in ("effective", "deficient", "unknown", "excepted")]
    counts = [(status, count - unanswered if status == "unknown" else count) for status, count in counts]
    return FrameworkStrip(
        id=framework.id, name=shortest_name(framework.id), title=framework.title,
        assessable=result.assessable, judged=result.assessable - unanswered, counts=tuple(counts),
        out_of_scope=len(result.out_of_scope), parts=tuple(_parts(counts, result.assessable)),
    )  # fmt: skip


def _parts(counts: Sequence[tuple[str, int]], whole: int) -> list[Part]:
    found, start = [], 0.0
    for status, count in counts:
        if count:
            width = WHOLE * count / whole
            found.append(Part(status, round(start, 3), round(width, 3)))
            start += width
    return found


@dataclass(frozen=True)
class PastStrip:
    """How a control stood over its last days."""

    start: datetime
    end: datetime
    parts: tuple[Part, ...]
    days: tuple[tuple[str, float], ...]
    """How many days each status lasted, the gravest first; those that never were are left out."""
    spans: tuple[Span, ...]
    """The statuses within, the latest first."""

    @property
    def says(self) -> str:
        """The strip in words."""
        told = [
            f"{status} on {days:.0f} of {(self.end - self.start).days} days" for status, days in self.days
        ]
        return ", ".join(told) or "nothing is known of it"


def past_strip(spans: Sequence[Span], end: datetime, length: timedelta = HISTORY) -> PastStrip:
    """The strip of the time up to an instant. Time before the first evidence is unknown."""
    start = end - length
    within = [_cut(span, start, end) for span in spans if span.start < end and span.end > start]
    if not within or within[0].start > start:
        within.insert(0, Span("unknown", "missing", start, within[0].start if within else end))
    lasted = time_in(spans, start, end)
    days = [
        (status, lasted[status] / timedelta(days=1)) for status in STATUSES if lasted[status] > timedelta()
    ]
    parts = [
        Part(
            span.status, round(WHOLE * ((span.start - start) / length), 3),
            round(WHOLE * ((span.end - span.start) / length), 3), span.status,
        )
        for span in within
    ]  # fmt: skip
    return PastStrip(start, end, tuple(parts), tuple(days), tuple(reversed(within)))


def _cut(span: Span, start: datetime, end: datetime) -> Span:
    return Span(span.status, span.cause, max(span.start, start), min(span.end, end))
