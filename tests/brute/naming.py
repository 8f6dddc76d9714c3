"""Which names stand for the same dataset, and under which of them it is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compliance.canonical import Json
from compliance.lineage.records import DatasetName, UsageInput
from tests.brute.merging import inside, is_deleted, objects


def name_of(dataset: Mapping[str, Json]) -> DatasetName:
    """The name that an object with a namespace and a name gives."""
    return dataset["namespace"], dataset["name"]


def mentioned(event: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Every dataset object that an event of any of the three kinds carries."""
    alone = [event["dataset"]] if isinstance(event.get("dataset"), dict) else []
    return objects(event.get("inputs")) + objects(event.get("outputs")) + alone


@dataclass(frozen=True)
class Names:
    """Groups of names of the same dataset, and those names that bear a symlinks facet."""

    groups: tuple[frozenset[DatasetName], ...]
    bearers: frozenset[DatasetName]

    def __call__(self, dataset: Mapping[str, Json]) -> DatasetName:
        """The name under which a dataset object is reported."""
        return self.of(name_of(dataset))

    def of(self, name: DatasetName) -> DatasetName:
        """The smallest name of the group that bears the facet; if none does, the smallest name."""
        group = next((group for group in self.groups if name in group), frozenset({name}))
        return min(group & self.bearers or group)


def read_names(given: UsageInput) -> Names:
    """``symlinks`` identifiers and configured aliases name the same dataset."""
    bearers: set[DatasetName] = set()
    groups = [frozenset(names) for names in given.settings.aliases]
    for record in given.received:
        if record.kind == "lineage":
            for dataset in mentioned(record.value):
                others = _symlinks(dataset)
                if others:
                    bearers.add(name_of(dataset))
                    groups.append(frozenset({name_of(dataset), *others}))
    return Names(_join(groups), frozenset(bearers))


def _symlinks(dataset: Mapping[str, Json]) -> list[DatasetName]:
    facet = inside(dataset, "facets", "symlinks")
    return [] if is_deleted(facet) else [name_of(one) for one in objects(inside(facet, "identifiers"))]


def _join(groups: Iterable[frozenset[DatasetName]]) -> tuple[frozenset[DatasetName], ...]:
    """Groups that share a name are one group."""
    joined: list[frozenset[DatasetName]] = []
    for group in groups:
        touching = [other for other in joined if other & group]
        joined = [other for other in joined if not other & group]
        joined.append(group.union(*touching))
    return tuple(joined)
