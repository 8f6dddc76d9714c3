"""Which versions contain the record, and which runs found it there (CONTRACT section 4, Contains).

Pure. One worklist over the version graph; it also follows what nobody can speak for, so that the
gaps of *Complete* can be told. Touches only what is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from compliance.lineage.events import FOREVER, evidence_key
from compliance.lineage.graph import Kept, Read
from compliance.lineage.reached import Certainty, Reached
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Erasure, Person, Version
from compliance.lineage.world import Scope, World


@dataclass(frozen=True)
class Contents:
    """Where the record is, and where it might be because nobody can speak for a version."""

    scope: Scope
    person: Person
    held: Mapping[Version, tuple[str, ...]]
    """The evidence ids of the manifests that confirm each version."""
    containing: Reached
    perhaps: Reached
    unknown: frozenset[Version]
    """Versions that are possible only because another version of their dataset contains the record."""


def contents(world: World, scope: Scope, pseudonym: str) -> Contents:
    """Follow one record through all versions."""
    person = (scope.key_space, pseudonym)
    spread = _Spread(world, scope, world.registers.erasures.get(person, ()))
    held = held_by(world, person)
    for version in sorted(held):
        spread.reach(version, "confirmed")
    unknown = spread.run(with_unknown=True)
    return Contents(scope, person, held, spread.reached, _perhaps(world, scope, person), frozenset(unknown))


def _perhaps(world: World, scope: Scope, person: Person) -> Reached:
    """Where a record might be that is in every version nobody can speak for; the same for all not erased."""
    erasures = world.registers.erasures.get(person, ())
    if not erasures and scope in world.memo.doubts:
        return world.memo.doubts[scope]
    spread = _Spread(world, scope, erasures)
    for version in unspoken(world, scope):
        spread.reach(version, "possible")
    spread.run(with_unknown=False)
    if not erasures:
        world.memo.doubts[scope] = spread.reached
    return spread.reached


def unspoken(world: World, scope: Scope) -> frozenset[Version]:
    """The versions that were read, or kept by one that was read, and that nobody can speak for."""
    if scope not in world.memo.unspoken:
        world.memo.unspoken[scope] = frozenset(_unspoken(world, scope))
    return world.memo.unspoken[scope]


def _unspoken(world: World, scope: Scope) -> Iterator[Version]:
    for dataset, versions in world.examined.items():
        said = scope.key_space in world.key_spaces(dataset)
        for version in versions:
            if world.is_exact(scope, version):
                continue
            if (said and not _has_sources(world, version)) or _is_foreign(world, scope, version):
                yield version


def _has_sources(world: World, version: Version) -> bool:
    """Whether known runs wrote it and all of them name something that they read."""
    writers = world.graph.writers.get(version, ())
    return bool(writers) and all(world.runs[run_id].reads for run_id in writers)


def _is_foreign(world: World, scope: Scope, version: Version) -> bool:
    """Whether a full manifest of the key space exists under another key id, which cannot be related."""
    manifests = world.registers.manifests.get(version, ())
    return any(m.full and m.key_space == scope.key_space and not scope.spoken_by(m) for m in manifests)


def held_by(world: World, person: Person) -> dict[Version, tuple[str, ...]]:
    """The versions whose manifests have a person, with those manifests' evidence ids."""
    known, found = world.registers.manifest_versions, dict[Version, set[str]]()
    for evidence in world.membership.holding(*person):
        if evidence in known:
            found.setdefault(known[evidence], set()).add(evidence)
    for version, evidences in found.items():
        # A manifest received twice is cited once, unless the engine knows the copy alone.
        kept = {manifest.evidence for manifest in world.registers.manifests.get(version, ())}
        found[version] = evidences & kept or evidences
    return {version: tuple(sorted(evidences, key=evidence_key)) for version, evidences in found.items()}


class _Spread:
    """Carries what versions contain forward over reads and kept versions, to a least fixed point."""

    def __init__(self, world: World, scope: Scope, erasures: Iterable[Erasure]) -> None:
        self.world = world
        self.scope = scope
        self.erasures = list(erasures)
        self.reached = Reached()
        self._waiting: list[Version] = []
        self._unknown: set[Version] = set()

    def reach(self, version: Version, certainty: Certainty) -> None:
        """Note that a version contains the record, and follow it later."""
        if version not in self.reached.versions:
            self.reached.versions[version] = certainty
            self._waiting.append(version)

    def run(self, *, with_unknown: bool) -> set[Version]:
        """Follow everything; returns the named but unknown versions that were reached as such."""
        while self._waiting:
            version = self._waiting.pop()
            for read in self.world.graph.readers.get(version, ()):
                self._follow_read(read)
            for kept in self.world.graph.keepers.get(version, ()):
                self._follow_kept(kept)
            if with_unknown:
                self._follow_unknown(version)
        return self._unknown

    def _follow_read(self, read: Read) -> None:
        if not read.named and self._erased(read.version, read.moment):
            return
        found = self.reached.found.setdefault(read.run_id, set())
        found.add(read.version)
        run = self.world.runs[read.run_id]
        if len(found) == 1 and run.exists:
            for dataset in run.outputs:
                self._derive(read.run_id, dataset)

    def _follow_kept(self, kept: Kept) -> None:
        if not self._erased(kept.version, kept.moment):
            self.reached.kept.setdefault((kept.run_id, kept.dataset), set()).add(kept.version)
            self._derive(kept.run_id, kept.dataset)

    def _derive(self, run_id: str, dataset: DatasetName) -> None:
        """What a writer read or kept makes its outputs `possible`; with a full manifest the answer is exact."""
        for name in self.world.runs[run_id].outputs[dataset]:
            version = Version(dataset, name)
            if not self.world.is_exact(self.scope, version):
                self.reach(version, "possible")

    def _follow_unknown(self, version: Version) -> None:
        """Reach versions that are "named but that no known run wrote and no manifest describes"."""
        # "No manifest describes" is read as: no full one of this key space. What speaks of other
        # people, or never excludes, cannot say that the record is not in it.
        for other in self.world.graph.unknown.get(version.dataset, ()):
            if other not in self.reached.versions and not self.world.is_exact(self.scope, other):
                self._unknown.add(other)
                self.reach(other, "possible")

    def _erased(self, version: Version, moment: int) -> bool:
        """Whether an erasure "completed after that version was written and at or before" the moment."""
        written = self.world.graph.written_at(version)
        if not self.erasures or written == FOREVER:
            return False
        matching = [
            erasure.evidence for erasure in self.erasures
            if written < erasure.completed <= moment and erasure.covers(version.dataset)
        ]  # fmt: skip
        self.reached.relied_on.update(matching)
        confirmed = self.reached.versions.get(version) == "confirmed"
        if matching and confirmed and version not in self.world.graph.writers:
            self.reached.doubted.add(version)
        return bool(matching)
