"""Each run of the lineage, joined with the purpose register and the contracts of what it read.

Pure. The purpose of a run is decided as record usage decides it: the run's tag, else the job's, else
the model's in its registry; everything is judged as in force when the run started.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived
from compliance.derived.sight import blind, unless
from compliance.derived.withdrawals import Withdrawals
from compliance.derived.work import Ran, Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen
from compliance.lineage.names import Names
from compliance.lineage.remembered import Remembered, Very

LINEAGE_RUN = FactSchema(
    "lineage_run",
    "One run that ended, as lineage events tell it, with the rules in force at its start.",
    (
        Field("run_id", "string", "Id of the run."),
        Field("job", "string", "NAMESPACE/NAME of its job."),
        Field("started_at", "time", "Its earliest event."),
        Field("ended_at", "time", "Its last event that ends it."),
        Field("completed", "bool", "Whether it completed, rather than failed or was aborted."),
        Field(
            "purposes", "strings", "Its purpose; several where one level names several; empty: undeclared."
        ),
        Field("unregistered", "strings", "Its purposes that the register did not have."),
        Field("inputs", "strings", "Datasets that it read."),
        Field("outputs", "strings", "Datasets that it wrote."),
        Field("without_contract", "strings", "Datasets that it read and that had no contract in force."),
        Field("refusals", "strings", "Contracts in force that lack a purpose of it, as DATASET: PURPOSE."),
        Field("consent_based", "bool", "Whether a purpose of it has the lawful basis consent."),
        Field(
            "withdrawn", "int", "Records in what it read whose consent for its purpose had been withdrawn."
        ),
    ),
    inputs=("lineage",),
    adds=("contract", "purpose", "consent", "manifest", "model_version", "feature_view"),
)


@dataclass(frozen=True)
class Rules:
    """What runs are held against, and whether the absence of a rule means anything."""

    declared: Declared
    withdrawals: Withdrawals
    contracts: Unseen | None
    purposes: Unseen | None

    @classmethod
    def of(cls, base: FactBase, same: Names) -> Rules:
        """The rules that a fact base knows."""
        declared = Declared.of(base, same)
        return cls(declared, Withdrawals(base, declared), blind(base, "contract"), blind(base, "purpose"))


def lineage_runs(base: FactBase) -> Iterator[Fact]:
    """Every run that ended; one that still runs is judged when it ends."""
    work = work_of(base)
    rules = Rules.of(base, work.same)
    for ran in work.runs:
        if ran.ended_at is not None:
            yield _fact(ran, work, rules)


_FACTS: Remembered[Fact] = Remembered()
_REFUSALS: Remembered[tuple[list[str], list[str]]] = Remembered()
_BARE: Remembered[list[str]] = Remembered()


def _fact(ran: Ran, work: Work, rules: Rules) -> Fact:
    given = rules.contracts, rules.purposes, rules.withdrawals.given(ran, work)
    return _FACTS.of(ran, given, lambda: _joined(ran, work, rules))


def _joined(ran: Ran, work: Work, rules: Rules) -> Fact:
    refused, evidence = refusals(rules.declared, ran)
    bare = without_contract(rules.declared, ran)
    unregistered = [p for p in ran.purposes if rules.declared.purpose(p, ran.started_at) is None]
    by_consent = bool(rules.withdrawals.consent_purposes(ran))
    looked: dict[str, Looked] = {
        "run_id": ran.run_id, "job": dataset_id(ran.job), "started_at": ran.started_at,
        "ended_at": ran.ended_at, "completed": ran.completed, "purposes": list(ran.purposes),
        "inputs": [dataset_id(one) for one in ran.inputs],
        "outputs": sorted({dataset_id(dataset) for dataset, _ in ran.writes}),
        "unregistered": unless(rules.purposes, unregistered, told_by_absence=bool(unregistered)),
        "without_contract": unless(rules.contracts, bare, told_by_absence=bool(bare)),
        "refusals": unless(rules.contracts, refused, told_by_absence=not refused),
        "consent_based": unless(rules.purposes, by_consent, told_by_absence=not by_consent),
        "withdrawn": rules.withdrawals.read_by(ran, work),
    }  # fmt: skip
    origin = Origin(ran.source, ran.job[0], ran.ended_at or ran.started_at, ran.evidence)
    return derived(LINEAGE_RUN, ran.run_id, looked, origin.citing(evidence))


def refusals(declared: Declared, ran: Ran) -> tuple[list[str], list[str]]:
    """Which contracts in force at the run's start lack a purpose of it, and the evidence of those contracts."""
    return _REFUSALS.of(ran, Very(declared), lambda: _refusals(declared, ran))


def _refusals(declared: Declared, ran: Ran) -> tuple[list[str], list[str]]:
    said, evidence = [], []
    for dataset in ran.inputs:
        refused = declared.refused(dataset, ran.purposes, ran.started_at)
        said += [f"{dataset_id(dataset)}: {purpose}" for purpose in refused]
        if refused:
            evidence += [record.evidence for record in declared.contracts.in_force(dataset, ran.started_at)]
    return said, evidence


def without_contract(declared: Declared, ran: Ran) -> list[str]:
    """The datasets that it read and that had no contract in force at its start."""
    return _BARE.of(ran, Very(declared), lambda: [
        dataset_id(one) for one in ran.inputs if not declared.contracts.in_force(one, ran.started_at)
    ])  # fmt: skip
