"""Which columns carry the record's data, and which only in masked form (CONTRACT section 4, Columns).

Pure. Least fixed points over the versions that contain the record: first what carries, then what
carries by a way without masking; the difference is masked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from compliance.lineage.components import components
from compliance.lineage.contents import Contents
from compliance.lineage.facets import ColumnClaim
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version
from compliance.lineage.runs import Run
from compliance.lineage.world import World


@dataclass(frozen=True, slots=True)
class Carried:
    """Columns of a version that carry.

    ``unnamed`` stands for all columns where not one is known by name: whoever keeps such a version
    may hold any column of it, so any column of the keeping version may carry. ``every`` says that it is
    by a rule for all columns that these carry, so that a column which is learnt of elsewhere does too.
    """

    names: frozenset[str] = frozenset()
    unnamed: bool = False
    every: bool = False

    def __bool__(self) -> bool:
        return self.unnamed or bool(self.names)

    def __or__(self, other: Carried) -> Carried:
        return Carried(self.names | other.names, self.unnamed or other.unnamed, self.every or other.every)

    def holds(self, column: str | None) -> bool:
        """Whether a column carries; None stands for all columns of the dataset."""
        return bool(self) if column is None else self.unnamed or column in self.names


NONE = Carried()


@dataclass(frozen=True)
class Columns:
    """What carries in each version that contains the record."""

    world: World
    carried: Mapping[Version, Carried]
    clear: Mapping[Version, Carried]
    """What carries by some way that passes no masking step."""
    incomplete: frozenset[Version]
    """Versions confirmed by a manifest in which no column would carry by their lineage."""

    def names(self, version: Version) -> list[str]:
        """The carrying columns that are known by name, in order."""
        carried = self.carried[version]
        return sorted(carried.names | self.world.columns(version) if carried.unnamed else carried.names)

    def masked(self, version: Version) -> list[str]:
        """Those of them that carry in masked form alone, in order."""
        clear = self.clear[version]
        return [name for name in self.names(version) if not clear.holds(name)]


def columns(world: World, found: Contents) -> Columns:
    """Decide the columns of every version that contains the record."""
    carrying = _Flow(world, found, None)
    carrying.settle(found.containing.versions)
    _complete_upstream_first(carrying)
    clear = _Flow(world, found, carrying)
    clear.settle(found.containing.versions)
    return Columns(world, carrying.table, clear.table, frozenset(carrying.whole))


class _Flow:
    """One least fixed point: of all ways, or, beside that of all, of those ways that mask nothing."""

    def __init__(self, world: World, found: Contents, of_all: _Flow | None) -> None:
        self.world = world
        self.clear = of_all is not None
        self.carrying = {} if of_all is None else of_all.table
        self.kept = found.containing.kept
        self.versions = found.containing.versions
        self.table: dict[Version, Carried] = dict.fromkeys(self.versions, NONE)
        self.whole: set[Version] = set() if of_all is None else of_all.whole
        """Versions in which all columns carry though their lineage says otherwise."""
        self.read = {run_id: _by_dataset(versions) for run_id, versions in found.containing.found.items()}
        self.after = _successors(world, found)

    def settle(self, versions: Iterable[Version]) -> None:
        """Decide versions and all that depends on them until nothing changes."""
        waiting = deque(versions)
        listed = set(waiting)
        while waiting:
            version = waiting.popleft()
            listed.discard(version)
            decided = self.table[version] | self._decide(version)
            if decided != self.table[version]:
                self.table[version] = decided
                following = [other for other in self.after.get(version, ()) if other not in listed]
                waiting.extend(following)
                listed.update(following)

    def _decide(self, version: Version) -> Carried:
        known = self.world.columns(version)
        everything = Carried(known, unnamed=not known, every=True)
        if version in self.whole or version not in self.world.graph.writers:
            return everything
        # What a run without column lineage writes goes to any column, those of kept versions among them.
        everything |= Carried(self.carrying.get(version, NONE).names)
        decided = NONE
        for run, output in self.world.outputs(version):
            if output.columns is not None:
                decided |= self._by_facet(run, output.columns)
            elif self._anything_read(run):
                decided |= everything
            decided |= self._kept(run, version.dataset)
        return decided

    def _anything_read(self, run: Run) -> bool:
        read = self.read.get(run.run_id, {})
        return any(self.table[version] for versions in read.values() for version in versions)

    def _by_facet(self, run: Run, stated: Mapping[str, ColumnClaim]) -> Carried:
        read = self.read.get(run.run_id)
        if not read:
            return NONE
        return Carried(frozenset(column for column, claim in stated.items() if self._carries(claim, read)))

    def _carries(self, claim: ColumnClaim, read: Mapping[DatasetName, list[Version]]) -> bool:
        by_default = claim.transformation == "MASKED"
        for source in claim.inputs:
            ways = (by_default if masking is None else masking for masking in source.ways)
            if any(not (self.clear and masked) for masked in ways) and any(
                self.table[version].holds(source.field) for version in read.get(source.dataset, ())
            ):
                return True
        return False

    def _kept(self, run: Run, dataset: DatasetName) -> Carried:
        """What a kept previous version adds: "its carrying columns"."""
        added = NONE
        for version in self.kept.get((run.run_id, dataset), ()):
            there = self.table[version]
            added |= Carried(there.names, there.unnamed, every=there.unnamed)
        return added


def _by_dataset(versions: Iterable[Version]) -> dict[DatasetName, list[Version]]:
    groups: dict[DatasetName, list[Version]] = {}
    for version in sorted(versions):
        groups.setdefault(version.dataset, []).append(version)
    return groups


def _successors(world: World, found: Contents) -> dict[Version, list[Version]]:
    """Which versions that contain the record hold what was read or kept of each."""
    after: dict[Version, list[Version]] = {}
    for source, _, target in hops(world, found):
        after.setdefault(source, []).append(target)
    return after


def hops(world: World, found: Contents) -> Iterator[tuple[Version, str, Version]]:
    """``(version, run, version)`` for each way by which the record came from one version to another."""
    reached = found.containing
    for run_id, versions in reached.found.items():
        targets = list(_contained_outputs(world, found, run_id))
        yield from ((source, run_id, target) for source in versions for target in targets)
    for (run_id, dataset), versions in reached.kept.items():
        targets = [v for v in _contained_outputs(world, found, run_id) if v.dataset == dataset]
        yield from ((source, run_id, target) for source in versions for target in targets)


def _contained_outputs(world: World, found: Contents, run_id: str) -> Iterator[Version]:
    run = world.runs[run_id]
    for dataset, names in run.outputs.items() if run.exists else ():
        for name in sorted(names):
            version = Version(dataset, name)
            if version in found.containing.versions:
                yield version


def _complete_upstream_first(flow: _Flow) -> None:
    """Let all columns carry in versions "confirmed by [their] manifest in which no column would carry".

    "Decided upstream first": 1. Those into which nothing came are decided at once. 2. The rest goes by
    strongly connected parts of the graph, upstream first; within a cycle all that are left carry.
    """
    # 1.
    entered = {target for targets in flow.after.values() for target in targets}
    _carry_all(flow, (version for version in flow.versions if version not in entered))
    if not any(_is_empty(flow, version) for version in flow.versions):
        return
    # 2.
    for part in reversed(components(flow.versions, flow.after)):
        _carry_all(flow, part)


def _carry_all(flow: _Flow, versions: Iterable[Version]) -> None:
    empty = [version for version in versions if _is_empty(flow, version)]
    flow.whole.update(empty)
    flow.settle(empty)


def _is_empty(flow: _Flow, version: Version) -> bool:
    return flow.versions[version] == "confirmed" and not flow.table[version]
