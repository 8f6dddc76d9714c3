"""Everything about lineage that does not depend on the record asked for, built once.

Pure. ``World.build`` merges runs, resolves names, reads and kept versions; many questions are then
asked of one world, and checks about lineage read it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from compliance.canonical import micros
from compliance.facts import Received
from compliance.lineage.declared import Declared
from compliance.lineage.events import FOREVER, RunEvent, events, mentions_of, without_duplicates
from compliance.lineage.graph import Graph, build_graph
from compliance.lineage.names import Names
from compliance.lineage.reached import Gap, Reached
from compliance.lineage.records import DatasetName, Membership, UsageInput
from compliance.lineage.registers import Manifest, Registers, Version
from compliance.lineage.remembered import Remembered
from compliance.lineage.runs import Output, Report, Run, merge_runs
from compliance.lineage.timeline import Intervals
from compliance.lineage.writes import write_mode


class _Lineage:
    """The events that runs are merged from, as a key: equal only for the very same records."""

    def __init__(self, records: Sequence[Received], aliases: Sequence[Sequence[DatasetName]]) -> None:
        self.records, self.aliases = records, aliases
        # The records are kept by this object, so that their identity cannot be taken over by others.
        self._key = (tuple(map(id, records)), aliases)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Lineage) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


Examined: TypeAlias = Mapping[DatasetName, tuple[Version, ...]]


class _Told:
    """What events alone say; worlds that differ in registers only share it."""

    def __init__(self, lineage: _Lineage) -> None:
        happened = list(events(lineage.records))
        said = (mention for event in happened for mention in mentions_of(event))
        self.names = Names.of(said, lineage.aliases)
        self.runs = merge_runs((event for event in happened if isinstance(event, RunEvent)), self.names)
        self.declared = Declared.of(happened, self.names)
        self._written = frozenset(
            Version(dataset, version)
            for run in self.runs.values() if run.exists
            for dataset, versions in run.outputs.items()
            for version in versions if run.surely_wrote(dataset, version)
        )  # fmt: skip
        self._graphs: Remembered[tuple[Graph, Examined]] = Remembered(at_most=1)

    def graph(self, registers: Registers, replaces: frozenset[DatasetName]) -> tuple[Graph, Examined]:
        """The version graph, and what was read of it. Of manifests, those of unwritten versions alone sway it."""
        unwritten = registers.manifests.keys() - self._written
        return self._graphs.of(self, (unwritten, replaces), lambda: self._graph(unwritten, replaces))

    def _graph(
        self, described: Iterable[Version], replaces: frozenset[DatasetName]
    ) -> tuple[Graph, Examined]:
        graph = build_graph(
            self.runs, _by_dataset(described),
            lambda run, dataset: write_mode(run, dataset, self.declared, replaces),
        )  # fmt: skip
        return graph, _examined(graph)


@lru_cache(maxsize=4)
def _told(lineage: _Lineage) -> _Told:
    return _Told(lineage)


class Scope(NamedTuple):
    """For whom manifests speak: a key space, and the key ids asked under (None: all)."""

    key_space: str
    key_ids: frozenset[str] | None = None

    def spoken_by(self, manifest: Manifest) -> bool:
        """Whether a manifest can confirm or exclude a record of this scope."""
        same = self.key_ids is None or manifest.key_id is None or manifest.key_id in self.key_ids
        return manifest.key_space == self.key_space and same


@dataclass
class Memo:
    """What was worked out for one question and holds for every other: shared by copies of a world."""

    columns: dict[Version, frozenset[str]] = field(default_factory=dict)
    intervals: dict[DatasetName, Intervals] = field(default_factory=dict)
    unspoken: dict[Scope, frozenset[Version]] = field(default_factory=dict)
    """The versions nobody can speak for."""
    doubts: dict[Scope, Reached] = field(default_factory=dict)
    """What flows from versions nobody can speak for, but for erased records."""
    overlaps: dict[DatasetName, dict[Version, set[Gap]]] = field(default_factory=dict)
    """Uncertain reads, by the versions that they may have read."""
    history: dict[DatasetName, list[tuple[int, Version]]] = field(default_factory=dict)
    """The written versions of a dataset by when they were written."""
    told: dict[str, object] = field(default_factory=dict)
    """What is told of each run (``told.RunTold``), by its id."""
    version_gaps: dict[tuple[Scope, Version], frozenset[Gap]] = field(default_factory=dict)
    """What keeps each version from being told completely."""


@dataclass
class World:
    """The merged runs, resolved names and version graph of one ``UsageInput``."""

    input: UsageInput
    membership: Membership
    names: Names
    runs: Mapping[str, Run]
    """By run id, ids in order."""
    declared: Declared
    registers: Registers
    graph: Graph
    examined: Mapping[DatasetName, tuple[Version, ...]]
    """The versions that a run read, or that are kept by one that was read."""
    undescribed: int
    """How many datasets named by events or lineage have no manifest, key-space tag or contract."""
    latest: int
    """The latest instant of any record, microseconds, UTC."""
    memo: Memo = field(default_factory=Memo)

    @classmethod
    def build(cls, given: UsageInput) -> World:
        """Merge and resolve everything received. Order and duplicates of records change nothing."""
        kept = without_duplicates(given.received)
        told = _told(
            _Lineage([record for record in kept if record.kind == "lineage"], given.settings.aliases)
        )
        registers = Registers.of(kept, given.received, told.names)
        graph, examined = told.graph(registers, frozenset(map(told.names, given.settings.replaces)))
        return cls(
            given, given.membership, told.names, told.runs, told.declared, registers, graph,
            examined, _undescribed(told.declared, registers),
            max((micros(record.instant) for record in given.received), default=0),
        )  # fmt: skip

    def with_membership(self, membership: Membership) -> World:
        """The same world over another membership engine."""
        return replace(self, membership=membership)

    def until(self, at: int) -> World:
        """The world of the records whose instant is not later than ``at`` (microseconds, UTC)."""
        if self.latest <= at:
            return self
        records = [record for record in self.input.received if micros(record.instant) <= at]
        return World.build(replace(self.input, received=records, membership=self.membership))

    # --- what is known of datasets and versions ------------------------------------------------

    def datasets(self) -> tuple[DatasetName, ...]:
        """Every dataset that events, lineage, manifests or contracts name, in order."""
        registers = self.registers
        described = {version.dataset for version in registers.manifests} | set(registers.contracts)
        return tuple(sorted(self.declared.named | described | set(registers.feature_views)))

    def key_spaces(self, dataset: DatasetName) -> frozenset[str]:
        """The key spaces that a dataset is said to hold, by tags and contracts."""
        tags = self.declared.dataset_tags.get(dataset, ())
        tagged = frozenset(tag.value for tag in tags if tag.key == "key_space")
        contracts = self.registers.contracts.get(dataset, ())
        return tagged.union(*(contract.key_spaces for contract in contracts))

    def is_feature_view(self, dataset: DatasetName) -> bool:
        """Whether the feature registry knows it or it bears the tag ``kind=feature-view``."""
        tags = self.declared.dataset_tags.get(dataset, ())
        tagged = any(tag.key == "kind" and tag.value == "feature-view" and tag.field is None for tag in tags)
        return tagged or dataset in self.registers.feature_views

    def manifests(self, scope: Scope, version: Version) -> list[Manifest]:
        """The manifests of a version that speak for the scope."""
        return [m for m in self.registers.manifests.get(version, ()) if scope.spoken_by(m)]

    def is_exact(self, scope: Scope, version: Version) -> bool:
        """Whether a full manifest decides who is in the version."""
        return any(manifest.full for manifest in self.manifests(scope, version))

    def outputs(self, version: Version) -> Iterator[tuple[Run, Output]]:
        """Each account of a run that wrote the version: several where several sources report it."""
        for run_id in self.graph.writers.get(version, ()):
            run = self.runs[run_id]
            for report in run.reports:
                output = report.outputs.get(version.dataset)
                if output is not None and version.version in output.versions:
                    yield run, output

    def schema(self, version: Version) -> frozenset[str]:
        """The columns that schema facets state of the version: its writers', its readers', DatasetEvents'."""
        columns = set(self.declared.version_schemas.get(version, ()))
        for _, output in self.outputs(version):
            columns |= output.schema
        for run in self._readers(version):
            for report in run.reports:
                columns |= self._seen(run, report, version)
        return frozenset(columns)

    def _seen(self, run: Run, report: Report, version: Version) -> frozenset[str]:
        """The columns that one source's mentions of a dataset as read state of the version.

        A mention that names versions speaks of those; one that names none, or only what the run itself
        wrote, of all that it read.
        """
        read = report.reads.get(version.dataset)
        if read is None or not read.schemas:
            return frozenset()
        counted = self.graph.named_reads(run.run_id, report, version.dataset)
        said = [
            seen for named, seen in read.schemas if version.version in named & counted or not named & counted
        ]
        return frozenset[str]().union(*said)

    def columns(self, version: Version) -> frozenset[str]:
        """All columns known of a version: those of its schema, and those that lineage facets name of it."""
        if version not in self.memo.columns:
            columns = self.schema(version) | self.declared.schemas.get(version.dataset, set())
            for run in self._readers(version):
                for report in run.reports:
                    columns |= report.source_columns.get(version.dataset, frozenset())
            for _, output in self.outputs(version):
                columns |= frozenset(output.columns or ())
            self.memo.columns[version] = columns
        return self.memo.columns[version]

    def history(self, dataset: DatasetName) -> list[tuple[int, Version]]:
        """The versions of a dataset that ended runs wrote, each with when, in order of time."""
        if dataset not in self.memo.history:
            runs = [self.runs[run_id] for run_id in self.graph.dataset_writers.get(dataset, ())]
            versions = {Version(dataset, name) for run in runs for name in run.outputs[dataset]}
            dated = [(self.graph.written_at(version), version) for version in versions]
            self.memo.history[dataset] = sorted(item for item in dated if item[0] != FOREVER)
        return self.memo.history[dataset]

    def intervals(self, dataset: DatasetName) -> Intervals:
        """The spans of the runs that write a dataset."""
        if dataset not in self.memo.intervals:
            writers = self.graph.dataset_writers.get(dataset, ())
            self.memo.intervals[dataset] = Intervals(self.runs[run_id] for run_id in writers)
        return self.memo.intervals[dataset]

    def _readers(self, version: Version) -> list[Run]:
        ids = dict.fromkeys(edge.run_id for edge in self.graph.readers.get(version, ()))
        return [self.runs[run_id] for run_id in ids]


def _examined(graph: Graph) -> dict[DatasetName, tuple[Version, ...]]:
    """What was read, or kept by what was read. "A CREATE ends this for what came before"."""
    waiting = list(graph.readers)
    seen = set(waiting)
    while waiting:
        version = waiting.pop()
        for run_id in graph.writers.get(version, ()):
            for edge in graph.keeps.get((run_id, version.dataset), ()):
                if not edge.created and edge.version not in seen:
                    seen.add(edge.version)
                    waiting.append(edge.version)
    return _grouped(seen)


def _undescribed(declared: Declared, registers: Registers) -> int:
    described = {version.dataset for version in registers.manifests} | set(registers.contracts)
    tagged = {d for d, tags in declared.dataset_tags.items() if any(tag.key == "key_space" for tag in tags)}
    return len(declared.named - described - tagged)


def _grouped(versions: Iterable[Version]) -> dict[DatasetName, tuple[Version, ...]]:
    groups: dict[DatasetName, list[Version]] = {}
    for version in sorted(versions):
        groups.setdefault(version.dataset, []).append(version)
    return {dataset: tuple(found) for dataset, found in groups.items()}


def _by_dataset(versions: Iterable[Version]) -> dict[DatasetName, frozenset[Version]]:
    return {dataset: frozenset(found) for dataset, found in _grouped(versions).items()}
