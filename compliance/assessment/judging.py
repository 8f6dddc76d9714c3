"""One check judged over its population at one instant.

Pure. The rules, in this order, for each resource:

1. what the check reads of it was seen too long ago: unknown, stale;
2. a field that ``where`` reads is unseen, or ``where`` cannot be evaluated: unknown;
3. ``where`` is false: left out, and counted;
4. a field that ``expect`` reads is unseen, or ``expect`` cannot be evaluated: unknown;
5. ``expect`` is true: pass; false: fail, or excepted while a waiver covers it.

What the population is drawn from and could not be seen is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from compliance.assessment import wording
from compliance.assessment.adding import gravest
from compliance.assessment.outcome import SCOPE, CheckResult, Finding, Outcome
from compliance.assessment.populations import BlindSpot, Populations
from compliance.assessment.statements import Waiver, Waivers
from compliance.assessment.verdicts import Verdicts
from compliance.canonical import format_time
from compliance.evidence import Cause
from compliance.facts import Fact
from compliance.library import Check, Control, Judged, filled
from compliance.predicate import Unjudged


@dataclass
class Tally:
    """The resources of one population, sorted by how they came out."""

    passed: list[Fact] = field(default_factory=list)
    failed: list[Fact] = field(default_factory=list)
    excepted: list[tuple[Fact, Waiver]] = field(default_factory=list)
    unknown: list[tuple[Fact, Cause, Unjudged | None]] = field(default_factory=list)
    """With why there is no verdict; None where the evidence is too old."""
    not_applicable: int = 0
    spots: tuple[BlindSpot, ...] = ()
    """What of the population could not be seen."""

    @property
    def population(self) -> int:
        """Resources judged."""
        return len(self.passed) + len(self.failed) + len(self.excepted) + len(self.unknown)


class CheckJudge:
    """Judges one check of one control over what is known at one instant."""

    def __init__(
        self, check: Check, control: Control, populations: Populations, waivers: Waivers,
        verdicts: Verdicts | None = None,
    ) -> None:  # fmt: skip
        self.check = check
        self.control = control
        self.at = populations.base.at
        self._populations = populations
        self._waivers = waivers.of_check(check.id, control.id)
        inputs = populations.inputs(check.over)
        self.ages = inputs.ages or check.fresh_stated
        """Whether what was seen too long ago has no verdict."""
        self._verdicts = verdicts

    # --- resources -----------------------------------------------------------------------------

    def tally(self) -> Tally:
        """Every resource of the population, judged."""
        tally = Tally(spots=self._populations.unseen(self.check))
        for fact in self.facts():
            self._sort_in(fact, tally)
        return tally

    def facts(self) -> Sequence[Fact]:
        """Every resource of the population, each as old as what the check reads of it."""
        drawn = self._populations.facts(self.check.over)
        if not any(fact.seen_at for fact in drawn):
            return drawn
        return [fact.as_read(self.check.reads) for fact in drawn]

    def turn(self, facts: Iterable[Fact], horizon: datetime) -> datetime | None:
        """When time alone next changes the verdict on one of the facts; None where it is not before ``horizon``."""
        verdicts = self._verdicts or Verdicts()
        return verdicts.turn(self.check, facts, self.at, horizon)

    def _sort_in(self, fact: Fact, tally: Tally) -> None:
        if self.ages and self.at - fact.observed_at > self.check.fresh_within:
            tally.unknown.append((fact, "stale", None))
            return
        judged = self._judged(fact)
        if judged == "pass":
            tally.passed.append(fact)
        elif judged == "not_applicable":
            tally.not_applicable += 1
        elif isinstance(judged, Unjudged):
            tally.unknown.append((fact, judged.cause, judged))
        else:
            self._failed(fact, tally)

    def _judged(self, fact: Fact) -> Judged:
        if self._verdicts is None:
            return self.check.judge(fact.value, fact.unseen, self.at)
        return self._verdicts.of(self.check, fact, self.at)

    def _failed(self, fact: Fact, tally: Tally) -> None:
        waiver = self.waiver(fact.resource)
        if waiver is None:
            tally.failed.append(fact)
        else:
            tally.excepted.append((fact, waiver))

    def waiver(self, resource: str) -> Waiver | None:
        """The waiver that covers the check on a resource at the instant."""
        if not self._waivers.all:
            return None
        return self._waivers.covering(self.check.id, self.control.id, resource, self.at)

    # --- findings ------------------------------------------------------------------------------

    def told(self, tally: Tally) -> Iterator[Finding]:
        """The findings of all resources but those that pass."""
        for fact in tally.failed:
            yield self._of_fact(fact, "fail", None, wording.of_fail(self.check, fact))
        for fact, cause, judged in tally.unknown:
            stale = wording.of_stale(self.check, fact, self.at) if judged is None else ""
            reason = stale if judged is None else wording.of_unjudged(fact, judged)
            yield self._of_fact(fact, "unknown", cause, reason)
        for fact, waiver in tally.excepted:
            yield self._of_fact(
                fact, "excepted", None, _waived(waiver, wording.of_fail(self.check, fact)), waiver
            )

    def passed(self, fact: Fact) -> Finding:
        """The finding of a resource that passes."""
        return self._of_fact(fact, "pass", None, wording.of_pass(self.check, fact))

    def _of_fact(
        self, fact: Fact, outcome: Outcome, cause: Cause | None, reason: str, waiver: Waiver | None = None
    ) -> Finding:
        check = self.check
        return Finding(
            check=check.id, control=self.control.id, requirements=self.control.requirements,
            resource_type=fact.type, resource_id=fact.resource, source=fact.source, outcome=outcome, cause=cause,
            reason=reason, evidence=(*fact.evidence, *((waiver.evidence,) if waiver else ())),
            observed_at=fact.observed_at, evaluated_at=self.at, severity=check.severity,
            fix="" if outcome == "pass" else filled(check.fix, fact.resource, fact.value),
        )  # fmt: skip

    def of_blind_spot(self, spot: BlindSpot) -> Finding:
        """The finding of what could not be seen."""
        fix = (
            f"Collect {spot.resource} again with every right that it needs, and find out why it was not seen."
        )
        return Finding(
            check=self.check.id, control=self.control.id, requirements=self.control.requirements,
            resource_type=SCOPE, resource_id=spot.resource, source=spot.source, outcome="unknown", cause=spot.cause,
            reason=spot.reason, evidence=spot.evidence, observed_at=spot.observed_at, evaluated_at=self.at,
            severity=self.check.severity, fix=fix,
        )  # fmt: skip


def _waived(waiver: Waiver, why: str) -> str:
    compensating = f" Compensated by: {waiver.compensating}." if waiver.compensating else ""
    until = (
        f"Excepted until {format_time(waiver.expires_at)} by {waiver.approver}: {waiver.reason.rstrip('.')}."
    )
    return f"{until}{compensating} Without it: {why}"


def every(tally: Tally) -> tuple[Outcome, Cause | None]:
    """The verdict where every resource must meet the check: the gravest; an empty population passes."""
    found: list[tuple[Outcome, Cause | None]] = [("unknown", cause) for _, cause, _ in tally.unknown]
    found += [("unknown", spot.cause) for spot in tally.spots]
    if tally.failed:
        found.append(("fail", None))
    if tally.excepted:
        found.append(("excepted", None))
    return gravest(found or [("pass", None)])


def judge_every(judge: CheckJudge) -> CheckResult:
    """A check that every resource must meet."""
    tally = judge.tally()
    told = [*judge.told(tally), *map(judge.of_blind_spot, tally.spots)]
    result = counted(judge, tally, every(tally), told, _summary(judge, tally))
    return replace(result, passed=tuple(tally.passed), tell_pass=judge.passed)


def _summary(judge: CheckJudge, tally: Tally) -> str:
    if not tally.population and not tally.spots:
        return wording.of_nothing(judge.check, tally.not_applicable)
    parts = [f"{len(tally.passed)} of {tally.population} meet it"]
    for count, said in (
        (len(tally.failed), "fail"), (len(tally.unknown), "unknown"), (len(tally.excepted), "excepted"),
        (tally.not_applicable, "left out"), (len(tally.spots), "not seen whole"),
    ):  # fmt: skip
        parts += [f"{count} {said}"] if count else []
    return ", ".join(parts) + "."


def counted(
    judge: CheckJudge,
    tally: Tally,
    verdict: tuple[Outcome, Cause | None],
    told: Iterable[Finding],
    reason: str,
) -> CheckResult:
    """The result of a check with its counts."""
    outcome, cause = verdict
    return CheckResult(
        check=judge.check.id, outcome=outcome, cause=cause, reason=reason, told=tuple(told),
        passing=len(tally.passed), failing=len(tally.failed), unknown=len(tally.unknown),
        excepted=len(tally.excepted), not_applicable=tally.not_applicable, unseen_scopes=len(tally.spots),
    )  # fmt: skip
