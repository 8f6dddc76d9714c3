"""Tables written by deltalake and pyiceberg: a logical deletion is one thing, a physical purge another."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

from collectors.delta.collect import delta_collector
from collectors.delta.read import READER as DELTA
from collectors.iceberg.collect import iceberg_collector
from collectors.iceberg.read import READER as ICEBERG
from collectors.lake.collect import Dataset, files_at
from compliance.errors import InputRefused
from compliance.facts import Reader, Reading, Received
from tests.collecting import Clock, Ran, facts_of, read, run

PEOPLE = pa.table({"id": ["anna", "ben"], "v": [1, 2]})
MORE = pa.table({"id": ["carl"], "v": [3]})


def delta(path: Path) -> Ran:
    return run(delta_collector(files=files_at(path, None), dataset=Dataset("lake", "people"), clock=Clock()))


def readings(reader: Reader, ran: Ran) -> list[Reading]:
    assert ran.coverages[0].complete
    return read(reader, reader.kinds[0], ran.responses)


def versions(found: list[Reading]) -> list[str]:
    (record,) = [r for r in found if isinstance(r, Received)]
    return list(record.value["versions"])


@pytest.fixture
def deleted_from(tmp_path: Path) -> Path:
    """A Delta table from whose first file somebody was deleted."""
    path = tmp_path / "people"
    write_deltalake(str(path), PEOPLE)
    write_deltalake(str(path), MORE, mode="append")
    DeltaTable(str(path)).delete("id = 'anna'")
    return path


def test_a_deletion_in_delta_leaves_the_rows_readable(deleted_from: Path) -> None:
    """Until a vacuum the file with the deleted row is there, and time travel serves it."""
    found = readings(DELTA, delta(deleted_from))
    deletion = facts_of(found, "table_deletion")["lake/people@2"].value
    assert (deletion["operation"], deletion["files_left"], deletion["purged"]) == ("DELETE", 1, False)
    assert versions(found) == ["0", "1", "2"]
    table = facts_of(found, "lake_table")["lake/people"].value
    assert (table["unpurged_deletes"], table["fields"], table["last_vacuum_at"]) == (1, ["id", "v"], None)


def test_a_vacuum_purges(deleted_from: Path) -> None:
    """After it the rows are gone, and the versions that had them can no longer be read."""
    DeltaTable(str(deleted_from)).vacuum(0, enforce_retention_duration=False, dry_run=False)
    found = readings(DELTA, delta(deleted_from))
    assert facts_of(found, "table_deletion")["lake/people@2"].value["purged"] is True
    assert {"0", "1"} & set(versions(found)) == set()
    table = facts_of(found, "lake_table")["lake/people"].value
    assert table["unpurged_deletes"] == 0
    assert table["last_vacuum_at"] is not None


def test_predicates_are_not_kept(deleted_from: Path) -> None:
    """The log of the table holds the raw key in a predicate; the evidence does not."""
    log = b"".join(path.read_bytes() for path in (deleted_from / "_delta_log").glob("*.json"))
    assert b"anna" in log
    assert "anna" not in repr(delta(deleted_from))


def test_a_deletion_in_iceberg_leaves_the_rows_readable(tmp_path: Path) -> None:
    """Until its snapshots expire, the rows that were deleted can be read from the one before."""
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    catalog.create_namespace("ns")
    table = catalog.create_table("ns.people", schema=PEOPLE.schema)
    table.append(PEOPLE)
    table.append(MORE)
    table.delete("id = 'anna'")
    catalog.close()
    (metadata,) = (path for path in (tmp_path / "w").rglob("metadata") if path.is_dir())
    files = files_at(metadata.parent, None)
    ran = run(iceberg_collector(files=files, dataset=Dataset("lake", "people"), clock=Clock()))
    found = readings(ICEBERG, ran)
    assert len(versions(found)) == 3
    (deletion,) = facts_of(found, "table_deletion").values()
    assert (deletion.value["files_left"], deletion.value["purged"]) == (1, False)
    assert "anna" not in repr(ran)


def test_a_folder_without_a_table_is_not_empty(tmp_path: Path) -> None:
    """What is no table is said to be none, whichever format was expected."""
    for made in (delta_collector, iceberg_collector):
        (coverage,) = run(
            made(files=files_at(tmp_path, None), dataset=Dataset("lake", "x"), clock=Clock())
        ).coverages
        assert not coverage.complete
        assert "there is no" in coverage.detail


@pytest.mark.parametrize(("path", "uri"), [(None, None), (Path("a"), "s3://b/c"), (None, "ftp://h/x")])
def test_a_place_is_given_once(path: Path | None, uri: str | None) -> None:
    """A table lies at a path or a uri, and the uri is of a folder or a bucket."""
    with pytest.raises(InputRefused):
        files_at(path, uri)
