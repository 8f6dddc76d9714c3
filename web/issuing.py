"""Issuing reports from a store's answers: the thin shell between answers and the pure builders.

A report that is issued is itself an entry; its basis is the size of the log before that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from compliance.answers import Answers, Basis
from compliance.breaks import breaks_of
from compliance.canonical import Json, canonical, format_time, parse_time, require_reckonable, sha256_hex
from compliance.errors import InputRefused
from compliance.evidence import Observation
from compliance.reperforming import gone_sentences
from compliance.store import ITSELF, Store
from compliance.vouching import who_vouches
from reports.audit import AuditReport, Provenance, build_audit_report
from reports.oscal import assessment_results
from reports.render import html, pdf
from reports.usage import UsageStatement, build_usage_statement

DEFAULT_PERIOD = timedelta(days=90)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class IssuedReport:
    """A report's bytes, and the evidence id of the entry that says it was issued."""

    content: bytes
    sha256: str
    evidence: str


def provenance_of(store: Store, basis: Basis) -> Provenance:
    """What a document states about where its answers come from."""
    return Provenance(
        as_of=basis.at, log_size=basis.log_size, library=basis.library, program=basis.program,
        origin=store.log.origin, root=store.log.root(basis.log_size).hex(),
        checkpoint=store.log.checkpoint(basis.log_size), sample=store.sample,
        vouched_by=who_vouches(store.log, store.settings.home / "log", basis.log_size),
        breaks=(
            *(one.sentence() for one in breaks_of(store, basis.log_size)),
            *gone_sentences(store.projections, basis.log_size),
        ),
    )  # fmt: skip


def report_view(
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    at: datetime | None = None,
    log_size: int | None = None,
    library: str | None = None,
) -> AuditReport:
    """The view of a framework over [from, to]: whole days in UTC, judged as of the period's end or ``at`` (now)."""
    now = at or store.clock()
    start, end = _period(from_, to, now)
    basis = answers.basis(at=min(end - timedelta(microseconds=1), now), log_size=log_size, library=library)
    return build_audit_report(
        answers.library(basis), answers.assessment(basis), framework=framework, period=(start, min(end, now)),
        timelines=answers.timelines(basis), sources=answers.facts(basis).sources(),
        provenance=provenance_of(store, basis),
    )  # fmt: skip


def _period(from_: datetime | None, to: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    for named, value in (("from", from_), ("to", to)):
        if value is not None:
            require_reckonable(value, named)
    end = _midnight(to or now) + DAY
    start = _midnight(from_) if from_ else end - DEFAULT_PERIOD
    if start >= end:
        raise InputRefused("The period ends before it starts.", field="from")
    if start > now:
        raise InputRefused("The period lies in the future; nothing is known of it.", field="from")
    return start, end


def _midnight(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def issue_report(  # noqa: PLR0913 (each by name)
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    as_pdf: bool,
    who: str,
    at: datetime | None = None,
    log_size: int | None = None,
    library: str | None = None,
) -> IssuedReport:
    """Build, render and record one audit report."""
    view = report_view(
        store, answers, framework, from_=from_, to=to, at=at, log_size=log_size, library=library
    )
    document = html("audit.html", view)
    content = pdf(document) if as_pdf else document.encode()
    return _recorded(
        store, framework, view.provenance, view.period, content, "pdf" if as_pdf else "html", who
    )


def issue_oscal(
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    who: str,
    at: datetime | None = None,
    log_size: int | None = None,
    library: str | None = None,
) -> IssuedReport:
    """Build and record the assessment results of a framework as OSCAL."""
    now = at or store.clock()
    start, end = _period(from_, to, now)
    basis = answers.basis(at=min(end - timedelta(microseconds=1), now), log_size=log_size, library=library)
    provenance, period = provenance_of(store, basis), (start, min(end, now))
    document = assessment_results(
        answers.library(basis), answers.assessment(basis), framework, period, provenance
    )
    content = json.dumps(document, indent=2, ensure_ascii=False).encode()
    return _recorded(store, framework, provenance, period, content, "oscal", who)


def _recorded(
    store: Store, framework: str, provenance: Provenance, period: tuple[datetime, datetime], content: bytes,
    form: str, who: str,
) -> IssuedReport:  # fmt: skip
    """The report with the entry that says it was issued, which is appended here."""
    digest = sha256_hex(content)
    record: dict[str, Json] = {
        "framework": framework, "from": format_time(period[0]), "to": format_time(period[1]),
        "format": form, "sha256": digest, "size": len(content),
        "as_of": format_time(provenance.as_of), "log_size": provenance.log_size,
        "library": provenance.library, "program": provenance.program,
    }  # fmt: skip
    observation = Observation(
        "report/1", "muniment", ITSELF, canonical({**record, "who": who}), detail=record, sealed=True
    )
    (index,) = store.log.append([observation])
    return IssuedReport(content, digest, str(index))


def statement_view(store: Store, answer: Mapping[str, Json]) -> UsageStatement:
    """The view of the record-usage statement of an answer."""
    basis = Basis(parse_time(answer["as_of"]), answer["log_size"], answer["library"], answer["program"])
    return build_usage_statement(answer, provenance_of(store, basis))


def statement_pdf(store: Store, answer: Mapping[str, Json]) -> bytes:
    """The record-usage statement of an answer as PDF."""
    return pdf(html("usage.html", statement_view(store, answer)))
