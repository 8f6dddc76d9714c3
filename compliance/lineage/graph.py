"""The version graph: which versions exist, which run read which, and which was kept by which.

Pure. Independent of any record; CONTRACT section 4, *Reads*, *Dataset versions* and *What an output
holds*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from compliance.lineage.events import NEVER
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version
from compliance.lineage.runs import Report, Run
from compliance.lineage.timeline import Timeline, Write
from compliance.lineage.writes import WriteMode

INITIAL = "initial"
"""The version of a dataset before the first write that is known."""


class Read(NamedTuple):
    """A version that a run read: as named, or worked out as of ``moment`` (the run's start)."""

    run_id: str
    version: Version
    named: bool
    moment: int


class Kept(NamedTuple):
    """A previous version whose content a run kept in its output ``dataset``, as of ``moment`` (its end)."""

    run_id: str
    dataset: DatasetName
    version: Version
    moment: int
    created: bool
    """The run also says CREATE: nobody need speak for the previous version."""


class WorkedOut(NamedTuple):
    """How a read or a kept version was worked out: what was chosen, and which runs had written it."""

    run_id: str
    kept: bool
    chosen: frozenset[Version]
    writers: frozenset[str]


@dataclass
class Graph:
    """Versions, and the edges between them and runs. Every list is in a stated order."""

    writers: dict[Version, tuple[str, ...]] = field(default_factory=dict)
    """The runs that wrote a version and whose outputs exist, ids in order."""
    written: dict[Version, int] = field(default_factory=dict)
    """When: "when the last of its writing runs ended"; FOREVER while one is running."""
    dataset_writers: dict[DatasetName, tuple[str, ...]] = field(default_factory=dict)
    modes: dict[tuple[str, DatasetName], WriteMode] = field(default_factory=dict)
    reads: dict[str, tuple[Read, ...]] = field(default_factory=dict)
    readers: dict[Version, list[Read]] = field(default_factory=dict)
    keeps: dict[tuple[str, DatasetName], tuple[Kept, ...]] = field(default_factory=dict)
    keepers: dict[Version, list[Kept]] = field(default_factory=dict)
    worked_out: dict[DatasetName, list[WorkedOut]] = field(default_factory=dict)
    unknown: dict[DatasetName, set[Version]] = field(default_factory=dict)
    """Versions that reads name and that no known run wrote."""

    def written_at(self, version: Version) -> int:
        """When a version was written; NEVER if no known run wrote it: "counts as written before everything"."""
        return self.written.get(version, NEVER)

    def named_reads(self, run_id: str, report: Report, dataset: DatasetName) -> frozenset[str]:
        """The versions that a source names as read, but for those "that only this run wrote"."""
        read, own = report.reads.get(dataset), report.outputs.get(dataset)
        if read is None or own is None:
            return frozenset() if read is None else read.versions
        return frozenset(
            name for name in read.versions
            if name not in own.versions or set(self.writers.get(Version(dataset, name), ())) - {run_id}
        )  # fmt: skip


def build_graph(
    runs: Mapping[str, Run],
    described: Mapping[DatasetName, frozenset[Version]],
    mode_of: Callable[[Run, DatasetName], WriteMode],
) -> Graph:
    """Resolve every read and every kept version. ``described`` are the versions that have a manifest."""
    graph = Graph()
    _index_writers(graph, runs)
    resolver = _Resolver(graph, runs, described)
    for run in runs.values():
        resolver.add_reads(run)
        if run.exists:
            for dataset in sorted(run.outputs):
                resolver.add_kept(run, dataset, mode_of(run, dataset))
    return graph


def _index_writers(graph: Graph, runs: Mapping[str, Run]) -> None:
    writers: dict[Version, list[str]] = {}
    by_dataset: dict[DatasetName, list[str]] = {}
    for run in runs.values():
        for dataset, versions in run.outputs.items() if run.exists else ():
            by_dataset.setdefault(dataset, []).append(run.run_id)
            for name in versions:
                version = Version(dataset, name)
                writers.setdefault(version, []).append(run.run_id)
                graph.written[version] = max(graph.written_at(version), run.ended)
    graph.writers = {version: tuple(found) for version, found in writers.items()}
    graph.dataset_writers = {dataset: tuple(found) for dataset, found in by_dataset.items()}


class _Resolver:
    """Works out what reads without a version read, and what writes kept."""

    def __init__(
        self, graph: Graph, runs: Mapping[str, Run], described: Mapping[DatasetName, frozenset[Version]]
    ) -> None:
        self.graph = graph
        self.runs = runs
        self.described = described
        self.timelines = {
            dataset: Timeline(dataset, (runs[run_id] for run_id in writers))
            for dataset, writers in graph.dataset_writers.items()
        }

    def add_reads(self, run: Run) -> None:
        """Every version that the run read, by each source that reports it."""
        found: set[Read] = set()
        for report in run.reports:
            for dataset in report.reads:
                named = set(self._named(run.run_id, report, dataset))
                found.update(Read(run.run_id, version, named=True, moment=run.started) for version in named)
                if not named:
                    # "A run starts at its earliest event"; where one source knows the run only from later
                    # on, the later start counts beside it: no source's event hides what another's shows.
                    for moment in {run.started, report.started}:
                        found.update(self._worked_out_read(run, dataset, moment))
        self.graph.reads[run.run_id] = tuple(sorted(found))
        for edge in self.graph.reads[run.run_id]:
            self.graph.readers.setdefault(edge.version, []).append(edge)

    def _named(self, run_id: str, report: Report, dataset: DatasetName) -> Iterator[Version]:
        for name in self.graph.named_reads(run_id, report, dataset):
            version = Version(dataset, name)
            if version not in self.graph.writers:
                self.graph.unknown.setdefault(dataset, set()).add(version)
            yield version

    def _worked_out_read(self, run: Run, dataset: DatasetName, moment: int) -> Iterator[Read]:
        for version in self._work_out(run, dataset, moment, kept=False):
            yield Read(run.run_id, version, named=False, moment=moment)

    def add_kept(self, run: Run, dataset: DatasetName, mode: WriteMode) -> None:
        """The previous versions whose content the run's output holds too."""
        self.graph.modes[run.run_id, dataset] = mode
        if not mode.keeps:
            return
        found = {
            Kept(run.run_id, dataset, version, moment, mode.created)
            for former in (dataset, *mode.previous)
            for moment in run.ends
            for version in self._work_out(run, former, moment, kept=True)
        }
        self.graph.keeps[run.run_id, dataset] = tuple(sorted(found))
        for edge in self.graph.keeps[run.run_id, dataset]:
            self.graph.keepers.setdefault(edge.version, []).append(edge)

    def _work_out(self, run: Run, dataset: DatasetName, moment: int, *, kept: bool) -> frozenset[Version]:
        timeline = self.timelines.get(dataset)
        writes, certain = frozenset[Write](), False
        if timeline is not None:
            writes, certain = timeline.last(moment, strictly=kept, but=run.run_id)
        chosen = frozenset(Version(dataset, write.version) for write in writes)
        if not certain:
            chosen |= self._unwritten(dataset)
        writers = frozenset(write.run_id for write in writes)
        self.graph.worked_out.setdefault(dataset, []).append(WorkedOut(run.run_id, kept, chosen, writers))
        return chosen

    def _unwritten(self, dataset: DatasetName) -> frozenset[Version]:
        """Before any known write: "every version … that has a manifest and no known writing run, else `initial`"."""
        known = self.described.get(dataset, frozenset())
        return frozenset(version for version in known if not self._is_written(version)) or frozenset(
            {Version(dataset, INITIAL)}
        )

    def _is_written(self, version: Version) -> bool:
        return any(self.runs[run_id].surely_wrote(*version) for run_id in self.graph.writers.get(version, ()))
