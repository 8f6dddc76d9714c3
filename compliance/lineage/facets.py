"""What one OpenLineage document says of runs, jobs and datasets, read defensively.

Pure. Published events often break the schema: whatever is of the wrong type is passed over, so a
malformed optional facet says nothing and harms nothing. Facet names and fields are those of the
OpenLineage specification (columnLineage 1-0-1 to 1-2-0, lineage 1-0-0, lifecycleStateChange,
symlinks, version, schema, tags) and of its Iceberg registry (scan and commit reports).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from compliance.canonical import Json
from compliance.lineage.records import DatasetName

SCAN_REPORTS = ("icebergScanReport", "iceberg_scan_report")
COMMIT_REPORTS = ("icebergCommitReport", "iceberg_commit_report", "iceberg_scan_report")
"""The published schema 1-0-0 of the commit report bears the scan report's key."""
_NOTHING: Mapping[str, Json] = {}


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a tags facet; ``field`` is the column that it is about, if it is about one."""

    key: str
    value: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnInput:
    """One source of a column. ``field`` None stands for all columns of the dataset.

    ``ways`` are the transformations that are not INDIRECT, each as what it says of masking (None:
    nothing); without any the source only influences.
    """

    dataset: DatasetName
    field: str | None
    ways: frozenset[bool | None]


@dataclass(frozen=True, slots=True)
class ColumnClaim:
    """What one event says of one column: its sources, and the old ``transformationType``."""

    inputs: frozenset[ColumnInput]
    transformation: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """An Iceberg commit report: the operation, and how many records it left and added."""

    operation: str | None
    total: int | float | None
    added: int | float | None


@dataclass(frozen=True, slots=True)
class Mention:
    """One dataset as one event mentions it, all names as written there."""

    dataset: DatasetName
    versions: frozenset[str] = frozenset()
    tags: tuple[Tag, ...] = ()
    schema: frozenset[str] = frozenset()
    symlinks: tuple[DatasetName, ...] = ()
    sources: frozenset[tuple[DatasetName, str | None]] = frozenset()
    """Datasets that its lineage facets name as a source, with the column where one is named."""
    columns: Mapping[str, ColumnClaim] | None = None
    lifecycle: str | None = None
    previous: DatasetName | None = None
    commit: Commit | None = None


# --- plain values ------------------------------------------------------------------------------


def mapping(value: Json) -> Mapping[str, Json]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict | Mapping) else _NOTHING


def listed(value: Json) -> Sequence[Json]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Json) -> str | None:
    """The value if it is a string with something in it."""
    return value if isinstance(value, str) and value else None


def dataset_name(value: Json) -> DatasetName | None:
    """The ``(namespace, name)`` of an object that has both as strings."""
    if not isinstance(value, Mapping):
        return None
    namespace, name = value.get("namespace"), value.get("name")
    return (namespace, name) if isinstance(namespace, str) and isinstance(name, str) else None


def number(value: Json) -> int | float | None:
    """The value if it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def version_text(value: Json) -> str | None:
    """A version as text: snapshot ids and Delta versions are often numbers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)
    except ValueError:  # beyond the digits that Python turns into text
        return None


# --- facets ------------------------------------------------------------------------------------


def tags(facets: Json) -> tuple[Tag, ...]:
    """The tags of a ``tags`` facet of a run, a job or a dataset."""
    found = (mapping(item) for item in listed(mapping(mapping(facets).get("tags")).get("tags")))
    return tuple(
        Tag(tag["key"], tag["value"], text(tag.get("field")))
        for tag in found
        if text(tag.get("key")) and text(tag.get("value"))
    )


def mention(value: Json) -> Mention | None:
    """A dataset of an event's ``inputs``, ``outputs`` or ``dataset``; None if it has no name."""
    name = dataset_name(value)
    if name is None:
        return None
    facets = mapping(value.get("facets"))
    reading = {**facets, **mapping(value.get("inputFacets"))}
    writing = {**facets, **mapping(value.get("outputFacets"))}
    change = mapping(facets.get("lifecycleStateChange"))
    return Mention(
        dataset=name, versions=frozenset(_versions(facets, reading, writing)), tags=tags(facets),
        schema=_schema(facets), symlinks=tuple(_symlinks(facets)), sources=frozenset(_sources(facets)),
        columns=_columns(facets), lifecycle=text(change.get("lifecycleStateChange")),
        previous=dataset_name(change.get("previousIdentifier")), commit=_commit(writing),
    )  # fmt: skip


def mentions(value: Json) -> tuple[Mention, ...]:
    """The datasets of a list, those without a name left out."""
    return tuple(found for found in map(mention, listed(value)) if found is not None)


def _versions(
    facets: Mapping[str, Json], reading: Mapping[str, Json], writing: Mapping[str, Json]
) -> Iterator[str]:
    reports = [mapping(reading.get(key)) for key in SCAN_REPORTS]
    reports += [mapping(writing.get(key)) for key in COMMIT_REPORTS]
    named = [mapping(facets.get("version")).get("datasetVersion")]
    for value in named + [report.get("snapshotId") for report in reports]:
        version = version_text(value)
        if version is not None:
            yield version


def _commit(writing: Mapping[str, Json]) -> Commit | None:
    for key in COMMIT_REPORTS:
        report = mapping(writing.get(key))
        if "operation" in report or "commitMetrics" in report:
            metrics = mapping(report.get("commitMetrics"))
            counts = number(metrics.get("totalRecords")), number(metrics.get("addedRecords"))
            return Commit(text(report.get("operation")), *counts)
    return None


def _schema(facets: Mapping[str, Json]) -> frozenset[str]:
    fields = listed(mapping(facets.get("schema")).get("fields"))
    names = (text(mapping(field).get("name")) for field in fields)
    return frozenset(name for name in names if name is not None)


def _symlinks(facets: Mapping[str, Json]) -> Iterator[DatasetName]:
    for item in listed(mapping(facets.get("symlinks")).get("identifiers")):
        name = dataset_name(item)
        if name is not None:
            yield name


# --- column lineage ----------------------------------------------------------------------------


def is_dataset(source: Json) -> bool:
    """Whether a source of a ``lineage`` facet is a dataset and no job."""
    return mapping(source).get("type") != "JOB"


def _sources(facets: Mapping[str, Json]) -> Iterator[tuple[DatasetName, str | None]]:
    column, lineage = mapping(facets.get("columnLineage")), mapping(facets.get("lineage"))
    fields = [mapping(field) for field in mapping(column.get("fields")).values()]
    lineage_fields = [mapping(field) for field in mapping(lineage.get("fields")).values()]
    for item in chain(
        listed(column.get("dataset")), chain.from_iterable(listed(f.get("inputFields")) for f in fields),
        listed(lineage.get("inputs")), chain.from_iterable(listed(f.get("inputs")) for f in lineage_fields),
    ):  # fmt: skip
        name = dataset_name(item) if is_dataset(item) else None
        if name is not None:
            yield name, text(item.get("field"))


def _columns(facets: Mapping[str, Json]) -> Mapping[str, ColumnClaim] | None:
    """What ``columnLineage`` and ``lineage`` say of columns; None if neither says anything.

    "The `fields` of a `lineage` facet have the effect of column lineage": a lineage facet whose
    ``fields`` are left out or empty states lineage of the dataset alone. A columnLineage facet with
    an empty ``fields`` object does state that no column was derived.
    """
    stated = mapping(facets.get("columnLineage")).get("fields")
    also = mapping(mapping(facets.get("lineage")).get("fields"))
    if not isinstance(stated, Mapping) and not also:
        return None
    claims: dict[str, ColumnClaim] = {}
    for column, field in mapping(stated).items():
        claims[column] = _claim(field, "inputFields")
    for column, field in also.items():
        claim = _claim(field, "inputs")
        former = claims.get(column, claim)
        claims[column] = ColumnClaim(former.inputs | claim.inputs, former.transformation)
    return claims


def _claim(field: Json, key: str) -> ColumnClaim:
    sources = filter(is_dataset, listed(mapping(field).get(key)))
    inputs = frozenset(found for found in map(_input, sources) if found is not None)
    return ColumnClaim(inputs, text(mapping(field).get("transformationType")))


def _input(source: Json) -> ColumnInput | None:
    name = dataset_name(source)
    if name is None:
        return None
    steps = [step for step in listed(source.get("transformations")) if isinstance(step, Mapping)]
    ways = frozenset(_masking(step) for step in steps if step.get("type") != "INDIRECT")
    # "by any transformation that is not INDIRECT": a source that states none was not filtered away.
    return ColumnInput(name, text(source.get("field")), ways if steps else frozenset({None}))


def _masking(step: Mapping[str, Json]) -> bool | None:
    value = step.get("masking")
    return value if isinstance(value, bool) else None
