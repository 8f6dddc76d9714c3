"""Uses of the record: which runs and decisions, by whom, for what (CONTRACT section 4, Uses).

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compliance.canonical import Json, micros
from compliance.lineage.columns import Columns
from compliance.lineage.contents import Contents
from compliance.lineage.events import evidence_key
from compliance.lineage.further import RunUse, further_of_use
from compliance.lineage.judging import UNDECLARED, lawful_basis, model_name
from compliance.lineage.paths import Paths
from compliance.lineage.records import Question
from compliance.lineage.registers import Decision, Version
from compliance.lineage.runs import Run
from compliance.lineage.told import RunTold, time_text, told_of
from compliance.lineage.violations import Judged, as_listed, violations_of_decision, violations_of_person
from compliance.lineage.world import World


@dataclass(frozen=True)
class Answering:
    """What is decided of one record in one world: the ground on which its uses are told."""

    world: World
    found: Contents
    columns: Columns
    paths: Paths
    at: int
    """The instant asked about, microseconds, UTC."""


@dataclass(frozen=True, order=True)
class Consumer:
    """Who used the record: a model, a feature, a job or who asked for a decision."""

    kind: str
    name: str
    version: str

    def as_json(self) -> dict[str, Json]:
        """The form in which an answer states it."""
        return {"kind": self.kind, "name": self.name, "version": self.version or None}


def uses(ground: Answering, span: Question) -> list[dict[str, Json]]:
    """The uses that meet the question's span, ordered by start and run id."""
    found = [*_uses_by_runs(ground, span), *_uses_by_decisions(ground, span)]
    ordered = sorted(
        found, key=lambda use: (use[0], use[1]["run_id"], [evidence_key(e) for e in use[1]["evidence"]])
    )
    return [use for _, use in ordered]


def meets(started: int, ended: int, since: int | None, until: int | None) -> bool:
    """Whether [started, ended] meets [since, until); None leaves a side open."""
    if since is not None and until is not None and since >= until:
        return False
    return (since is None or ended >= since) and (until is None or started < until)


# --- runs --------------------------------------------------------------------------------------


def _uses_by_runs(ground: Answering, span: Question) -> Iterator[tuple[int, dict[str, Json]]]:
    for run_id, versions in ground.found.containing.found.items():
        run = ground.world.runs[run_id]
        if meets(run.started, run.ended, *_span(span)):
            yield run.started, _use_by_run(ground, run, sorted(versions))


def _use_by_run(ground: Answering, run: Run, versions: list[Version]) -> dict[str, Json]:
    world, reached, told = ground.world, ground.found.containing, told_of(ground.world, run)
    path = ground.paths.to(versions)
    datasets = tuple(sorted({version.dataset for version in versions}))
    judged = Judged(ground.found.person, run.started, told.purposes, datasets, run.evidence)
    certainties = {reached.versions[version] for version in versions}
    more = further_of_use(
        RunUse(world, ground.found, run, tuple(versions), told.purposes, bool(told.models), ground.at)
    )
    violations = [*told.violations(world, datasets), *violations_of_person(world, judged), *more]
    return {
        "run_id": run.run_id,
        "job": None if run.job is None else {"namespace": run.job[0], "name": run.job[1]},
        "consumers": [consumer.as_json() for consumer in _consumers(ground, told)],
        "started_at": told.started_at, "ended_at": told.ended_at,
        "purpose": told.purpose, "lawful_basis": told.lawful_basis,
        "certainty": "confirmed" if "confirmed" in certainties else "possible",
        "influence": "direct" if any(ground.columns.carried[version] for version in versions) else "indirect",
        "path": [*(str(s) if isinstance(s, Version) else f"run:{s}" for s in path), f"run:{run.run_id}"],
        "violations": as_listed(violations),
        "evidence": _evidence(ground, run, path),
    }  # fmt: skip


def _evidence(ground: Answering, run: Run, path: Iterable[Version | str]) -> list[str]:
    """The events of the run, and what proves each hop on its path."""
    cited = set(run.evidence)
    for step in path:
        proof = (
            ground.found.held.get(step, ()) if isinstance(step, Version) else ground.world.runs[step].evidence
        )
        cited.update(proof)
    return sorted(cited, key=evidence_key)


def _consumers(ground: Answering, told: RunTold) -> list[Consumer]:
    models = (Consumer("model", name, version) for name, version in told.models)
    found = sorted({*models, *_features(ground, told.run)})
    if found:
        return found
    return [Consumer("job", "" if told.run.job is None else told.run.job[1], "")]


def _features(ground: Answering, run: Run) -> Iterator[Consumer]:
    """Each carrying column of a COMPLETE run's outputs that contain the record and are feature views."""
    for dataset, names in run.outputs.items() if run.outcome == "COMPLETE" else ():
        if not ground.world.is_feature_view(dataset):
            continue
        for version in (Version(dataset, name) for name in names):
            if version in ground.found.containing.versions:
                for column in _feature_columns(ground, version):
                    yield Consumer("feature", f"{dataset[1]}:{column}", version.version)


def _feature_columns(ground: Answering, version: Version) -> Iterable[str]:
    """The carrying columns; where all carry, the features that the registry knows are columns too."""
    names = frozenset(ground.columns.names(version))
    known = ground.world.registers.feature_views.get(version.dataset, frozenset())
    return names | known if ground.columns.carried[version].every else names


# --- decisions ---------------------------------------------------------------------------------


def _uses_by_decisions(ground: Answering, span: Question) -> Iterator[tuple[int, dict[str, Json]]]:
    for decision, evidence in ground.world.registers.decisions.get(ground.found.person, {}).items():
        if meets(decision.at, decision.at, *_span(span)):
            cited = tuple(sorted(evidence, key=evidence_key))
            yield decision.at, _use_by_decision(ground, decision, cited)


def _use_by_decision(ground: Answering, decision: Decision, evidence: tuple[str, ...]) -> dict[str, Json]:
    purposes = tuple(sorted(decision.purposes))
    datasets = () if decision.dataset is None else (decision.dataset,)
    judged = Judged(ground.found.person, decision.at, purposes, datasets, evidence)
    return {
        "run_id": decision.decision_id, "job": None,
        "consumers": [_decider(decision).as_json()],
        "started_at": time_text(decision.at), "ended_at": time_text(decision.at),
        "purpose": ", ".join(purposes) or UNDECLARED,
        "lawful_basis": lawful_basis(ground.world, purposes, decision.at),
        "certainty": "confirmed", "influence": "direct",
        "path": [*(f"{namespace}/{name}" for namespace, name in datasets), f"run:{decision.decision_id}"],
        "violations": as_listed(violations_of_decision(ground.world, judged)),
        "evidence": list(evidence),
    }  # fmt: skip


def _decider(decision: Decision) -> Consumer:
    if decision.model is not None:
        name, version = model_name(decision.model)
        return Consumer("model", name, version or "")
    return Consumer("decision", decision.principal or "", "")


def _span(question: Question) -> tuple[int | None, int | None]:
    since = None if question.from_ is None else micros(question.from_)
    return since, None if question.to is None else micros(question.to)
