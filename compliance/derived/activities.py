"""Each purpose that is in use, joined with the record of processing, its impact assessments and notices.

Pure. The register of purposes says what is declared; the record of processing says what was thought
about it. A purpose may stand in several rows; what one of them lacks, the purpose lacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.derived.declared import dataset_id
from compliance.derived.joining import Looked, Origin, derived, look
from compliance.derived.purposes import USED_PURPOSE, used_purposes
from compliance.derived.registers import by, evidence_of, hidden, names, seen_is, unplaced, when
from compliance.derived.sight import unless
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

PURPOSE_RECORD = FactSchema(
    "purpose_record",
    "A purpose in use, with the rows of the record of processing, the assessments and the notices that name it.",
    (
        Field("purpose", "string", "Id of the purpose."),
        Field("used", "int", "Runs, allowed decisions and model versions that name it."),
        Field("first_used", "time", "Start of the first run that names it.", optional=True),
        Field("activities", "strings", "Rows of the record of processing that name it."),
        Field("stale", "strings", "Of these, those without a review, or without an owner."),
        Field("oldest_review", "time", "The oldest review among them.", optional=True),
        Field("bases", "strings", "Lawful bases that they state."),
        Field("basis_agrees", "bool", "Whether all of them state the basis of the register of purposes.", optional=True),
        Field("datasets_left_out", "strings", "Datasets read for it by a run that none of these rows lists."),
        Field("unscreened", "strings", "Rows that were not screened for high risk."),
        Field("high_risk", "bool", "Whether one of them needs an impact assessment."),
        Field("unassessed", "strings", "Rows that need an assessment and have no approved one."),
        Field("assessed_late", "strings", "Rows whose assessment was approved after the first use."),
        Field("notices", "strings", "Published notices that name it."),
        Field("notified", "time", "When the first of them was published.", optional=True),
        Field("recipients_untold", "strings", "Recipients in these rows that none of those notices names."),
        Field("categories_untold", "strings", "Kinds of data in these rows that none of those notices names."),
    ),
    inputs=USED_PURPOSE.inputs,
    adds=(*USED_PURPOSE.adds, "processing_activity", "dpia", "notice"),
)  # fmt: skip


@dataclass(frozen=True)
class _Registers:
    """The registers by purpose and by row, and whether the absence of a row means anything."""

    activities: Mapping[str, list[Fact]]
    assessments: Mapping[str, list[Fact]]
    notices: Mapping[str, list[Fact]]
    read_for: Mapping[str, set[str]]
    started: Mapping[str, datetime]
    no_activity: Unseen | None
    no_assessment: Unseen | None
    no_notice: Unseen | None

    @classmethod
    def of(cls, base: FactBase) -> _Registers:
        read, started = _work(base)
        approved = (row for row in base.facts("dpia") if seen_is(row, "status", "approved"))
        published = (row for row in base.facts("notice") if when(row, "published") is not None)
        return cls(
            by(base.facts("processing_activity"), lambda row: names(row, "purposes")),
            by(approved, lambda row: names(row, "processing")),
            by(published, lambda row: names(row, "purposes")),
            read, started, unplaced(base, "processing_activity", "purposes"),
            unplaced(base, "dpia", "status", "processing"), unplaced(base, "notice", "published", "purposes"),
        )  # fmt: skip


def _work(base: FactBase) -> tuple[dict[str, set[str]], dict[str, datetime]]:
    read: dict[str, set[str]] = defaultdict(set)
    started: dict[str, datetime] = {}
    for ran in work_of(base).runs:
        for purpose in ran.purposes:
            read[purpose] |= {dataset_id(dataset) for dataset in ran.inputs}
            started[purpose] = min(started.get(purpose, ran.started_at), ran.started_at)
    return read, started


def purpose_records(base: FactBase) -> Iterator[Fact]:
    """Every purpose that a run, a decision or a model names."""
    registers = _Registers.of(base)
    for used in used_purposes(base):
        count = sum(int(used.value[name]) for name in ("runs", "decisions", "models"))
        if count:
            yield _fact(used, count, registers)


def _fact(used: Fact, count: int, registers: _Registers) -> Fact:
    purpose = used.resource
    rows, notices = registers.activities.get(purpose, []), registers.notices.get(purpose, [])
    looked: dict[str, Looked] = {
        "purpose": purpose, "used": count, "first_used": registers.started.get(purpose),
    }  # fmt: skip
    looked |= _recorded(rows, used, registers) | _assessed(rows, registers) | _told(rows, notices, registers)
    origin = Origin(
        used.source, used.scope, min([used.observed_at, *(r.observed_at for r in rows)]), used.evidence
    )
    covering = [one for row in rows for one in registers.assessments.get(row.resource, [])]
    return derived(PURPOSE_RECORD, purpose, looked, origin.citing(evidence_of(*rows, *notices, *covering)))


def _recorded(rows: Sequence[Fact], used: Fact, registers: _Registers) -> dict[str, Looked]:
    reviews = [when(row, "reviewed") for row in rows]
    stale = [r.resource for r in rows if when(r, "reviewed") is None or look(r, "owner") is None]
    listed = {name for row in rows for name in names(row, "datasets")}
    bases = sorted({basis for row in rows for basis in names(row, "lawful_basis")})
    whole, declared = registers.no_activity, look(used, "lawful_basis")
    agrees: Looked = None if not rows or declared is None else bases == [declared]
    return {
        "activities": unless(whole, sorted(row.resource for row in rows), told_by_absence=not rows),
        "stale": hidden(rows, "reviewed", "owner") or unless(whole, stale, told_by_absence=not stale),
        "oldest_review": None if None in reviews else min((r for r in reviews if r), default=None),
        "bases": hidden(rows, "lawful_basis") or bases,
        "basis_agrees": declared if isinstance(declared, Unseen) else hidden(rows, "lawful_basis") or agrees,
        "datasets_left_out": hidden(rows, "datasets") or unless(
            whole, sorted(registers.read_for.get(used.resource, set()) - listed), told_by_absence=True),
    }  # fmt: skip


def _assessed(rows: Sequence[Fact], registers: _Registers) -> dict[str, Looked]:
    needing = [row for row in rows if seen_is(row, "dpia_required", True)]  # noqa: FBT003 - a value, no switch
    bare = [row.resource for row in needing if not registers.assessments.get(row.resource)]
    late = [row.resource for row in needing if _late(row, registers)]
    covering = [one for row in needing for one in registers.assessments.get(row.resource, [])]
    unscreened = [r.resource for r in rows if look(r, "dpia_required") is None or when(r, "screened") is None]
    return {
        "unscreened": hidden(rows, "dpia_required", "screened") or registers.no_activity or unscreened,
        "high_risk": hidden(rows, "dpia_required") or registers.no_activity or bool(needing),
        "unassessed": hidden(rows, "dpia_required") or unless(
            registers.no_assessment or registers.no_activity, bare, told_by_absence=True),
        "assessed_late": hidden(rows, "dpia_required") or hidden(covering, "approved") or unless(
            registers.no_assessment or registers.no_activity, late, told_by_absence=not late),
    }  # fmt: skip


def _late(row: Fact, registers: _Registers) -> bool:
    started = [registers.started[p] for p in names(row, "purposes") if p in registers.started]
    approved = [at for one in registers.assessments.get(row.resource, []) if (at := when(one, "approved"))]
    return bool(started and approved) and min(approved) > min(started)


def _told(rows: Sequence[Fact], notices: Sequence[Fact], registers: _Registers) -> dict[str, Looked]:
    def untold(field: str) -> Looked:
        stated = {name for row in rows for name in names(row, field)}
        told = {name for notice in notices for name in names(notice, field)}
        blind = hidden(rows, field) or hidden(notices, field)
        return blind or unless(
            registers.no_notice or registers.no_activity, sorted(stated - told), told_by_absence=True
        )

    published = [at for notice in notices if (at := when(notice, "published"))]
    return {
        "notices": unless(registers.no_notice, sorted(n.resource for n in notices), told_by_absence=not notices),
        "notified": unless(registers.no_notice, min(published, default=None), told_by_absence=not published),
        "recipients_untold": untold("recipients"), "categories_untold": untold("data_categories"),
    }  # fmt: skip
