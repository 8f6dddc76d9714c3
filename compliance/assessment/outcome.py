"""What judgement yields: findings, and the results of checks, controls, requirements and frameworks.

Pure values with a stated order, so that equal answers are equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from compliance.canonical import Json, format_time
from compliance.evidence import Cause
from compliance.facts import Fact
from compliance.library import Severity

Outcome = Literal["pass", "fail", "unknown", "excepted"]
Status = Literal["effective", "deficient", "unknown", "excepted"]
STATUS_OF: Mapping[Outcome, Status] = {
    "pass": "effective", "fail": "deficient", "unknown": "unknown", "excepted": "excepted",
}  # fmt: skip
SCOPE = "scope"
"""``resource_type`` of a finding about what could not be seen."""
RATIO = "ratio"
"""``resource_type`` of the one finding of a check with ``at_least``."""
ATTESTATION = "attestation"
"""``resource_type`` of a finding about a signed statement."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check judged on one resource (CONTRACT section 1)."""

    check: str
    control: str
    requirements: tuple[str, ...]
    resource_type: str
    resource_id: str
    source: str
    outcome: Outcome
    cause: Cause | None
    reason: str
    """A sentence that names the value which decided it."""
    evidence: tuple[str, ...]
    observed_at: datetime | None
    """When the resource was last seen; None where it never was."""
    evaluated_at: datetime
    """The instant judged, not the time of day."""
    severity: Severity
    fix: str
    """Resource and setting to change; empty on a pass."""

    def key(self) -> tuple[str, str, str, str]:
        """What tells findings apart, and their order: check, resource type, resource id, source."""
        return self.check, self.resource_type, self.resource_id, self.source

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment findings --json``."""
        return {
            "check": self.check, "control": self.control, "requirements": list(self.requirements),
            "resource_type": self.resource_type, "resource_id": self.resource_id, "source": self.source,
            "outcome": self.outcome, "cause": self.cause, "reason": self.reason,
            "evidence": list(self.evidence),
            "observed_at": None if self.observed_at is None else format_time(self.observed_at),
            "evaluated_at": format_time(self.evaluated_at), "severity": self.severity, "fix": self.fix,
        }  # fmt: skip


@dataclass(frozen=True)
class CheckResult:
    """One check, or one attestation, at one instant.

    ``population`` counts the resources judged: ``passing + failing + unknown + excepted``.
    What could not be seen at all is in ``unseen_scopes``, what ``where`` leaves out in
    ``not_applicable``. ``told`` are the findings other than plain passes, which are kept as facts and
    told when asked for.
    """

    check: str
    outcome: Outcome
    cause: Cause | None
    reason: str
    told: tuple[Finding, ...]
    passing: int = 0
    failing: int = 0
    unknown: int = 0
    excepted: int = 0
    not_applicable: int = 0
    unseen_scopes: int = 0
    passed: tuple[Fact, ...] = field(default=(), repr=False)
    tell_pass: Callable[[Fact], Finding] | None = field(default=None, repr=False, compare=False)

    @property
    def population(self) -> int:
        """How many resources were judged."""
        return self.passing + self.failing + self.unknown + self.excepted

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, passes included, in order."""
        passes = () if self.tell_pass is None else tuple(self.tell_pass(fact) for fact in self.passed)
        return tuple(sorted((*self.told, *passes), key=Finding.key))

    def as_json(self) -> dict[str, Json]:
        """The result in numbers."""
        return {
            "check": self.check, "outcome": self.outcome, "cause": self.cause, "reason": self.reason,
            "population": self.population, "passing": self.passing, "failing": self.failing,
            "unknown": self.unknown, "excepted": self.excepted, "not_applicable": self.not_applicable,
            "unseen_scopes": self.unseen_scopes,
        }  # fmt: skip


@dataclass(frozen=True)
class ControlResult:
    """One control: the gravest of its checks and attestations."""

    id: str
    status: Status
    cause: Cause | None
    checks: tuple[CheckResult, ...]

    @property
    def failing(self) -> int:
        """Resources that keep a check of it from passing: misses of a ratio that holds are none."""
        return sum(check.failing for check in self.checks if check.outcome == "fail")

    @property
    def population(self) -> int:
        """Resources judged, each once for each check."""
        return sum(check.population for check in self.checks)

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment status --json``, but for ``since``."""
        return {
            "id": self.id, "status": self.status, "cause": self.cause, "failing": self.failing,
            "population": self.population, "checks": [check.as_json() for check in self.checks],
        }  # fmt: skip


@dataclass(frozen=True)
class RequirementResult:
    """One assessable requirement in scope: the gravest of the controls that answer it."""

    id: str
    status: Status
    cause: Cause | None
    in_part: bool
    """Effective, but by controls none of which does all that the requirement asks."""
    controls: tuple[str, ...]
    automated: bool
    """Whether at least one of its controls has a check."""

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment status --json``."""
        value: dict[str, Json] = {"id": self.id, "status": self.status, "controls": list(self.controls)}
        if self.status == "unknown":
            value["cause"] = self.cause
        if self.in_part:
            value["in_part"] = True
        return value


@dataclass(frozen=True)
class OutOfScope:
    """An assessable requirement that is in no count, and why."""

    id: str
    why: str

    def as_json(self) -> dict[str, Json]:
        """Shown beside the requirements in scope."""
        return {"id": self.id, "why": self.why}


@dataclass(frozen=True)
class FrameworkResult:
    """One framework; every count is over its assessable requirements in scope."""

    framework: str
    title: str
    requirements: tuple[RequirementResult, ...]
    out_of_scope: tuple[OutOfScope, ...]

    @property
    def in_scope(self) -> bool:
        """Whether anything of it is judged."""
        return bool(self.requirements)

    @property
    def assessable(self) -> int:
        """Assessable requirements in scope."""
        return len(self.requirements)

    @property
    def automated(self) -> int:
        """Those of them with at least one automated check."""
        return sum(requirement.automated for requirement in self.requirements)

    @property
    def automated_effective(self) -> int:
        """Those of the automated that are effective, in full or in part."""
        return sum(r.automated and r.status == "effective" for r in self.requirements)

    def count(self, status: Status) -> int:
        """How many requirements have a status."""
        return sum(requirement.status == status for requirement in self.requirements)

    def controls(self) -> frozenset[str]:
        """The controls that answer a requirement in scope."""
        return frozenset(control for requirement in self.requirements for control in requirement.controls)

    def summary(self) -> dict[str, Json]:
        """How the framework stands: what has an automated check always beside what of it is effective."""
        return {
            "framework": self.framework, "title": self.title, "assessable": self.assessable,
            "automated": self.automated, "automated_effective": self.automated_effective,
            "effective": self.count("effective"),
            "in_part": sum(requirement.in_part for requirement in self.requirements),
            "deficient": self.count("deficient"), "unknown": self.count("unknown"),
            "excepted": self.count("excepted"),
            "unanswered": sum(not requirement.controls for requirement in self.requirements),
            "out_of_scope": len(self.out_of_scope),
        }  # fmt: skip

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment status --json``."""
        return {
            "requirements": [requirement.as_json() for requirement in self.requirements],
            "summary": self.summary(),
            "out_of_scope": [requirement.as_json() for requirement in self.out_of_scope],
        }


@dataclass(frozen=True)
class Assessment:
    """Every check judged at one instant and log size, and how the results add up."""

    at: datetime
    log_size: int
    library: str
    controls: Mapping[str, ControlResult]
    requirements: Mapping[str, RequirementResult]
    frameworks: Mapping[str, FrameworkResult]

    @cached_property
    def checks(self) -> Mapping[str, CheckResult]:
        """The result of every check and attestation by its id, ordered by id."""
        found = {check.check: check for control in self.controls.values() for check in control.checks}
        return dict(sorted(found.items()))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, ordered by check, resource type, resource id and source."""
        return tuple(finding for check in self.checks.values() for finding in check.findings)
