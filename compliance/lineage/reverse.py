"""The question turned round: whose records a model used, and which models these people's records reached.

Pure. People of whom the same manifests hold true, and of whom nothing was erased, get the same answer; it is
worked out once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from compliance.lineage.columns import columns
from compliance.lineage.contents import Contents, contents
from compliance.lineage.gaps import gaps
from compliance.lineage.judging import UNDECLARED, model_name, models_of, purposes_of
from compliance.lineage.reached import Certainty, Gap
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Person, Version
from compliance.lineage.runs import Run
from compliance.lineage.world import Scope, World

ModelVersion = tuple[str, str]
"""``(name, version)``, the version empty where none is stated."""
Holdings = Mapping[str, frozenset[str]]
"""By pseudonym: the evidence ids of the manifests that hold it."""


@dataclass(frozen=True)
class Held:
    """The membership of one group of people: the manifests that hold each of them."""

    manifests: frozenset[str]

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:  # noqa: ARG002 (the port's form)
        """The same for everybody of the group."""
        return self.manifests


@dataclass
class ModelUse:
    """How one model used the records of a group of people."""

    certainty: Certainty = "possible"
    purposes: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    first: int | None = None
    last: int | None = None

    def add(self, certainty: Certainty, purposes: Iterable[str], run_id: str, started: int) -> None:
        """Count one run or decision in."""
        self.certainty = "confirmed" if "confirmed" in (self.certainty, certainty) else "possible"
        self.purposes.update(purposes or (UNDECLARED,))
        self.runs.add(run_id)
        self.first = started if self.first is None else min(self.first, started)
        self.last = started if self.last is None else max(self.last, started)


@dataclass(frozen=True)
class Group:
    """People with one answer, and what it is."""

    people: tuple[str, ...]
    uses: Mapping[ModelVersion, ModelUse]
    gaps: frozenset[Gap]


def groups(world: World, scope: Scope, holdings: Holdings) -> Iterator[Group]:
    """Which models used the records of people, group by group; groups in order of their first pseudonym."""
    apart = world.registers.erasures.keys() | world.registers.decisions.keys()
    alike: dict[tuple[frozenset[str], str], list[str]] = {}
    for pseudonym in sorted(holdings):
        alone = pseudonym if (scope.key_space, pseudonym) in apart else ""
        alike.setdefault((holdings[pseudonym], alone), []).append(pseudonym)
    for (manifests, _), people in alike.items():
        yield _group(world.with_membership(Held(manifests)), scope, tuple(people))


def behind(world: World, model: ModelVersion) -> frozenset[DatasetName]:
    """The datasets from which a record can have come to a model: back over all that its runs read and kept."""
    waiting = [
        read.version for run in _runs_of(world, model) for read in world.graph.reads.get(run.run_id, ())
    ]
    seen = set(waiting)
    while waiting:
        for before in _before(world, waiting.pop()):
            if before not in seen:
                seen.add(before)
                waiting.append(before)
    return frozenset(version.dataset for version in seen)


def _before(world: World, version: Version) -> Iterator[Version]:
    for run_id in world.graph.writers.get(version, ()):
        yield from (read.version for read in world.graph.reads.get(run_id, ()))
        yield from (kept.version for kept in world.graph.keeps.get((run_id, version.dataset), ()))


def _runs_of(world: World, model: ModelVersion) -> Iterator[Run]:
    for run in world.runs.values():
        if any((name, version or "") == model for name, version in models_of(world, run)):
            yield run


def _group(world: World, scope: Scope, people: tuple[str, ...]) -> Group:
    found = contents(world, scope, people[0])
    uses: dict[ModelVersion, ModelUse] = {}
    for run_id, versions in found.containing.found.items():
        _count_run(world, found, world.runs[run_id], versions, uses)
    _count_decisions(world, (scope.key_space, people[0]), uses)
    return Group(people, uses, frozenset(gaps(world, found, columns(world, found))))


def _count_run(
    world: World, found: Contents, run: Run, versions: Iterable[Version], uses: dict[ModelVersion, ModelUse]
) -> None:
    confirmed = any(found.containing.versions[version] == "confirmed" for version in versions)
    for name, version in models_of(world, run):
        use = uses.setdefault((name, version or ""), ModelUse())
        use.add("confirmed" if confirmed else "possible", purposes_of(world, run), run.run_id, run.started)


def _count_decisions(world: World, person: Person, uses: dict[ModelVersion, ModelUse]) -> None:
    for decision in world.registers.decisions.get(person, {}):
        if decision.model is not None:
            name, version = model_name(decision.model)
            use = uses.setdefault((name, version or ""), ModelUse())
            use.add("confirmed", sorted(decision.purposes), decision.decision_id, decision.at)
