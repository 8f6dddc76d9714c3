"""Each dataset that a completed run wrote, with the tests, scans, drift and ownership that registers record of it.

Pure. The datasets are those that lineage shows; a test that ran before the last write says nothing of
what was written since. The fields are those that the schema facet of the last write names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.derived.datasets import DATASET, datasets
from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived, look
from compliance.derived.registers import (
    as_time,
    by,
    evidence_of,
    hidden,
    names,
    seen_is,
    unlisted,
    unplaced,
    when,
)
from compliance.derived.sight import blind, unless
from compliance.derived.work import Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

PUBLISHED_DATASET = FactSchema(
    "published_dataset",
    "A dataset that a completed run wrote, with its tests of quality, scans, drift, owner, schema and contract.",
    (
        Field("personal", "bool", "Whether it is said to hold records of people, cards or patients."),
        Field("last_written", "time", "When the last completed run that writes it ended."),
        Field("tests", "int", "Checks of its quality on record."),
        Field("failing", "strings", "Of these, those that failed last."),
        Field("tested_at", "time", "The newest of these checks.", optional=True),
        Field("rewritten_failing", "bool", "Whether it was written again while a check of it was failing."),
        Field("drift_checked_at", "time", "The newest comparison with its reference.", optional=True),
        Field("drifted", "strings", "Columns that drifted at the newest comparison."),
        Field("drift_tickets", "int", "Tickets opened since then that name it."),
        Field("owner", "string", "Who answers for it as a product.", optional=True),
        Field("owner_active", "bool", "Whether that person or team is still there.", optional=True),
        Field("service_level", "string", "Promise of freshness and availability.", optional=True),
        Field("lifecycle", "string", "Policy of change and end.", optional=True),
        Field("scanned_at", "time", "The last scan of its content.", optional=True),
        Field("kinds_clear", "strings", "Kinds of sensitive content that the scan found in the clear."),
        Field("untagged", "strings", "Fields with such content and without a tag."),
        Field("detections", "int", "Detections of the scan.", optional=True),
        Field("actions", "int", "Of these, those blocked, redacted or tokenised.", optional=True),
        Field("recall", "double", "Recall of the classifier on the last labelled sample.", optional=True),
        Field("recall_floor", "double", "Recall that policy asks for.", optional=True),
        Field("columns", "strings", "Columns that the last write had, as its schema facet names them."),
        Field("undeclared", "strings", "Of these, those that its contract in force does not list."),
        Field("compatibility", "string", "Rule of the schema registry for its subject.", optional=True),
    ),
    inputs=DATASET.inputs,
    adds=(*DATASET.adds, "data_quality_result", "drift_result", "data_product", "content_scan", "schema_subject", "ticket"),
)  # fmt: skip
_PRODUCT = ("owner", "owner_active", "service_level", "lifecycle")
_SCAN = ("scanned_at", "kinds_clear", "untagged", "detections", "actions", "recall", "recall_floor")


@dataclass(frozen=True)
class _Registers:
    """The registers by dataset, and whether the absence of a row means anything."""

    rows: Mapping[str, Mapping[str, list[Fact]]]
    whole: Mapping[str, Unseen | None]

    @classmethod
    def of(cls, base: FactBase) -> _Registers:
        rows = {
            "data_quality_result": by(base.facts("data_quality_result"), lambda row: names(row, "dataset")),
            "drift_result": by(base.facts("drift_result"), lambda row: names(row, "subject")),
            "data_product": by(base.facts("data_product"), lambda row: [row.resource]),
            "content_scan": by(base.facts("content_scan"), lambda row: [row.resource]),
            "schema_subject": by(base.facts("schema_subject"), lambda row: names(row, "dataset")),
            "ticket": by(base.facts("ticket"), lambda row: names(row, "system")),
        }
        about = {"data_quality_result": "dataset", "drift_result": "subject", "schema_subject": "dataset"}
        whole = {type_: unlisted(base, type_) for type_ in rows}
        return cls(rows, whole | {type_: unplaced(base, type_, field) for type_, field in about.items()})

    def of_dataset(self, type_: str, name: str) -> list[Fact]:
        """The rows of a register about a dataset."""
        return self.rows[type_].get(name, [])

    def every(self, name: str) -> list[Fact]:
        """All rows about it."""
        return [row for type_ in self.rows for row in self.of_dataset(type_, name)]


def published_datasets(base: FactBase) -> Iterator[Fact]:
    """Every dataset that a run is known to have completed writing."""
    registers, work = _Registers.of(base), work_of(base)
    columns, bare = _columns(work), blind(base, "contract")
    declared = _declared_columns(base, work)
    for fact in datasets(base):
        written = look(fact, "last_written")
        if written is None:
            continue
        name = fact.resource
        looked: dict[str, Looked] = {"personal": look(fact, "personal"), "last_written": written}
        looked |= _tested(name, written, registers) | _drift(name, registers) | _scanned(name, registers)
        looked |= _owned(name, registers) | _shaped(columns.get(name, []), declared.get(name), bare)
        rows = registers.every(name)
        seen = min([fact.observed_at, *(row.observed_at for row in rows)])
        yield derived(
            PUBLISHED_DATASET, name, looked,
            Origin(fact.source, fact.scope, seen, fact.evidence).citing(evidence_of(*rows)),
        )  # fmt: skip


def _columns(work: Work) -> dict[str, list[str]]:
    """The columns of the last version of each dataset that a run completed writing."""
    found: dict[str, list[str]] = {}
    for dataset, versions in work.written.items():
        ended = [version for version in versions if version.ended_at is not None]
        if ended:
            found[dataset_id(dataset)] = sorted(work.world.schema(ended[-1].id))
    return found


def _declared_columns(base: FactBase, work: Work) -> dict[str, set[str]]:
    declared = Declared.of(base, work.same)
    found: dict[str, set[str]] = {}
    for dataset in declared.contracts.by_key:
        for contract in declared.contracts.in_force(dataset, base.at):
            fields = contract.value.get("fields") or ()
            found.setdefault(dataset_id(dataset), set()).update(str(one["name"]) for one in fields)
    return found


def _shaped(columns: Sequence[str], contract: set[str] | None, bare: Unseen | None) -> dict[str, Looked]:
    strange = sorted(set(columns) - (contract or set()))
    return {"columns": list(columns), "undeclared": unless(bare, strange, told_by_absence=contract is None)}


def _tested(name: str, written: Looked, registers: _Registers) -> dict[str, Looked]:
    rows, whole = registers.of_dataset("data_quality_result", name), registers.whole["data_quality_result"]
    failing = [row for row in rows if seen_is(row, "passed", False)]  # noqa: FBT003 - a value
    since = min((at for row in failing if (at := when(row, "performed"))), default=None)
    again = written if isinstance(written, Unseen) else since is not None and as_time(written) > since
    return {
        "tests": unless(whole, len(rows), told_by_absence=not rows),
        "failing": hidden(rows, "passed") or unless(
            whole, sorted(row.resource for row in failing), told_by_absence=not failing),
        "tested_at": hidden(rows, "performed") or unless(whole, _newest(rows, "performed"), told_by_absence=not rows),
        "rewritten_failing": hidden(rows, "passed", "performed") or unless(whole, again, told_by_absence=again is False),
    }  # fmt: skip


def _newest(rows: Sequence[Fact], field: str) -> datetime | None:
    return max((at for row in rows if (at := when(row, field))), default=None)


def _drift(name: str, registers: _Registers) -> dict[str, Looked]:
    rows, whole = registers.of_dataset("drift_result", name), registers.whole["drift_result"]
    last = _newest(rows, "performed")
    drifted = [row for row in rows if seen_is(row, "drifted", True) and when(row, "performed") == last]  # noqa: FBT003 - a value
    columns = sorted({column for row in drifted for column in names(row, "column") or ["(whole)"]})
    tickets = registers.of_dataset("ticket", name)
    opened = [row for row in tickets if last is not None and (when(row, "opened") or last) >= last]
    return {
        "drift_checked_at": hidden(rows, "performed") or unless(whole, last, told_by_absence=last is None),
        "drifted": hidden(rows, "drifted", "column") or unless(whole, columns, told_by_absence=not columns),
        "drift_tickets": unless(registers.whole["ticket"], len(opened), told_by_absence=not opened),
    }


def _scanned(name: str, registers: _Registers) -> dict[str, Looked]:
    row, whole = next(iter(registers.of_dataset("content_scan", name)), None), registers.whole["content_scan"]
    if row is None:
        absent: dict[str, Looked] = dict.fromkeys(_SCAN, whole)
        return absent | {"kinds_clear": whole or [], "untagged": whole or []}
    return {field: look(row, field) for field in _SCAN}


def _owned(name: str, registers: _Registers) -> dict[str, Looked]:
    product = next(iter(registers.of_dataset("data_product", name)), None)
    subject = next(iter(registers.of_dataset("schema_subject", name)), None)
    looked: dict[str, Looked] = dict.fromkeys(_PRODUCT, registers.whole["data_product"])
    if product is not None:
        looked = {field: look(product, field) for field in _PRODUCT}
    looked["compatibility"] = (
        registers.whole["schema_subject"] if subject is None else look(subject, "compatibility")
    )
    return looked
