"""Which names mean the same dataset, and under which of them it is reported (CONTRACT section 4, Reads).

Pure. A union-find over ``symlinks`` identifiers and configured aliases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from compliance.lineage.facets import Mention
from compliance.lineage.records import DatasetName


class Names:
    """Maps every name of a dataset to the one that it is reported under."""

    def __init__(self) -> None:
        self._parent: dict[DatasetName, DatasetName] = {}
        self._bears: set[DatasetName] = set()
        self._reported: dict[DatasetName, DatasetName] = {}

    @classmethod
    def of(cls, mentions: Iterable[Mention], aliases: Iterable[Sequence[DatasetName]]) -> Names:
        """Join what symlinks facets and configured groups say is one dataset."""
        names = cls()
        for found in mentions:
            for other in found.symlinks:
                names._bears.add(found.dataset)
                names._join(found.dataset, other)
        for group in aliases:
            for other in group[1:]:
                names._join(group[0], other)
        names._choose()
        return names

    def __call__(self, name: DatasetName) -> DatasetName:
        """The name under which a dataset is reported."""
        return self._reported.get(name, name)

    @cached_property
    def renamed(self) -> frozenset[tuple[DatasetName, DatasetName]]:
        """Every name that is reported under another, with that other: equal for names that say the same."""
        return frozenset((name, best) for name, best in self._reported.items() if name != best)

    def _root(self, name: DatasetName) -> DatasetName:
        parent = self._parent.setdefault(name, name)
        while parent != name:
            self._parent[name] = self._parent[parent]  # halves the way for the next look-up
            name = self._parent[name]
            parent = self._parent[name]
        return name

    def _join(self, one: DatasetName, other: DatasetName) -> None:
        self._parent[self._root(one)] = self._root(other)

    def _choose(self) -> None:
        """Report each group "under the name that bears the facet (the smallest of several)".

        Where configured aliases alone join a group, none bears a facet: then the smallest of all.
        """
        groups: dict[DatasetName, list[DatasetName]] = {}
        for name in list(self._parent):
            groups.setdefault(self._root(name), []).append(name)
        for group in groups.values():
            best = min([name for name in group if name in self._bears] or group)
            self._reported.update(dict.fromkeys(group, best))
