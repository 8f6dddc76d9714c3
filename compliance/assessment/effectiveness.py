"""Operating effectiveness: how checks, controls and requirements stood over a period, and by which entries.

Pure. A period is evaluated at its change points (``timeline``); what no span covers is a time without evidence,
and unknown. The order:

1. the spans of each check, each control and each requirement (the gravest of its controls), cut to the period;
2. how long each status lasted;
3. for each span of a control that is not effective, the findings that made it so when it began, with the entries
   that they cite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.assessment.assessing import Carried, Judgement
from compliance.assessment.outcome import STATUS_OF, Finding, Outcome, Status
from compliance.assessment.timeline import BaseAt, Span, Worked, lines_of, spans_of, steps_over, time_in
from compliance.canonical import Json, format_time
from compliance.evidence import Cause
from compliance.library import Derivation, Library

CITED = 20
"""Entries and resources that a span names; it says how many there are."""
OUTCOME_OF: Mapping[Status, Outcome] = {status: outcome for outcome, status in STATUS_OF.items()}
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Began:
    """What made a span so when it began."""

    reason: str
    resources: tuple[str, ...]
    resources_in_all: int
    evidence: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """As ``muniment effectiveness --json`` has it."""
        return {
            "because": self.reason, "resources": list(self.resources), "resources_in_all": self.resources_in_all,
            "evidence": list(self.evidence),
        }  # fmt: skip


@dataclass(frozen=True)
class Stood:
    """How one thing stood over a period: its spans, without gaps."""

    id: str
    start: datetime
    end: datetime
    spans: tuple[Span, ...]
    began: tuple[Began | None, ...] = ()
    """For each span what made it so, where that was asked for."""

    @property
    def lasted(self) -> Mapping[Status, timedelta]:
        """How long each status lasted; the four add up to the period."""
        return time_in(self.spans, self.start, self.end)

    @property
    def since(self) -> datetime | None:
        """Since when it has the status that it ends with; None where that began before the period."""
        return self.spans[-1].start if len(self.spans) > 1 else None

    def as_json(self) -> dict[str, Json]:
        """As ``muniment effectiveness --json`` has it: days to three decimals, cut."""
        lasted = self.lasted
        return {
            "id": self.id,
            "days": {status: _days(lasted[status]) for status in lasted},
            "effective_throughout": lasted["effective"] == self.end - self.start,
            "status": self.spans[-1].status,
            "since": None if self.since is None else format_time(self.since),
            "spans": [self._span(number) for number in range(len(self.spans))],
        }

    def _span(self, number: int) -> dict[str, Json]:
        span = self.spans[number]
        began = self.began[number] if number < len(self.began) else None
        return {
            "status": span.status, "cause": span.cause, "from": format_time(span.start), "to": format_time(span.end),
            "days": _days(span.end - span.start), **({} if began is None else began.as_json()),
        }  # fmt: skip


@dataclass(frozen=True)
class Effectiveness:
    """How controls, their checks, and the requirements that they answer stood over a period."""

    start: datetime
    end: datetime
    controls: Mapping[str, Stood]
    checks: Mapping[str, tuple[Stood, ...]]
    """By control."""
    requirements: Mapping[str, Stood]


def effectiveness(
    library: Library,
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    controls: Sequence[str],
    period: tuple[datetime, datetime],
    *,
    worked: Worked | None = None,
) -> Effectiveness:
    """How the named controls stood from the first to the second instant of a period."""
    start, end = period
    steps = steps_over(library, base_at, derivations, controls, end, worked=worked)
    lines = {name: [line.id for line in lines_of(library.control_of(name), derivations)] for name in controls}

    def cut(names: Sequence[str]) -> tuple[Span, ...]:
        return _within(spans_of([steps[name] for name in names if name in steps], end), start, end)

    spans = {name: cut(lines[name]) for name in controls}
    began = _beginnings(base_at, derivations, spans, library)
    found = {
        name: Stood(name, start, end, ones, tuple(began.get((name, span.start)) for span in ones))
        for name, ones in spans.items()
    }
    checks = {name: tuple(Stood(one, start, end, cut([one])) for one in lines[name]) for name in controls}
    return Effectiveness(start, end, found, checks, _requirements(library, found, period))


def _requirements(
    library: Library, controls: Mapping[str, Stood], period: tuple[datetime, datetime]
) -> dict[str, Stood]:
    """Each requirement all of whose controls were asked for: at each instant the gravest of them."""
    names = sorted({name for control in controls for name in library.control_of(control).requirements})
    found = {}
    for name in names:
        answering = [control.id for control in library.controls_of(name)]
        if all(control in controls for control in answering):
            steps = [_steps(controls[control].spans) for control in answering]
            found[name] = Stood(name, *period, _within(spans_of(steps, period[1]), *period))
    return found


def _steps(spans: Iterable[Span]) -> list[tuple[datetime, tuple[Outcome, Cause | None]]]:
    return [(span.start, (OUTCOME_OF[span.status], span.cause)) for span in spans]


def _within(spans: Sequence[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    """Spans cut to a period, without gaps: a time that none covers is unknown, for nothing was seen of it."""
    found: list[Span] = []
    at = start
    for span in spans:
        if span.end <= start or span.start >= end:
            continue
        if span.start > at:
            found.append(Span("unknown", "missing", at, span.start))
        found.append(Span(span.status, span.cause, max(span.start, start), min(span.end, end)))
        at = found[-1].end
    if at < end:
        found.append(Span("unknown", "missing", at, end))
    return tuple(_merged(found))


def _merged(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and (found[-1].status, found[-1].cause) == (span.status, span.cause):
            found[-1] = Span(span.status, span.cause, found[-1].start, span.end)
        else:
            found.append(span)
    return found


def _beginnings(
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    spans: Mapping[str, Sequence[Span]],
    library: Library,
) -> dict[tuple[str, datetime], Began]:
    """What made the spans of controls so that are not effective; all that begin at one instant over one judgement."""
    wanted: dict[datetime, list[tuple[str, Span]]] = {}
    for name, ones in spans.items():
        for span in ones:
            if span.status != "effective":
                wanted.setdefault(span.start, []).append((name, span))
    found = {}
    carried = Carried()
    for at in sorted(wanted):
        judgement = Judgement(base_at(at), derivations, carried)
        for name, span in wanted[at]:
            result = judgement.control(library.control_of(name))
            outcome = OUTCOME_OF[span.status]
            told = [one for check in result.checks for one in check.told if one.outcome == outcome]
            found[name, at] = _began(told)
    return found


def _began(told: Sequence[Finding]) -> Began:
    if not told:
        return Began("No evidence that bears on it had come.", (), 0, ())
    resources = tuple(dict.fromkeys(finding.resource_id for finding in told))
    evidence = tuple(dict.fromkeys(name for finding in told for name in finding.evidence))
    return Began(told[0].reason, resources[:CITED], len(resources), evidence[:CITED])


def _days(lasted: timedelta) -> float:
    return int(lasted / A_DAY * 1000) / 1000
