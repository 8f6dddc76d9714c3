"""Every purpose that anything names, joined with the register of processing.

Pure. A purpose is in use if a run, a decision or a model names it; a contract that permits it shows
what may be used for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from compliance.derived.declared import Declared
from compliance.derived.joining import Looked, Origin, derived
from compliance.derived.sight import blind, unless
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received

USED_PURPOSE = FactSchema(
    "used_purpose",
    "A purpose that a run, a decision, a model or a contract names, with its entry in the register.",
    (
        Field("purpose", "string", "Id of the purpose."),
        Field("registered", "bool", "Whether the register of processing has it."),
        Field("lawful_basis", "string", "Its lawful basis in the register.", optional=True),
        Field("controller", "string", "Its controller in the register.", optional=True),
        Field("retention_days", "int", "Its retention in the register, in days.", optional=True),
        Field("runs", "int", "Runs that name it."),
        Field("decisions", "int", "Allowed decisions that name it."),
        Field("models", "int", "Model versions that name it."),
        Field("contracts", "int", "Datasets whose contract in force permits it."),
    ),
    inputs=("lineage",),
    adds=("purpose", "decision", "contract", "model_version", "feature_view"),
)


Cited = tuple[datetime, str, tuple[str, ...]]
"""When something named the purpose, by which source, and its evidence."""


@dataclass
class _Named:
    """Where a purpose is named, and by what."""

    runs: int = 0
    decisions: int = 0
    models: int = 0
    contracts: int = 0
    cited: list[Cited] = field(default_factory=list)


def used_purposes(base: FactBase) -> Iterator[Fact]:
    """Every purpose that is named outside the register."""
    declared, hidden = Declared.of(base), blind(base, "purpose")
    for purpose, named in sorted(_named(base, declared).items()):
        entry = declared.purpose(purpose, base.at)
        looked: dict[str, Looked] = {
            "purpose": purpose, "registered": unless(hidden, entry is not None, told_by_absence=entry is None),
            "lawful_basis": None if entry is None else entry.lawful_basis,
            "controller": None if entry is None else entry.controller,
            "retention_days": None if entry is None else entry.retention_days,
            "runs": named.runs, "decisions": named.decisions,
            "models": named.models, "contracts": named.contracts,
        }  # fmt: skip
        at, source, evidence = max(named.cited)
        registered = () if entry is None else entry.evidence
        yield derived(USED_PURPOSE, purpose, looked, Origin(source, "", at, evidence).citing(registered))


def _named(base: FactBase, declared: Declared) -> dict[str, _Named]:
    found: dict[str, _Named] = defaultdict(_Named)
    for ran in work_of(base).runs:
        for purpose in ran.purposes:
            found[purpose].runs += 1
            found[purpose].cited.append((ran.ended_at or ran.started_at, ran.source, ran.evidence))
    for record in base.received("decision"):
        if record.value["allowed"] and record.value.get("purpose"):
            found[str(record.value["purpose"])].decisions += 1
            found[str(record.value["purpose"])].cited.append(_cited(record))
    for record in {(r.value["name"], r.value["version"]): r for r in base.received("model_version")}.values():
        if record.value.get("purpose"):
            found[str(record.value["purpose"])].models += 1
            found[str(record.value["purpose"])].cited.append(_cited(record))
    for purpose, record in _permitted(declared, base.at):
        found[purpose].contracts += 1
        found[purpose].cited.append(_cited(record))
    return found


def _permitted(declared: Declared, at: datetime) -> Iterator[tuple[str, Received]]:
    for dataset in declared.contracts.by_key:
        for record in declared.contracts.in_force(dataset, at):
            for purpose in record.value.get("permitted_purposes") or ():
                yield str(purpose), record


def _cited(record: Received) -> Cited:
    return record.instant, record.source, (record.evidence,)
