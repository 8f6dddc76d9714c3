"""What column-lineage and lineage facets of an output say: sources, and ways into each column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compliance.canonical import Json
from compliance.lineage.records import DatasetName
from tests.brute.merging import inside, objects
from tests.brute.naming import Names


@dataclass(frozen=True)
class Way:
    """One transformation by which an input reaches a column; ``field`` None stands for all its columns."""

    source: DatasetName
    field: str | None
    direct: bool
    masking: bool


def sources(facets: Mapping[str, Json], names: Names) -> set[DatasetName]:
    """Every dataset that an output's column-lineage and lineage facets name as a source."""
    column, lineage = facets.get("columnLineage"), facets.get("lineage")
    told = objects(inside(column, "dataset")) + objects(inside(lineage, "inputs"))
    for entry in _entries(column):
        told += objects(entry.get("inputFields"))
    for entry in _entries(lineage):
        told += objects(entry.get("inputs"))
    return {names(one) for one in told if one.get("type") != "JOB"}


def fields_named(facets: Mapping[str, Json], names: Names) -> set[tuple[DatasetName, str]]:
    """Every column of a source that these facets name, on a column or on the whole dataset."""
    column, lineage = facets.get("columnLineage"), facets.get("lineage")
    told = objects(inside(column, "dataset")) + objects(inside(lineage, "inputs"))
    for entry in [*_entries(column), *_entries(lineage)]:
        told += objects(entry.get("inputFields")) + objects(entry.get("inputs"))
    return {(names(one), one["field"]) for one in told if one.get("type") != "JOB" and one.get("field")}


def ways(facets: Mapping[str, Json], names: Names) -> dict[str, list[Way]] | None:
    """The ways into each column that the facets list; None where there is no column lineage at all.

    A column-lineage facet without fields lists no column; a lineage facet without fields says nothing of columns.
    """
    column, lineage = facets.get("columnLineage"), facets.get("lineage")
    if inside(column, "fields") is None and not inside(lineage, "fields"):
        return None
    found: dict[str, list[Way]] = {}
    for facet, key in ((column, "inputFields"), (lineage, "inputs")):
        for name, entry in (inside(facet, "fields") or {}).items():
            masked = inside(column, "fields", name, "transformationType") == "MASKED"
            found.setdefault(name, []).extend(
                _ways_of_column(entry or {}, key, names, masked_by_column=masked)
            )
    return found


def _entries(facet: Json) -> list[dict[str, Json]]:
    return objects(list((inside(facet, "fields") or {}).values()))


def _ways_of_column(
    entry: Mapping[str, Json], key: str, names: Names, *, masked_by_column: bool
) -> Iterable[Way]:
    for one in objects(entry.get(key)):
        if one.get("type") != "JOB":
            yield from _ways_of_input(one, names, masked_by_column=masked_by_column)


def _ways_of_input(one: Mapping[str, Json], names: Names, *, masked_by_column: bool) -> Iterable[Way]:
    """Each transformation is a way of its own; an input that lists none is one direct way.

    MASKED on the column masks those of its ways that say nothing of masking.
    """
    for step in objects(one.get("transformations")) or [{}]:
        masking = step.get("masking")
        masked = masked_by_column if masking is None else masking is True
        yield Way(names(one), one.get("field") or None, step.get("type") != "INDIRECT", masked)
