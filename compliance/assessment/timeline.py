"""How a control stood over a period: a step function, evaluated where something can change.

Pure. The order:

1. each check and each attestation of the controls is a line, drawn from types of its own;
2. all lines are walked together from change to change and from lapse to lapse, each judged only where
   something that it is drawn from changed or lapsed, all that meet at an instant over the same facts;
3. the steps of a control's lines are put together: the gravest stands.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compliance.assessment.adding import gravest
from compliance.assessment.assessing import Carried, Judgement
from compliance.assessment.lines import AttestationLine, CheckLine, Line, Verdict
from compliance.assessment.outcome import STATUS_OF, Status
from compliance.assessment.populations import Inputs
from compliance.assessment.trails import Trail, Walk
from compliance.evidence import Cause
from compliance.facts import REPORTS, SOURCES, FactBase
from compliance.library import Control, Derivation, Library

BaseAt = Callable[[datetime], FactBase]
"""The same log size at another instant."""


@dataclass(frozen=True)
class Span:
    """A control's status from ``start`` until before ``end``; the last one includes its end."""

    status: Status
    cause: Cause | None
    start: datetime
    end: datetime


@dataclass
class Worked:
    """What was worked out of one library and configuration, by line; it holds for any later ``until``.

    What is true at an instant depends on nothing dated after it. So when a log has grown, what was worked
    out for the instants before everything that came still holds; ``before`` forgets the rest. Safe to
    share between threads, one of which works at a time.
    """

    trails: dict[str, Trail] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def before(self, instant: datetime) -> Worked:
        """What holds though something dated from ``instant`` on has come."""
        with self.lock:
            trails = {name: trail.before(instant) for name, trail in self.trails.items()}
            return Worked(trails, self.carried, self.lock)


def control_timeline(
    library: Library,
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    control_id: str,
    until: datetime,
    *,
    start: datetime | None = None,
) -> tuple[Span, ...]:
    """The statuses of a control, without gaps, oldest first. Raises NotFound for an unknown control.

    From ``start``, by default the first evidence that bears on it; without any, there are no spans.
    Time before the first evidence is unknown, missing.
    """
    return timelines(library, base_at, derivations, [control_id], until, start=start)[control_id]


def timelines(
    library: Library,
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    control_ids: Sequence[str],
    until: datetime,
    *,
    start: datetime | None = None,
    worked: Worked | None = None,
) -> dict[str, tuple[Span, ...]]:
    """``control_timeline`` of several controls at once, all from the first evidence that bears on any of them.

    ``worked`` keeps what is worked out from one call to the next: of the same library and configuration,
    and of the same entries (see ``Worked``). It changes no answer.
    """
    walked = steps_over(library, base_at, derivations, control_ids, until, start=start, worked=worked)
    if not walked:
        return dict.fromkeys(control_ids, ())
    return {
        id_: spans_of([walked[one.id] for one in lines_of(library.control_of(id_), derivations)], until)
        for id_ in control_ids
    }


def steps_over(
    library: Library,
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    control_ids: Sequence[str],
    until: datetime,
    *,
    start: datetime | None = None,
    worked: Worked | None = None,
) -> dict[str, Steps]:
    """The verdict of each check and attestation of the controls from each instant on; none without evidence."""
    controls = [library.control_of(id_) for id_ in control_ids]
    kept = Worked() if worked is None else worked
    with kept.lock:
        return _History(controls, base_at, derivations, until, kept).walked(start)


def spans_of(lines: Sequence[Steps], until: datetime) -> tuple[Span, ...]:
    """How a control stood by the verdicts of its lines: the gravest at each instant, up to ``until``."""
    return _spans(_together(lines), until)


def time_in(spans: Iterable[Span], start: datetime, end: datetime) -> dict[Status, timedelta]:
    """How long each status lasted between two instants; what no span covers is unknown."""
    found: dict[Status, timedelta] = dict.fromkeys(
        ("effective", "deficient", "unknown", "excepted"), timedelta()
    )
    for span in spans:
        lasted = min(span.end, end) - max(span.start, start)
        if lasted > timedelta():
            found[span.status] += lasted
    found["unknown"] += (end - start) - sum(found.values(), timedelta())
    return found


Steps = Sequence[tuple[datetime, Verdict]]
"""The verdict from each instant on, ascending."""


class _History:
    """Walks the lines of controls, all that meet at an instant over one judgement."""

    def __init__(
        self, controls: Iterable[Control], base_at: BaseAt, derivations: Mapping[str, Derivation], until: datetime,
        worked: Worked,
    ) -> None:  # fmt: skip
        self._lines = [line for control in controls for line in lines_of(control, derivations)]
        self._base_at = base_at
        self._derivations = derivations
        self._until = until
        self._worked = worked
        self._last: Judgement | None = None

    def walked(self, start: datetime | None) -> dict[str, Steps]:
        """The steps of each line from ``start``, or from the first evidence; none where there is neither."""
        known = self._base_at(self._until)
        begin = start or _first(known, self._lines)
        if begin is None:
            return {}
        walks = {line.id: self._walk(line, known, begin) for line in self._lines}
        waiting = {name: following for name, walk in walks.items() if (following := walk.next()) is not None}
        while waiting:
            at = min(waiting.values())
            for name in [name for name, due in waiting.items() if due == at]:
                walks[name].look(self._judgement(at), self._judgement)
                due_next = walks[name].next()
                if due_next is None:
                    del waiting[name]
                else:
                    waiting[name] = due_next
        self._worked.trails.update({name: walk.trail() for name, walk in walks.items()})
        return {name: walk.steps() for name, walk in walks.items()}

    def _walk(self, line: Line, known: FactBase, begin: datetime) -> Walk:
        trail = self._worked.trails.get(line.id, Trail())
        return Walk(line, known.change_points(line.types), begin, self._until, trail)

    def _judgement(self, at: datetime) -> Judgement:
        if self._last is None or self._last.base.at != at:
            self._last = Judgement(self._base_at(at), self._derivations, self._worked.carried)
        return self._last


def lines_of(control: Control, derivations: Mapping[str, Derivation]) -> list[Line]:
    """The checks and attestations of a control as lines over time."""
    checks = [CheckLine(one, control, Inputs(one.over, derivations.get(one.over))) for one in control.checks]
    return [*checks, *map(AttestationLine, control.attestations)]


def _first(known: FactBase, lines: Sequence[Line]) -> datetime | None:
    """The first evidence; that a source exists or falls silent is none."""
    types = {name for line in lines for name in line.types} - {SOURCES, REPORTS}
    return min(known.change_points(types | {"attestation", "exception"}), default=None)


def _together(lines: Sequence[Steps]) -> Iterator[tuple[datetime, Status, Cause | None]]:
    """How a control stood by the verdicts of its lines, from each instant on at which one may have changed."""
    turning: dict[datetime, dict[int, Verdict]] = defaultdict(dict)
    for number, steps in enumerate(lines):
        for at, verdict in steps:
            turning[at][number] = verdict
    standing: dict[int, Verdict] = {}
    for at in sorted(turning):
        standing |= turning[at]
        outcome, cause = gravest(standing.values())
        yield at, STATUS_OF[outcome], cause


def _spans(steps: Iterable[tuple[datetime, Status, Cause | None]], until: datetime) -> tuple[Span, ...]:
    spans: list[Span] = []
    for at, status, cause in steps:
        if spans and (spans[-1].status, spans[-1].cause) == (status, cause):
            continue
        if spans:
            spans[-1] = Span(spans[-1].status, spans[-1].cause, spans[-1].start, at)
        spans.append(Span(status, cause, at, until))
    return tuple(spans)
