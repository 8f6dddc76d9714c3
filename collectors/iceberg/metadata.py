"""The metadata of an Iceberg table (Iceberg specification, versions 1 and 2). Pure but for fetching its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.fields import UNREADABLE, members
from collectors.iceberg.avro import records
from collectors.lake.collect import Fetch
from collectors.lake.history import Table, Version, file_name, still_there
from compliance.canonical import Json, format_time, strict_json
from compliance.errors import InputRefused

METADATA = re.compile(r"^(?:.*/)?(?:v(\d+)|(\d+)-[^/]*)\.metadata\.json$")
DELETED, DATA = 2, 0
"""Status of a manifest entry; content of a data file, as against one of deletes."""
MILLISECONDS_OF_A_DAY = 86_400_000
ROWS_AWAY = frozenset({"delete", "overwrite"})


@dataclass
class Snapshot:
    """A snapshot with the names of its files."""

    number: str
    milliseconds: int
    operation: str
    data: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    masking: set[str] = field(default_factory=set)
    """Delete files that it added."""


def read_table(names: Sequence[str], fetch: Fetch) -> Table:
    """The table that the folder holds. Raises InputRefused where it has no metadata that can be read."""
    newest = max((name for name in names if METADATA.match(name)), key=_number, default=None)
    if newest is None:
        raise InputRefused(
            "there is no metadata file; expected metadata/NUMBER-….metadata.json or vNUMBER.metadata.json"
        )
    try:
        said = strict_json(fetch(newest), what="metadata")
        by_name = {file_name(name): name for name in names}
        snapshots = list(_snapshots(said, by_name, fetch))
        return _table(said, snapshots, set(by_name))
    except UNREADABLE as error:
        raise InputRefused(f"{newest} cannot be read: {error}") from error


def _number(name: str) -> int:
    match = METADATA.match(name)
    return int(match[1] or match[2]) if match else -1


def _snapshots(said: Mapping[str, Json], by_name: Mapping[str, str], fetch: Fetch) -> Iterator[Snapshot]:
    """Each snapshot of the metadata, the oldest first; each manifest is read once."""
    read: dict[str, list[dict[str, Json]]] = {}
    for one in sorted(members(said.get("snapshots")), key=lambda one: int(one["timestamp-ms"])):
        snapshot = Snapshot(
            str(one["snapshot-id"]),
            int(one["timestamp-ms"]),
            str((one.get("summary") or {}).get("operation", "unknown")),
        )
        for manifest in records(fetch(by_name[file_name(one["manifest-list"])])):
            path = file_name(manifest["manifest_path"])
            if path not in read:
                read[path] = list(records(fetch(by_name[path])))
            for entry in read[path]:
                _take(snapshot, entry, int(manifest.get("added_snapshot_id") or 0))
        yield snapshot


def _take(snapshot: Snapshot, entry: Mapping[str, Json], added_by: int) -> None:
    """An entry without a snapshot id has that of its manifest (Iceberg specification, "Inheritance")."""
    file = entry["data_file"]
    name, own = file_name(file["file_path"]), str(entry.get("snapshot_id") or added_by) == snapshot.number
    is_data = file.get("content", DATA) == DATA
    if entry["status"] == DELETED:
        if own and is_data:
            snapshot.removed.add(name)
        return
    (snapshot.data if is_data else snapshot.deletes).add(name)
    if own and entry["status"] == 1:
        snapshot.added.add(name)
        if not is_data:
            snapshot.masking.add(name)


def _table(said: Mapping[str, Json], snapshots: Sequence[Snapshot], present: set[str]) -> Table:
    current = str(said.get("current-snapshot-id"))
    in_force = next((one.deletes for one in snapshots if one.number == current), set())
    schemas = {one.get("schema-id"): one for one in members(said.get("schemas"))}
    schema = schemas.get(said.get("current-schema-id")) or said.get("schema") or {}
    age = (said.get("properties") or {}).get("history.expire.max-snapshot-age-ms")
    if not snapshots:
        raise InputRefused("the table has no snapshot yet")
    return Table(
        format="iceberg", current=current, fields=[str(one["name"]) for one in members(schema.get("fields"))],
        versions=[_version(one, present, in_force) for one in snapshots],
        time_travel_days=None if age is None else int(age) // MILLISECONDS_OF_A_DAY,
    )  # fmt: skip


def _version(one: Snapshot, present: set[str], in_force: set[str]) -> Version:
    """``replace`` (compaction) removes files without taking a row away."""
    away = one.operation in ROWS_AWAY and bool(one.removed or one.masking)
    return Version(
        version=one.number, written_at=format_time(datetime.fromtimestamp(one.milliseconds / 1000, UTC)),
        operation=one.operation, takes_rows_away=away, added=len(one.added), removed=sorted(one.removed),
        left=still_there(one.removed, present) if away else [], files=len(one.data | one.deletes),
        missing=len((one.data | one.deletes) - present), masking=bool(one.masking & in_force),
        masked_unknown=bool(one.masking - in_force),
    )  # fmt: skip
