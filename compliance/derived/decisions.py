"""Each entry of the decision log, joined with the contracts, purposes, consents and erasures in force then.

Pure. A retrieval assistant answers out of records; its decision log says for which purpose and from
which dataset. Neither a principal nor a pseudonym leaves this module: they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from compliance.canonical import parse_time
from compliance.derived.declared import Declared, Record, dataset_id, dataset_of
from compliance.derived.erased import Erased
from compliance.derived.joining import Looked, derived, of_record
from compliance.derived.sight import blind, unless
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received, Unseen
from compliance.lineage.names import Names
from compliance.lineage.records import DatasetName
from compliance.lineage.remembered import Remembered, Very

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
    inputs=("decision",),
    adds=("contract", "purpose", "consent", "erasure", "lineage"),
)


@dataclass(frozen=True)
class _Decided:
    """One decision, read out of its record."""

    at: datetime
    purpose: str | None
    dataset: DatasetName | None
    records: tuple[Record, ...]


@dataclass(frozen=True)
class _Rules:
    """What decisions are held against, and whether the absence of a rule means anything."""

    declared: Declared
    erased: Erased
    contracts: Unseen | None
    purposes: Unseen | None
    consents: Unseen | None
    erasures: Unseen | None

    @classmethod
    def of(cls, base: FactBase, same: Names) -> _Rules:
        return cls(
            Declared.of(base, same), Erased.of(base, same), blind(base, "contract"), blind(base, "purpose"),
            blind(base, "consent"), blind(base, "erasure"),
        )  # fmt: skip


def decision_uses(base: FactBase) -> Iterator[Fact]:
    """Every decision that was logged, allowed or not."""
    same = work_of(base).same
    rules = _Rules.of(base, same)
    sights = rules.contracts, rules.purposes, rules.consents, rules.erasures
    given = Very(rules.declared, base.received("erasure")), sights, same.renamed
    for record in base.received("decision"):
        yield _FACTS.of(record, given, partial(_fact, record, same, rules))


_FACTS: Remembered[Fact] = Remembered()


def _decided(record: Received, same: Names) -> _Decided:
    named = record.value.get("dataset")
    return _Decided(
        parse_time(record.value["timestamp"]),
        record.value.get("purpose") or None,
        None if named is None else same(dataset_of(named)),
        tuple((str(r["key_space"]), str(r["pseudonym"])) for r in record.value.get("records") or ()),
    )


def _fact(record: Received, same: Names, rules: _Rules) -> Fact:
    decided = _decided(record, same)
    value, dataset = record.value, decided.dataset
    looked: dict[str, Looked] = {
        "decision_id": str(value["decision_id"]), "decided_at": decided.at, "allowed": bool(value["allowed"]),
        "purpose": decided.purpose, "principal_named": bool(value.get("principal")),
        "model": value.get("model") or None, "records": len(decided.records),
        "dataset": None if dataset is None else dataset_id(dataset),
    }  # fmt: skip
    looked |= _of_contract(decided, rules) | _of_register(decided, rules)
    gone = sum(_was_erased(one, decided, rules.erased) for one in decided.records)
    looked["erased"] = unless(rules.erasures, gone, told_by_absence=gone == 0 and bool(decided.records))
    scope = "" if dataset is None else dataset[0]
    return derived(DECISION_USE, str(value["decision_id"]), looked, of_record(record, scope))


def _of_contract(decided: _Decided, rules: _Rules) -> dict[str, Looked]:
    purpose, dataset = decided.purpose, decided.dataset
    if dataset is None:
        return {"has_contract": None, "purpose_refused": None}
    admitted = bool(rules.declared.contracts.in_force(dataset, decided.at))
    refused: bool | None = None
    if purpose is not None and admitted:
        refused = bool(rules.declared.refused(dataset, [purpose], decided.at))
    return {
        "has_contract": unless(rules.contracts, admitted, told_by_absence=not admitted),
        "purpose_refused": unless(rules.contracts, refused, told_by_absence=not refused),
    }


def _of_register(decided: _Decided, rules: _Rules) -> dict[str, Looked]:
    if decided.purpose is None:
        return {"purpose_registered": None, "lawful_basis": None, "without_consent": 0, "withdrawn": 0}
    entry = rules.declared.purpose(decided.purpose, decided.at)
    told: dict[str, Looked] = {"purpose_registered": entry is not None, "lawful_basis": None}
    if entry is None:
        told |= {"without_consent": 0, "withdrawn": 0}
        return {name: unless(rules.purposes, value, told_by_absence=True) for name, value in told.items()}
    told["lawful_basis"] = entry.lawful_basis
    return told | _consents(decided, decided.purpose, rules, asked=entry.lawful_basis == "consent")


def _consents(decided: _Decided, purpose: str, rules: _Rules, *, asked: bool) -> dict[str, Looked]:
    """Counted only where the register gives the purpose the lawful basis consent."""
    said = [rules.declared.consent((*one, purpose), decided.at) for one in decided.records] if asked else []
    lacking, withdrawn = sum(one != "granted" for one in said), sum(one == "withdrawn" for one in said)
    return {
        "without_consent": unless(rules.consents, lacking, told_by_absence=bool(said) and not withdrawn),
        "withdrawn": unless(rules.consents, withdrawn, told_by_absence=bool(said) and not withdrawn),
    }


def _was_erased(record: Record, decided: _Decided, erased: Erased) -> bool:
    if decided.dataset is None:
        return False
    erasures = erased.of_record(record)
    return any(one.completed_at <= decided.at and one.covers(decided.dataset) for one in erasures)
