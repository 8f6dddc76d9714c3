"""Each dataset whose contract marks a field as sensitive, with the condition under which it may be used.

Pure. Which fields are sensitive is said by the contract, who reads them by lineage, and on what
condition by the record of processing: a use is covered if a row names its purpose, the dataset and a
condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived, look
from compliance.derived.registers import evidence_of, hidden, names, unlisted
from compliance.derived.sight import unless
from compliance.derived.work import Ran, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received, Unseen

SENSITIVE = frozenset({"special", "sensitive", "health", "biometric", "genetic", "criminal", "child", "phi"})
"""Values of ``sensitivity`` in a contract that ask for a condition beyond a lawful basis."""

SENSITIVE_DATASET = FactSchema(
    "sensitive_dataset",
    "A dataset whose contract marks fields as special, health, criminal, children's or the like, with its uses.",
    (
        Field("kinds", "strings", "Sensitivities of its fields."),
        Field("fields", "strings", "Those fields."),
        Field("purposes", "strings", "Purposes for which completed runs read it."),
        Field("activities", "strings", "Rows of the record of processing that list it."),
        Field("without_condition", "strings", "Purposes for which no row that lists it states a condition."),
        Field("criminal", "bool", "Whether it holds data on offences."),
        Field("without_authority", "strings", "Rows that use it and name no official control or law, where it does."),
        Field("minors", "bool", "Whether it holds data of children."),
        Field("without_parental_check", "strings", "Rows that use it and say not how a parent's consent is verified, where it does."),
    ),
    inputs=("contract", "lineage"),
    adds=("processing_activity",),
)  # fmt: skip


def sensitive_datasets(base: FactBase) -> Iterator[Fact]:
    """Every dataset whose contract in force has a sensitive field."""
    work = work_of(base)
    declared = Declared.of(base, work.same)
    activities = list(base.facts("processing_activity"))
    whole = unlisted(base, "processing_activity")
    for dataset in sorted(declared.contracts.by_key):
        contracts = declared.contracts.in_force(dataset, base.at)
        fields = _fields(contracts)
        if not fields:
            continue
        name = dataset_id(dataset)
        rows = [row for row in activities if name in names(row, "datasets")]
        runs = [ran for ran in work.runs if ran.completed and dataset in ran.inputs]
        looked = _held(fields) | _covered(fields, rows, runs, hidden(activities, "datasets") or whole)
        origin = Origin(contracts[0].source, dataset[0], base.at, (contracts[0].evidence,))
        yield derived(SENSITIVE_DATASET, name, looked, origin.citing(evidence_of(*rows) | _evidence(runs)))


def _evidence(runs: Sequence[Ran]) -> set[str]:
    return {one for ran in runs for one in ran.evidence}


def _fields(contracts: Sequence[Received]) -> dict[str, str]:
    fields = [field for contract in contracts for field in contract.value.get("fields") or ()]
    return {str(f["name"]): str(f["sensitivity"]).lower() for f in fields
            if str(f.get("sensitivity", "")).lower() in SENSITIVE}  # fmt: skip


def _held(fields: dict[str, str]) -> dict[str, Looked]:
    kinds = sorted(set(fields.values()))
    return {
        "kinds": kinds, "fields": sorted(fields), "criminal": "criminal" in kinds, "minors": "child" in kinds
    }  # fmt: skip


def _covered(
    fields: dict[str, str], rows: Sequence[Fact], runs: Sequence[Ran], whole: Unseen | None
) -> dict[str, Looked]:
    purposes = {purpose for ran in runs for purpose in ran.purposes}
    stated = [row for row in rows if look(row, "special_category_basis") not in {None, ""}]
    covered = {purpose for row in stated for purpose in names(row, "purposes")}

    def lacking(kind: str, field: str) -> Looked:
        bare = sorted(row.resource for row in rows if look(row, field) in {None, ""})
        return [] if kind not in fields.values() else hidden(rows, field) or whole or bare or _none(rows)

    return {
        "purposes": sorted(purposes), "activities": unless(whole, sorted(r.resource for r in rows), told_by_absence=not rows),
        "without_condition": hidden(rows, "special_category_basis", "purposes") or unless(
            whole, sorted(purposes - covered), told_by_absence=True),
        "without_authority": lacking("criminal", "criminal_authority"),
        "without_parental_check": lacking("child", "parental_check"),
    }  # fmt: skip


def _none(rows: Sequence[Fact]) -> list[str]:
    return [] if rows else ["(no row lists it)"]
