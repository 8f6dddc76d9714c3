"""How a control stood over a period: a step function, evaluated where something can change.

Pure. The order:

1. the instants at which facts or records changed;
2. between two of them, the instants at which something becomes stale, lapses or comes into force, and,
   where time alone can change a verdict, a grid of at most a day;
3. where the status of two neighbours differs and no change lies between them, the turn is sought by
   halving, to the second.

Where there are more than ``MOST`` instants, the last of each minute, hour or day stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from compliance.assessment.assessing import Judgement
from compliance.assessment.judging import Memo
from compliance.assessment.outcome import Status
from compliance.assessment.populations import Inputs
from compliance.assessment.statements import signatures
from compliance.canonical import EPOCH
from compliance.evidence import Cause
from compliance.facts import FactBase
from compliance.library import Control, Derivation, Library

MOST = 400
"""Instants that are evaluated before they are thinned."""
GRID = timedelta(days=1)
FINEST = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
_COARSER = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7))

BaseAt = Callable[[datetime], FactBase]
"""The same log size at another instant."""
Standing = tuple[tuple[Status, Cause | None], ...]
"""Status and cause of each control, in the order asked for."""


@dataclass(frozen=True)
class Span:
    """A control's status from ``start`` until before ``end``; the last one includes its end."""

    status: Status
    cause: Cause | None
    start: datetime
    end: datetime


def control_timeline(  # noqa: PLR0913 (a period has two ends)
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


def timelines(  # noqa: PLR0913 (a period has two ends)
    library: Library,
    base_at: BaseAt,
    derivations: Mapping[str, Derivation],
    control_ids: Sequence[str],
    until: datetime,
    *,
    start: datetime | None = None,
) -> dict[str, tuple[Span, ...]]:
    """``control_timeline`` of several controls at once: each instant's facts are drawn only once."""
    controls = [library.control_of(id_) for id_ in control_ids]
    history = _History(controls, base_at, derivations, until)
    steps = history.steps(start)
    return {id_: _spans([(at, standing[n]) for at, standing in steps], until) for n, id_ in enumerate(control_ids)}


def time_in(spans: Iterable[Span], start: datetime, end: datetime) -> dict[Status, timedelta]:
    """How long each status lasted between two instants; what no span covers is unknown."""
    found: dict[Status, timedelta] = dict.fromkeys(("effective", "deficient", "unknown", "excepted"), timedelta())
    for span in spans:
        lasted = min(span.end, end) - max(span.start, start)
        if lasted > timedelta():
            found[span.status] += lasted
    found["unknown"] += (end - start) - sum(found.values(), timedelta())
    return found


class _History:
    """Evaluates controls at instants, each once."""

    def __init__(
        self, controls: Sequence[Control], base_at: BaseAt, derivations: Mapping[str, Derivation], until: datetime
    ) -> None:
        self._controls = controls
        self._base_at = base_at
        self._derivations = derivations
        self._until = until
        self._memo: Memo = {}
        self._known: dict[datetime, Standing] = {}
        self._last: Judgement | None = None
        inputs = [Inputs(check.over, derivations.get(check.over)) for c in controls for check in c.checks]
        self._types = {name for one in inputs for name in one.reads} | {"attestation", "exception"}
        self._clocky = any(one.moves_with_the_clock for one in inputs) or any(
            check.reads_clock for control in controls for check in control.checks
        )

    def steps(self, start: datetime | None) -> list[tuple[datetime, Standing]]:
        """The standing from each instant on at which it may have changed, ascending."""
        points = set(self._base_at(self._until).change_points(self._types))
        if start is not None:
            points = {point for point in points if point > start} | {start}
        if not points:
            return []
        changes = _thinned(points)
        steps = [(changes[0], self.standing(changes[0]))]
        for before, after in pairwise([*changes, self._until]):
            steps += self._between(before, after)
        return steps

    def standing(self, at: datetime) -> Standing:
        """How every control stands at an instant."""
        if at not in self._known:
            judgement = self._judgement(at)
            results = (judgement.control(control) for control in self._controls)
            self._known[at] = tuple((result.status, result.cause) for result in results)
        return self._known[at]

    def _judgement(self, at: datetime) -> Judgement:
        if self._last is None or self._last.base.at != at:
            self._last = Judgement(self._base_at(at), self._derivations, self._memo)
        return self._last

    # --- 2 and 3: between two changes ----------------------------------------------------------------

    def _between(self, before: datetime, after: datetime) -> Iterator[tuple[datetime, Standing]]:
        """The turns after ``before`` up to and at ``after``."""
        inner = [at for at in _thinned(self._lapses(before) | self._grid(before, after)) if before < at < after]
        for earlier, later in pairwise([before, *inner, after]):
            yield from self._turns(earlier, later)

    def _turns(self, earlier: datetime, later: datetime) -> Iterator[tuple[datetime, Standing]]:
        while earlier < later and self.standing(earlier) != self.standing(later):
            if later - earlier <= FINEST or self.standing(later - TICK) == self.standing(earlier):
                yield later, self.standing(later)
                return
            low, high = earlier, later - TICK
            while high - low > FINEST:
                middle = low + (high - low) / 2
                low, high = (middle, high) if self.standing(middle) == self.standing(earlier) else (low, middle)
            yield high, self.standing(high)
            earlier = high

    def _grid(self, before: datetime, after: datetime) -> set[datetime]:
        if not self._clocky:
            return set()
        step = max(GRID, (after - before) / MOST)
        return {before + step * number for number in range(1, int((after - before) / step) + 1)}

    def _lapses(self, at: datetime) -> set[datetime]:
        """When something known at an instant becomes stale, lapses or comes into force."""
        judgement = self._judgement(at)
        found: set[datetime] = set()
        for control in self._controls:
            found |= _of_evidence(judgement, control) | _of_signatures(judgement, control)
        for waiver in judgement.waivers.all:
            found |= {waiver.valid_from, waiver.expires_at}
        return found


def _of_evidence(judgement: Judgement, control: Control) -> set[datetime]:
    found: set[datetime] = set()
    for check in control.checks:
        inputs = judgement.populations.inputs(check.over)
        seen = {
            state.seen_whole_at
            for name in inputs.types
            for state in judgement.base.scopes(name)
            if state.seen_whole_at is not None
        }
        if inputs.ages or check.fresh_stated:
            seen |= {fact.as_read(check.reads).observed_at for fact in judgement.populations.facts(check.over)}
        found |= {at + check.fresh_within + TICK for at in seen}
    return found


def _of_signatures(judgement: Judgement, control: Control) -> set[datetime]:
    return {
        instant
        for attestation in control.attestations
        for one in signatures(judgement.base.received("attestation"), attestation)
        for instant in (one.signed_at, one.until + TICK)
    }


def _thinned(instants: Iterable[datetime]) -> list[datetime]:
    """The instants, or the last of each minute, hour, day or week where there are too many."""
    ordered = sorted(instants)
    for width in _COARSER:
        if len(ordered) <= MOST:
            break
        ordered = sorted({(at - EPOCH) // width: at for at in ordered}.values())
    return ordered


def _spans(steps: Sequence[tuple[datetime, tuple[Status, Cause | None]]], until: datetime) -> tuple[Span, ...]:
    spans: list[Span] = []
    for at, (status, cause) in steps:
        if spans and (spans[-1].status, spans[-1].cause) == (status, cause):
            continue
        if spans:
            spans[-1] = Span(spans[-1].status, spans[-1].cause, spans[-1].start, at)
        spans.append(Span(status, cause, at, until))
    return tuple(spans)
