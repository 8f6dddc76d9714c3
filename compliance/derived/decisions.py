"""Each entry of the decision log, joined with the contracts, purposes, consents and erasures in force then.

Pure. A retrieval assistant answers out of records; its decision log says for which purpose and from
which dataset. Neither a principal nor a pseudonym leaves this module: they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.derived.declared import Declared, Record, dataset_id, dataset_of
from compliance.derived.erased import Erased
from compliance.derived.joining import Looked, derived, of_record
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received
from compliance.lineage.records import DatasetName

DECISION_USE = FactSchema(
    "decision_use",
    "One entry of the decision log: what was decided, with the rules that were in force at that time.",
    (
        Field("decision_id", "string", "Id that the deciding engine gave it."),
        Field("decided_at", "time", "When it was decided."),
        Field("allowed", "bool", "Whether access was allowed."),
        Field("purpose", "string", "Purpose that was stated.", optional=True),
        Field("principal_named", "bool", "Whether the log names who asked."),
        Field("model", "string", "NAME@VERSION of the model that asked.", optional=True),
        Field("dataset", "string", "NAMESPACE/NAME of the dataset that was read.", optional=True),
        Field("records", "int", "How many records it names."),
        Field("has_contract", "bool", "Whether that dataset had a contract in force.", optional=True),
        Field("purpose_registered", "bool", "Whether the register had the purpose.", optional=True),
        Field("purpose_refused", "bool", "Whether a contract in force lacks the purpose.", optional=True),
        Field("lawful_basis", "string", "Lawful basis of the purpose in the register.", optional=True),
        Field(
            "without_consent", "int", "Records without the consent that the basis needs, withdrawn included."
        ),
        Field("withdrawn", "int", "Of these, records whose consent had been withdrawn."),
        Field("erased", "int", "Records whose erasure covering the dataset had been completed."),
    ),
    inputs=("decision", "contract", "purpose", "consent", "erasure", "lineage"),
)


@dataclass(frozen=True)
class _Decided:
    """One decision, read out of its record."""

    at: datetime
    purpose: str | None
    dataset: DatasetName | None
    records: tuple[Record, ...]


def decision_uses(base: FactBase) -> Iterator[Fact]:
    """Every decision that was logged, allowed or not."""
    work = work_of(base)
    declared, erased = Declared.of(base, work.same), Erased.of(base, work.same)
    for record in base.received("decision"):
        named = record.value.get("dataset")
        decided = _Decided(
            parse_time(record.value["timestamp"]),
            record.value.get("purpose") or None,
            None if named is None else work.same(dataset_of(named)),
            tuple((str(r["key_space"]), str(r["pseudonym"])) for r in record.value.get("records") or ()),
        )
        yield _fact(record, decided, declared, erased)


def _fact(record: Received, decided: _Decided, declared: Declared, erased: Erased) -> Fact:
    value = record.value
    looked: dict[str, Looked] = {
        "decision_id": str(value["decision_id"]), "decided_at": decided.at, "allowed": bool(value["allowed"]),
        "purpose": decided.purpose, "principal_named": bool(value.get("principal")),
        "model": value.get("model") or None, "records": len(decided.records),
        "dataset": None if decided.dataset is None else dataset_id(decided.dataset),
    }  # fmt: skip
    looked |= _rules(decided, declared) | _consents(decided, declared)
    looked["erased"] = sum(_was_erased(one, decided, erased) for one in decided.records)
    return derived(DECISION_USE, str(value["decision_id"]), looked, of_record(record, _scope(decided)))


def _scope(decided: _Decided) -> str:
    return "" if decided.dataset is None else decided.dataset[0]


def _rules(decided: _Decided, declared: Declared) -> dict[str, Looked]:
    purpose, dataset = decided.purpose, decided.dataset
    entry = None if purpose is None else declared.purpose(purpose, decided.at)
    contracts = () if dataset is None else declared.contracts.in_force(dataset, decided.at)
    refused: Json = None
    if purpose is not None and dataset is not None and contracts:
        refused = bool(declared.refused(dataset, [purpose], decided.at))
    return {
        "has_contract": None if dataset is None else bool(contracts),
        "purpose_registered": None if purpose is None else entry is not None,
        "purpose_refused": refused,
        "lawful_basis": None if entry is None else entry.lawful_basis,
    }


def _consents(decided: _Decided, declared: Declared) -> dict[str, Looked]:
    """Counted only where the register gives the purpose the lawful basis consent."""
    said: Sequence[str | None] = ()
    if decided.purpose is not None:
        entry = declared.purpose(decided.purpose, decided.at)
        if entry is not None and entry.lawful_basis == "consent":
            said = [declared.consent((*one, decided.purpose), decided.at) for one in decided.records]
    return {
        "without_consent": sum(one != "granted" for one in said),
        "withdrawn": sum(one == "withdrawn" for one in said),
    }


def _was_erased(record: Record, decided: _Decided, erased: Erased) -> bool:
    if decided.dataset is None:
        return False
    return any(
        one.completed_at <= decided.at and one.covers(decided.dataset) for one in erased.of_record(record)
    )
