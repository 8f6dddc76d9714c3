"""Each run of the lineage, joined with the purpose register and the contracts of what it read.

Pure. The purpose of a run is decided as record usage decides it: the run's tag, else the job's, else
the model's in its registry; everything is judged as in force when the run started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived
from compliance.derived.withdrawals import Withdrawals
from compliance.derived.work import Ran, Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field
from compliance.lineage.records import DatasetName

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
    inputs=("lineage", "contract", "purpose", "consent", "manifest", "model_version"),
)


def lineage_runs(base: FactBase) -> Iterator[Fact]:
    """Every run that ended; one that still runs is judged when it ends."""
    work = work_of(base)
    declared = Declared.of(base, work.same)
    withdrawals = Withdrawals(base, declared)
    for ran in work.runs:
        if ran.ended_at is not None:
            yield _fact(ran, work, declared, withdrawals)


def _fact(ran: Ran, work: Work, declared: Declared, withdrawals: Withdrawals) -> Fact:
    inputs = sorted({dataset for dataset, _ in ran.reads})
    refused, evidence = refusals(declared, inputs, ran)
    looked: dict[str, Looked] = {
        "run_id": ran.run_id, "job": dataset_id(ran.job), "started_at": ran.started_at,
        "ended_at": ran.ended_at, "completed": ran.completed, "purposes": list(ran.purposes),
        "unregistered": [p for p in ran.purposes if declared.purpose(p, ran.started_at) is None],
        "inputs": [dataset_id(one) for one in inputs],
        "outputs": sorted({dataset_id(dataset) for dataset, _ in ran.writes}),
        "without_contract": without_contract(declared, inputs, ran),
        "refusals": refused,
        "consent_based": bool(withdrawals.consent_purposes(ran)),
        "withdrawn": withdrawals.read_by(ran, work),
    }  # fmt: skip
    origin = Origin(ran.source, ran.job[0], ran.ended_at or ran.started_at, ran.evidence)
    return derived(LINEAGE_RUN, ran.run_id, looked, origin.citing(evidence))


def refusals(declared: Declared, inputs: Iterable[DatasetName], ran: Ran) -> tuple[list[str], list[str]]:
    """Which contracts in force at the run's start lack a purpose of it, and the evidence of those contracts."""
    said, evidence = [], []
    for dataset in inputs:
        refused = declared.refused(dataset, ran.purposes, ran.started_at)
        said += [f"{dataset_id(dataset)}: {purpose}" for purpose in refused]
        if refused:
            evidence += [record.evidence for record in declared.contracts.in_force(dataset, ran.started_at)]
    return said, evidence


def without_contract(declared: Declared, inputs: Iterable[DatasetName], ran: Ran) -> list[str]:
    """The datasets that had no contract in force at the run's start."""
    return [dataset_id(one) for one in inputs if not declared.contracts.in_force(one, ran.started_at)]
