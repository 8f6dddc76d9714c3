"""One control as a page shows it: required by, enforced at, tested by, population, evidence, results, past. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.assessment import Assessment, CheckResult, ControlResult, Finding, Span
from compliance.assessment.statements import Signed, Waiver, Waivers, signatures
from compliance.canonical import parse_evidence_id
from compliance.facts import FactBase, ScopeState
from compliance.library import Attestation, Check, Control, Derivation, EnforcementPoint, Library, span
from reports.wording import day
from web.pages.frame import Frame
from web.pages.naming import RELATIONSHIPS, family_title, natural, owner_name, requirement_name
from web.pages.strips import PastStrip, past_strip
from web.rendering import lasted

FINDINGS_SHOWN = 200
PASSES_SHOWN = 100
ENTRIES_SHOWN = 6
OUTCOMES = ("fail", "unknown", "excepted")


@dataclass(frozen=True)
class Required:
    """One requirement that the control answers."""

    id: str
    framework: str
    name: str
    relationship: str
    """In one word or two, as the library has it."""
    meaning: str
    reason: str
    in_scope: bool


@dataclass(frozen=True)
class Tested:
    """One check with its result."""

    check: Check
    result: CheckResult
    lines: tuple[tuple[str, str], ...]
    """How it is judged: a word and an expression for each line."""
    passes: tuple[Finding, ...]
    """The first of those that pass."""


@dataclass(frozen=True)
class Stated:
    """One statement that is signed, with its signatures, the latest first."""

    attestation: Attestation
    result: CheckResult
    owner: str
    valid_for: str
    signatures: tuple[Signed, ...]


@dataclass(frozen=True)
class ControlPage:
    """Everything that the page shows."""

    frame: Frame
    control: Control
    family: str
    owner: str
    result: ControlResult
    stands: str
    """Since when it has its status, in words."""
    past: PastStrip | None
    """None while it is being worked out."""
    required: tuple[Required, ...]
    points: tuple[EnforcementPoint, ...]
    tested: tuple[Tested, ...]
    stated: tuple[Stated, ...]
    scopes: tuple[ScopeState, ...]
    """How completely each scope was seen that the checks rest on."""
    entries: tuple[int, ...]
    """Log indexes of the newest entries that the results cite."""
    entries_in_all: int
    findings: tuple[Finding, ...]
    """What fails, is unknown or excepted, the gravest first."""
    findings_in_all: int
    exceptions: tuple[Waiver, ...]
    may_sign: bool

    @property
    def seen_whole(self) -> int:
        """Scopes that were seen whole."""
        return sum(scope.cause is None for scope in self.scopes)


def control_page(
    frame: Frame,
    library: Library,
    assessment: Assessment,
    base: FactBase,
    derivations: Mapping[str, Derivation],
    name: str,
    line: Sequence[Span] | None,
    *,
    began: datetime,
) -> ControlPage:
    """The page of one control; the log began at ``began``, ``line`` is None while it is being worked out.

    Raises NotFound for an unknown control.
    """
    control, result = library.control_of(name), assessment.controls[name]
    results = {one.check: one for one in result.checks}
    told = [finding for one in result.checks for finding in one.told if finding.outcome != "pass"]
    told.sort(key=lambda finding: (OUTCOMES.index(finding.outcome), finding.key()))
    cited = sorted(_entries(result.checks), reverse=True)
    return ControlPage(
        frame=frame, control=control, family=family_title(library, control.family), owner=owner_name(control.owner),
        result=result, stands=_stands(line, began, assessment.at), past=None if line is None else past_strip(line, assessment.at),
        required=_required(control, assessment),
        points=tuple(library.enforcement_points[point] for point in control.enforcement_points),
        tested=tuple(_tested(check, results[check.id]) for check in control.checks),
        stated=tuple(_stated(one, results[one.id], base) for one in control.attestations),
        scopes=_scopes(control, base, derivations), entries=tuple(cited[:ENTRIES_SHOWN]), entries_in_all=len(cited),
        findings=tuple(told[:FINDINGS_SHOWN]), findings_in_all=len(told), exceptions=_exceptions(control, base),
        may_sign=bool(frame.scopes & {"attest", "admin"}),
    )  # fmt: skip


def _stands(line: Sequence[Span] | None, began: datetime, at: datetime) -> str:
    if line is None:
        return "since when is being worked out"
    if not line or line[-1].start <= began:
        return f"since the log began, {lasted(at - began)}"
    return f"since {day(line[-1].start)}, {lasted(at - line[-1].start)}"


def _required(control: Control, assessment: Assessment) -> tuple[Required, ...]:
    found = [
        Required(
            mapping.requirement, mapping.requirement.partition(":")[0], requirement_name(mapping.requirement),
            mapping.relationship.replace("-", " "), RELATIONSHIPS[mapping.relationship], mapping.reason,
            mapping.requirement in assessment.requirements,
        )
        for mapping in control.mappings
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (not one.in_scope, natural(one.name))))


def _tested(check: Check, result: CheckResult) -> Tested:
    lines = [
        ("over", check.over),
        *([("where", check.where)] if check.where else []),
        ("expect", check.expect),
    ]
    if check.at_least is not None:
        lines.append(("at least", f"{float(check.at_least) * 100:g} % of the population"))
    lines.append(("fresh", f"within {span(check.fresh_within)}"))
    passes = (
        ()
        if result.tell_pass is None
        else tuple(result.tell_pass(fact) for fact in result.passed[:PASSES_SHOWN])
    )
    return Tested(check, result, tuple(lines), passes)


def _stated(attestation: Attestation, result: CheckResult, base: FactBase) -> Stated:
    signed = [
        one for one in signatures(base.received("attestation"), attestation) if one.signed_at <= base.at
    ]
    return Stated(
        attestation,
        result,
        owner_name(attestation.owner),
        span(attestation.valid_for),
        tuple(reversed(signed)),
    )


def _scopes(
    control: Control, base: FactBase, derivations: Mapping[str, Derivation]
) -> tuple[ScopeState, ...]:
    """The scopes of the base facts that the checks judge, directly or through a derived fact."""
    types: dict[str, None] = {}
    for check in control.checks:
        derivation = derivations.get(check.over)
        types.update(dict.fromkeys((check.over,) if derivation is None else derivation.schema.inputs))
    return tuple(state for type_ in types for state in base.scopes(type_))


def _entries(results: Iterable[CheckResult]) -> set[int]:
    ids = {name for result in results for finding in result.told for name in finding.evidence}
    ids |= {name for result in results for fact in result.passed for name in fact.evidence}
    return {parse_evidence_id(name)[0] for name in ids}


def _exceptions(control: Control, base: FactBase) -> tuple[Waiver, ...]:
    checks = {check.id for check in control.checks} | {one.id for one in control.attestations}
    found = [
        waiver for waiver in Waivers.of(base).all if waiver.control == control.id or waiver.check in checks
    ]
    return tuple(sorted(found, key=lambda waiver: (waiver.expires_at, waiver.id), reverse=True))
