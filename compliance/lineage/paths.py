"""By which way the record came to a version: a shortest path from an origin (CONTRACT section 4, the answer).

Pure. Deterministic: of several shortest paths the one whose names come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compliance.lineage.columns import hops
from compliance.lineage.contents import Contents
from compliance.lineage.registers import Version
from compliance.lineage.world import World


@dataclass(frozen=True, slots=True)
class _Step:
    """How a version was reached: over which hop, at which depth and rank within it."""

    rank: tuple[int, int]
    before: Version | None
    run_id: str


class Paths:
    """The shortest paths to every version that contains the record.

    An origin is a version that contains the record without a run that brought it there. Where the
    record goes in a circle into which it came from nowhere else, the versions that a manifest
    confirms (or that are possible without any run) are origins.
    """

    def __init__(self, world: World, found: Contents) -> None:
        self._steps: dict[Version, _Step] = {}
        self._after: dict[Version, list[tuple[str, Version]]] = {}
        entered: set[Version] = set()
        for source, run_id, target in hops(world, found):
            if source != target:
                self._after.setdefault(source, []).append((run_id, target))
                entered.add(target)
        versions = found.containing.versions
        self._walk(version for version in versions if version not in entered)
        left = (version for version in versions if version not in self._steps)
        self._walk([v for v in left if versions[v] == "confirmed" or v in found.unknown])

    def to(self, versions: Iterable[Version]) -> list[Version | str]:
        """The shortest path to the nearest of some versions: versions and run ids in turn."""
        here: Version | None = min(versions, key=lambda version: (self._steps[version].rank, version))
        path: list[Version | str] = []
        while here is not None:
            step = self._steps[here]
            path.append(here)
            if step.before is not None:
                path.append(step.run_id)
            here = step.before
        return path[::-1]

    def _walk(self, origins: Iterable[Version]) -> None:
        level: list[tuple[Version, Version | None, str]]
        level = [(version, None, "") for version in sorted(origins, key=_by_name)]
        self._enter(0, level)
        depth = 0
        while level:
            depth += 1
            best: dict[Version, tuple[tuple[int, int], str, Version]] = {}
            for source, _, _ in level:
                for run_id, target in self._after.get(source, ()):
                    way = (self._steps[source].rank, run_id, source)
                    if target not in self._steps and (target not in best or way < best[target]):
                        best[target] = way
            ordered = sorted(best.items(), key=lambda item: (item[1], _by_name(item[0])))
            level = [(version, way[2], way[1]) for version, way in ordered]
            self._enter(depth, level)

    def _enter(self, depth: int, level: list[tuple[Version, Version | None, str]]) -> None:
        for index, (version, before, run_id) in enumerate(level):
            self._steps[version] = _Step((depth, index), before, run_id)


def _by_name(version: Version) -> tuple[str, Version]:
    return (str(version), version)
