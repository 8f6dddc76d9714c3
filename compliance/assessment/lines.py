"""What a control's verdict is made of over time: one line for each check, one for each attestation.

Pure. A line says which types its verdict is drawn from, what the verdict is at an instant, and until when it
stands though nothing more becomes known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from compliance.assessment.assessing import Judgement
from compliance.assessment.attesting import stands
from compliance.assessment.judging import CheckJudge
from compliance.assessment.outcome import Outcome
from compliance.assessment.populations import KINDS, BlindSpot, Inputs
from compliance.assessment.statements import signatures
from compliance.assessment.verdicts import GRID, TICK
from compliance.canonical import EPOCH
from compliance.errors import MunimentError
from compliance.evidence import Cause
from compliance.facts import SOURCES, Fact
from compliance.library import Attestation, Check, Control

Verdict: TypeAlias = tuple[Outcome, Cause | None]


class Line(Protocol):
    """One thing that is judged again and again over a period."""

    @property
    def id(self) -> str:
        """The name of the check or attestation."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """What it is drawn from, as ``FactBase.change_points`` calls it."""
        ...

    @property
    def drifts(self) -> bool:
        """Whether its verdict may change at any instant, so that turns have to be sought."""
        ...

    def verdict(self, judgement: Judgement) -> Verdict:
        """The outcome and its cause at the instant of the judgement."""
        ...

    def lapse(self, judgement: Judgement, horizon: datetime) -> datetime | None:
        """When it must be judged again, at the latest, if nothing more becomes known; None for never.

        Where only the clock decides, nothing is said of what comes after ``horizon``.
        """
        ...


@dataclass(frozen=True)
class _Seen:
    """What a check was judged over at an instant."""

    facts: tuple[Fact, ...]
    spots: tuple[BlindSpot, ...]
    at: datetime


@dataclass(frozen=True)
class _Still:
    """A time over which the clock changes no verdict on some facts; at its end it does, or nobody has looked on."""

    facts: tuple[Fact, ...] = ()
    since: datetime = EPOCH
    until: datetime = EPOCH
    turns: bool = False

    def covers(self, facts: tuple[Fact, ...], *instants: datetime) -> bool:
        """Whether these very facts are spoken of, and all the instants lie within."""
        return self.facts is facts and all(self.since <= at < self.until for at in instants)


class CheckLine:
    """A check of a control over time."""

    def __init__(self, check: Check, control: Control, inputs: Inputs) -> None:
        self.id = check.id
        self._check = check
        self._control = control
        self._inputs = inputs
        self.types = frozenset({"exception", *inputs.reads, *inputs.watched(check.reads)})
        if not self.types.isdisjoint(KINDS):
            self.types |= {SOURCES}
        derivation = inputs.derivation
        self._ages = inputs.ages or check.fresh_stated
        self._held: tuple[_Seen, Verdict] | None = None
        self._still = _Still()
        self._turns = None if derivation is None else derivation.turns
        self.drifts = derivation is not None and derivation.turns is None

    def verdict(self, judgement: Judgement) -> Verdict:
        """The outcome of the check and its cause."""
        seen = _Seen(
            judgement.populations.facts(self._check.over),
            judgement.populations.unseen(self._check),
            judgement.base.at,
        )
        if self._ages or judgement.waivers.of_check(self._check.id, self._control.id).all:
            return judgement.verdict(self._check, self._control)
        if self._held is None or not self._same(self._held[0], seen):
            self._held = seen, judgement.verdict(self._check, self._control)
        return self._held[1]

    def _same(self, former: _Seen, seen: _Seen) -> bool:
        """Whether the verdict on what was seen before is the one on what is seen now."""
        if former.facts is not seen.facts or former.spots != seen.spots:
            return False
        return not self._check.reads_clock or self._still.covers(seen.facts, former.at, seen.at)

    def lapse(self, judgement: Judgement, horizon: datetime) -> datetime | None:
        """When evidence becomes stale, a waiver begins or ends, a rule comes into force, or the clock decides."""
        judge, at = judgement.judge(self._check, self._control), judgement.base.at
        coming = [one for one in self._coming(judgement, judge) if one > at]
        if self._check.reads_clock:
            drawn = judgement.populations.facts(self._check.over)
            if not self._still.covers(drawn, at, at) or (
                self._still.until < horizon and not self._still.turns
            ):
                limit = max(horizon, at + GRID)
                turn = judge.turn(judge.facts(), limit)
                self._still = _Still(drawn, at, turn or limit, turns=turn is not None)
            coming.append(self._still.until)
        return min(coming, default=None)

    def _coming(self, judgement: Judgement, judge: CheckJudge) -> Iterator[datetime]:
        fresh = self._check.fresh_within
        for name in self._inputs.types:
            for state in judgement.base.scopes(name):
                if state.seen_whole_at is not None:
                    yield state.seen_whole_at + fresh + TICK
        if self._ages:
            yield from {fact.observed_at + fresh + TICK for fact in judge.facts()}
        for waiver in judgement.waivers.of_check(self._check.id, self._control.id).all:
            yield waiver.valid_from
            yield waiver.expires_at
        yield from self._turning(judgement)

    def _turning(self, judgement: Judgement) -> Iterable[datetime]:
        try:
            return () if self._turns is None else list(self._turns(judgement.base))
        except MunimentError:
            # Then the facts cannot be worked out either, at whatever instant.
            return ()


class AttestationLine:
    """An attestation of a control over time."""

    types = frozenset({"attestation"})
    drifts = False

    def __init__(self, attestation: Attestation) -> None:
        self.id = attestation.id
        self._attestation = attestation

    def verdict(self, judgement: Judgement) -> Verdict:
        """Whether a signature is in force."""
        return stands(self._attestation, judgement.base)

    def lapse(self, judgement: Judgement, horizon: datetime) -> datetime | None:
        """When a signature comes into force or lapses."""
        del horizon
        signed = signatures(judgement.base.received("attestation"), self._attestation)
        coming = (instant for one in signed for instant in (one.signed_at, one.until + TICK))
        return min((one for one in coming if one > judgement.base.at), default=None)
