"""The audit report of one framework over a period: a frozen view and its pure builder.

A report never says effective where something is unknown: days without evidence are unknown, what
nobody tests stays visible, and passing results are counted, not asserted. How auditors want evidence
(source, query, time, identity, completeness against an independent total) decides what stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.assessment import Assessment, CheckResult, Finding, Span, Status, time_in
from compliance.errors import NotFound
from compliance.facts import SourceState
from compliance.library import Answering, Attestation, Check, Control, EnforcementPoint, Framework, Library
from reports.wording import counted

SHOWN_FINDINGS = 25
"""Findings listed under one control; the rest is counted and stands in ``muniment findings``."""
STATUSES: tuple[Status, ...] = ("deficient", "unknown", "excepted", "effective")
TITLES: Mapping[str, str] = {
    "gdpr": "GDPR", "uk-gdpr": "UK GDPR", "cpra": "CPRA", "hipaa": "HIPAA", "glba": "GLBA", "sox": "SOX",
    "pci-dss-4.0.1": "PCI DSS 4.0.1", "soc2": "SOC 2", "iso27001-2022": "ISO 27001", "eu-ai-act": "EU AI Act",
    "fedramp-moderate": "FedRAMP Moderate", "nist-csf-2.0": "NIST CSF 2.0",
}  # fmt: skip
"""Short names that people know the frameworks by."""


@dataclass(frozen=True)
class Provenance:
    """What a document was computed from: the four values, and who vouches for the log."""

    as_of: datetime
    log_size: int
    library: str
    program: str
    origin: str
    root: str
    checkpoint: str
    vouched_by: str
    sample: bool
    breaks: tuple[str, ...] = ()
    """Where the log goes on as the successor of one that was lost, in sentences."""


@dataclass(frozen=True)
class RequirementRow:
    """One assessable requirement in scope."""

    id: str
    citation: str
    title: str
    status: Status
    cause: str | None
    in_part: bool
    controls: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """How long a control had a status within the period."""

    status: Status
    lasted: timedelta
    share: float
    """Of the period, from 0 to 1."""


@dataclass(frozen=True)
class ControlSection:
    """One control that answers a requirement of the framework."""

    control: Control
    status: Status
    cause: str | None
    mappings: tuple[Answering, ...]
    """Those to this framework."""
    points: tuple[EnforcementPoint, ...]
    checks: tuple[tuple[Check, CheckResult], ...]
    attestations: tuple[tuple[Attestation, CheckResult], ...]
    standing: tuple[Standing, ...]
    spans: tuple[Span, ...]
    """Its statuses within the period, oldest first."""
    findings: tuple[Finding, ...]
    """What fails, is unknown or excepted: at most ``SHOWN_FINDINGS``, gravest first."""
    findings_in_all: int


@dataclass(frozen=True)
class AuditReport:
    """Everything that the document says."""

    framework: Framework
    name: str
    period: tuple[datetime, datetime]
    """First moment, and the first moment after the last day, in UTC."""
    provenance: Provenance
    headline: str
    counts: Mapping[str, int]
    """Requirements by status, ``in_part``, ``automated``, ``attested``, ``unanswered``, ``assessable``."""
    sources: tuple[SourceState, ...]
    requirements: tuple[RequirementRow, ...]
    out_of_scope: tuple[tuple[str, str], ...]
    controls: tuple[ControlSection, ...]

    @property
    def last_day(self) -> datetime:
        """The last moment that the period includes, to the day."""
        return self.period[1] - timedelta(microseconds=1)


def build_audit_report(
    library: Library,
    assessment: Assessment,
    *,
    framework: str,
    period: tuple[datetime, datetime],
    timelines: Mapping[str, Sequence[Span]],
    sources: Sequence[SourceState],
    provenance: Provenance,
) -> AuditReport:
    """The report of one framework. Raises NotFound for one that the library does not have."""
    if framework not in library.frameworks:
        known = ", ".join(sorted(library.frameworks))
        raise NotFound(
            f"No framework is named {framework!r}; in the library are: {known}.", field="framework"
        )
    result = assessment.frameworks[framework]
    rows = tuple(
        RequirementRow(
            r.id, library.requirements[r.id].citation, library.requirements[r.id].title, r.status, r.cause,
            r.in_part, r.controls,
        )
        for r in result.requirements
    )  # fmt: skip
    sections = tuple(
        _section(library, assessment, framework, library.control_of(name), timelines.get(name, ()), period)
        for name in sorted(result.controls())
    )
    summary = result.summary()
    counts = {key: value for key, value in summary.items() if isinstance(value, int)}
    counts["attested"] = sum(bool(row.controls) for row in rows) - counts["automated"]
    return AuditReport(
        framework=library.frameworks[framework], name=TITLES.get(framework, framework), period=period,
        provenance=provenance, headline=_headline(TITLES.get(framework, framework), counts), counts=counts,
        sources=tuple(sources), requirements=rows,
        out_of_scope=tuple((one.id, one.why) for one in result.out_of_scope), controls=sections,
    )  # fmt: skip


def _headline(name: str, counts: Mapping[str, int]) -> str:
    tested = counts["automated"]
    return (
        f"Of {counted(counts['assessable'], 'assessable requirement')} of {name} in scope,"
        f" {tested} {'has' if tested == 1 else 'have'} an automated check:"
        f" {counts['automated_effective']} of those are effective"
        + (f" ({counts['in_part']} in part)" if counts["in_part"] else "")
        + f". {counts['deficient']} are deficient; {counts['unknown']} cannot be judged,"
        f" {counts['unanswered']} of them because no control of this library answers them."
    )


def _section(
    library: Library,
    assessment: Assessment,
    framework: str,
    control: Control,
    spans: Sequence[Span],
    period: tuple[datetime, datetime],
) -> ControlSection:
    result = assessment.controls[control.id]
    results = {one.check: one for one in result.checks}
    told = [finding for one in result.checks for finding in one.told if finding.outcome != "pass"]
    told.sort(key=lambda finding: (("fail", "unknown", "excepted").index(finding.outcome), *finding.key()))
    return ControlSection(
        control=control, status=result.status, cause=result.cause,
        mappings=tuple(m for m in control.mappings if m.requirement.startswith(f"{framework}:")),
        points=tuple(library.enforcement_points[point] for point in control.enforcement_points),
        checks=tuple((check, results[check.id]) for check in control.checks),
        attestations=tuple((one, results[one.id]) for one in control.attestations),
        standing=_standing(spans, period), spans=_within(spans, period),
        findings=tuple(told[:SHOWN_FINDINGS]), findings_in_all=len(told),
    )  # fmt: skip


def _standing(spans: Sequence[Span], period: tuple[datetime, datetime]) -> tuple[Standing, ...]:
    start, end = period
    lasted = time_in(spans, start, end)
    whole = end - start
    return tuple(
        Standing(status, lasted[status], lasted[status] / whole)
        for status in STATUSES
        if lasted[status] > timedelta()
    )


def _within(spans: Sequence[Span], period: tuple[datetime, datetime]) -> tuple[Span, ...]:
    start, end = period
    return tuple(
        Span(span.status, span.cause, max(span.start, start), min(span.end, end))
        for span in spans
        if span.start < end and span.end > start
    )
