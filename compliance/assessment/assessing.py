"""The whole library judged at one instant: checks, controls, requirements, frameworks.

Pure: a function of the library, the fact base (which is as of an instant and a log size) and the
derivations of this program. Numbered:

1. each check over its population, each attestation over what was signed;
2. each control: the gravest of its checks and attestations;
3. each assessable requirement in scope: the gravest of the controls that answer it;
4. each framework: its requirements, and what is out of scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from compliance.assessment.adding import gravest
from compliance.assessment.attesting import judge_attestation
from compliance.assessment.judging import CheckJudge, every, judge_every
from compliance.assessment.outcome import (
    STATUS_OF,
    Assessment,
    CheckResult,
    ControlResult,
    FrameworkResult,
    Outcome,
    OutOfScope,
    RequirementResult,
)
from compliance.assessment.populations import Populations
from compliance.assessment.ratio import judge_ratio, share
from compliance.assessment.scoping import Scope, split
from compliance.assessment.statements import Waivers
from compliance.assessment.verdicts import Verdicts
from compliance.evidence import Cause
from compliance.facts import Fact, FactBase
from compliance.library import Check, Control, Derivation, Framework, Library, Requirement, is_automated

_OUTCOME_OF: dict[str, Outcome] = {status: outcome for outcome, status in STATUS_OF.items()}


@dataclass(frozen=True)
class Carried:
    """What judgements at several instants hand on to one another; it changes no answer."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    drawn: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    """The facts last drawn, by type."""


class Judgement:
    """What is needed to judge controls at one instant; facts are drawn once and shared."""

    def __init__(
        self, base: FactBase, derivations: Mapping[str, Derivation], carried: Carried | None = None
    ) -> None:
        self.base = base
        self.populations = Populations(base, derivations, None if carried is None else carried.drawn)
        self._verdicts = None if carried is None else carried.verdicts

    @cached_property
    def waivers(self) -> Waivers:
        """The exceptions that were received."""
        return Waivers.of(self.base)

    def check(self, check: Check, control: Control) -> CheckResult:
        """One check over its population."""
        judge = self.judge(check, control)
        return judge_every(judge) if check.at_least is None else judge_ratio(judge, check.at_least)

    def verdict(self, check: Check, control: Control) -> tuple[Outcome, Cause | None]:
        """The outcome and cause of ``check``, without its findings."""
        judge = self.judge(check, control)
        tally = judge.tally()
        return every(tally) if check.at_least is None else share(judge, tally, check.at_least)

    def judge(self, check: Check, control: Control) -> CheckJudge:
        """What judges a check over its population."""
        return CheckJudge(check, control, self.populations, self.waivers, self._verdicts)

    def control(self, control: Control) -> ControlResult:
        """One control, with the results of its checks and attestations in their order."""
        results = [self.check(check, control) for check in control.checks]
        results += [judge_attestation(one, control, self.base) for one in control.attestations]
        outcome, cause = gravest((result.outcome, result.cause) for result in results)
        return ControlResult(control.id, STATUS_OF[outcome], cause, tuple(results))


def assess(library: Library, base: FactBase, derivations: Mapping[str, Derivation]) -> Assessment:
    """Every control of the library judged at ``base.at`` by what ``base`` knows."""
    judgement = Judgement(base, derivations)
    controls = {control.id: judgement.control(control) for control in library.controls}
    scope = Scope.of(base.config())
    frameworks = {
        name: _framework(framework, library, scope, controls)
        for name, framework in sorted(library.frameworks.items())
    }
    requirements = {one.id: one for framework in frameworks.values() for one in framework.requirements}
    return Assessment(base.at, base.log_size, library.digest, controls, requirements, frameworks)


def _framework(
    framework: Framework, library: Library, scope: Scope, controls: Mapping[str, ControlResult]
) -> FrameworkResult:
    inside, outside = split(framework, library, scope)
    return FrameworkResult(
        framework.id, framework.title,
        tuple(_requirement(requirement, library, controls) for requirement in inside),
        tuple(OutOfScope(id_, why) for id_, why in outside),
    )  # fmt: skip


def _requirement(
    requirement: Requirement, library: Library, controls: Mapping[str, ControlResult]
) -> RequirementResult:
    answering = library.mappings_to(requirement.id)
    results: list[tuple[Outcome, Cause | None]] = [
        (_OUTCOME_OF[controls[control.id].status], controls[control.id].cause)
        for control in library.controls_of(requirement.id)
    ]
    outcome, cause = gravest(results)
    in_full = any(mapping.in_full for _, mapping in answering)
    return RequirementResult(
        requirement.id, STATUS_OF[outcome], cause, outcome == "pass" and not in_full,
        tuple(control.id for control in library.controls_of(requirement.id)),
        is_automated(library, requirement.id),
    )  # fmt: skip
