"""Reads tables back as facts: the table, its versions, its deletions, and what time travel serves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from collectors.fields import UNREADABLE, Fields, fragment
from collectors.items import SeenItem, items_of
from collectors.lake.history import Table, Version
from collectors.lake.schemas import DELETION, TABLE, VERSION
from compliance.canonical import Json, strict_json
from compliance.facts import Defect, FactSchema, Opened, Reading, Received, Unseen


@dataclass
class LakeReader:
    """Reads the entries of one table format. An item is one listing of a table."""

    kinds: tuple[str, ...]
    schemas: tuple[FactSchema, ...] = (DELETION, TABLE, VERSION)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for the table, each version and each deletion, and a record of what is still readable."""
        for seen in items_of(opened):
            try:
                table = Table.from_json(strict_json(seen.body, what="table"))
                yield from _table(opened.entry.source, seen, table)
            except UNREADABLE as error:
                yield Defect(seen.evidence, f"unreadable: {seen.item.scope}: {error}")


def _table(source: str, seen: SeenItem, table: Table) -> Iterator[Reading]:
    namespace, name = str(seen.item.request["namespace"]), str(seen.item.request["dataset"])
    base: Fields = {
        "namespace": partial(str, namespace),
        "name": partial(str, name),
        "format": partial(str, table.format),
    }
    dataset = f"{namespace}/{name}"
    yield fragment(seen, "lake_table", dataset, "table", {**base, **_whole(dataset, table)})
    for version in table.versions:
        resource = f"{dataset}@{version.version}"
        yield fragment(
            seen, "table_version", resource, "version", {**base, **_version(version, table.current)}
        )
        if version.takes_rows_away:
            yield fragment(seen, "table_deletion", resource, "deletion", {**base, **_deletion(version)})
    readable: list[Json] = [version.version for version in table.versions if not version.missing]
    record = {"namespace": namespace, "name": name, "versions": readable}
    yield Received("table_versions", source, record, seen.instant, seen.evidence)


def _whole(dataset: str, table: Table) -> Fields:
    readable = [one for one in table.versions if not one.missing]
    deletes = [one for one in table.versions if one.takes_rows_away]
    unpurged = [one for one in deletes if _purged(one) is not True]
    return {
        "dataset": lambda: dataset,
        "current_version": lambda: table.current,
        "fields": lambda: sorted(table.fields),
        "append_only": lambda: table.append_only,
        "versions": lambda: len(table.versions),
        "readable_versions": lambda: len(readable),
        "oldest_snapshot_at": lambda: min((one.written_at for one in readable), default=None),
        "last_written": lambda: next(
            one.written_at for one in table.versions if one.version == table.current
        ),
        "deletes": lambda: len(deletes),
        "unpurged_deletes": lambda: len(unpurged),
        "oldest_unpurged": lambda: min((one.written_at for one in unpurged), default=None),
        "last_vacuum_at": lambda: table.last_vacuum_at,
        "time_travel_days": lambda: table.time_travel_days,
    }


def _version(version: Version, current: str) -> Fields:
    return {
        "version": lambda: version.version,
        "written_at": lambda: version.written_at,
        "operation": lambda: version.operation,
        "current": lambda: version.version == current,
        "takes_rows_away": lambda: version.takes_rows_away,
        "files_added": lambda: version.added,
        "files_removed": lambda: len(version.removed),
        "readable": lambda: not version.missing,
    }


def _deletion(version: Version) -> Fields:
    return {
        "version": lambda: version.version,
        "deleted_at": lambda: version.written_at,
        "operation": lambda: version.operation,
        "files_removed": lambda: len(version.removed),
        "files_left": lambda: len(version.left),
        "purged": lambda: _purged(version),
    }


def _purged(version: Version) -> bool | Unseen:
    if version.left or version.masking:
        return False
    if version.masked_unknown:
        return Unseen("incomplete", "which files held the rows stood in delete files that are gone")
    return True
