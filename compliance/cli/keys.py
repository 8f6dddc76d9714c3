"""Where the keys of a membership manifest are read from: Parquet, CSV, a SQL table, a Delta or an Iceberg table.

Every reader streams; a key is handed on as text and kept nowhere.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import Column, MetaData, Table, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from compliance.errors import InputRefused

BATCH = 65_536


@dataclass(frozen=True)
class Place:
    """What holds the keys: a file, folder or database URL; with the table's name, and a version to read."""

    name: str
    column: str
    table: str | None = None
    version: str | None = None


def keys_of(place: Place) -> Iterator[str]:
    """Every key, in the order of the data. Raises InputRefused naming the row of what is no key."""
    reader, what = _reader(place)
    try:
        for number, value in enumerate(reader(place), start=1):
            yield _key(value, f"{what}: row {number}", place.column)
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{what} cannot be read: {error}.", field="FILE") from error
    except SQLAlchemyError as error:
        # Its text would quote the URL, which may bear a password.
        raise InputRefused(f"The database cannot be read ({type(error).__name__}).", field="FILE") from error


def _reader(place: Place) -> tuple[Callable[[Place], Iterable[object]], str]:
    """The reader for a place, and how it is called in messages: a URL may bear a password and is not repeated."""
    if "://" in place.name and not place.name.startswith(("s3://", "file://")):
        return _sql, f"The table {place.table}"
    path = Path(place.name)
    if path.name.endswith(".metadata.json"):
        return _iceberg, place.name
    if (path / "_delta_log").is_dir() or place.name.startswith("s3://"):
        return _delta, place.name
    if place.version is not None:
        message = f"{place.name} is no Delta or Iceberg table; only those have versions to read."
        raise InputRefused(message, field="--read-version")
    return (_parquet if path.suffix.lower() in {".parquet", ".pq"} else _csv), place.name


def _key(value: object, where: str, column: str) -> str:
    """A key as its text. A number with a fraction is none: 42.0 would not be the customer 42."""
    if isinstance(value, bytes):
        value = value.decode()
    if value is None or value == "":
        raise InputRefused(f"{where} has no key in {column!r}.", field=column)
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"{where} has a {type(value).__name__} in {column!r}; keys are text or whole numbers."
        raise InputRefused(message, field=column)
    return str(value)


def _require(place: Place, columns: Iterable[str]) -> None:
    found = list(columns)
    if place.column not in found:
        message = f"{place.table or place.name} has no column {place.column!r}; it has {', '.join(found)}."
        raise InputRefused(message, field="--key-column")


def _batches(place: Place, batches: Iterable[pa.RecordBatch]) -> Iterator[object]:
    for batch in batches:
        yield from batch.column(place.column).to_pylist()


def _parquet(place: Place) -> Iterator[object]:
    with parquet.ParquetFile(place.name) as table:
        _require(place, table.schema_arrow.names)
        yield from _batches(place, table.iter_batches(batch_size=BATCH, columns=[place.column]))


def _csv(place: Place) -> Iterator[object]:
    with Path(place.name).open(newline="", encoding="utf-8-sig") as lines:
        table = csv.DictReader(lines)
        _require(place, table.fieldnames or ())
        for row in table:
            yield row[place.column]


def _sql(place: Place) -> Iterator[object]:
    if place.table is None:
        raise InputRefused("A database needs the name of a table: give --table.", field="--table")
    schema, _, name = place.table.rpartition(".")
    with ExitStack() as held:
        engine = create_engine(place.name, hide_parameters=True)
        held.callback(engine.dispose)
        connection = held.enter_context(
            engine.connect().execution_options(stream_results=True, yield_per=BATCH)
        )
        table = Table(name, MetaData(), schema=schema or None, autoload_with=connection)
        _require(place, [column.name for column in table.columns])
        column: Column[object] = table.columns[place.column]
        yield from connection.execute(select(column)).scalars()


def _delta(place: Place) -> Iterator[object]:
    deltalake = _installed("deltalake")
    try:
        table = deltalake.DeltaTable(
            place.name, version=None if place.version is None else int(place.version)
        )
    except (deltalake.exceptions.DeltaError, ValueError) as error:
        raise InputRefused(f"{place.name} cannot be read as a Delta table: {error}.", field="FILE") from error
    dataset = table.to_pyarrow_dataset()
    _require(place, dataset.schema.names)
    yield from _batches(place, dataset.to_batches(columns=[place.column], batch_size=BATCH))


def _iceberg(place: Place) -> Iterator[object]:
    tables = _installed("pyiceberg.table")
    try:
        table = tables.StaticTable.from_metadata(place.name)
        _require(place, [field.name for field in table.schema().fields])
        snapshot = None if place.version is None else int(place.version)
        scan = table.scan(selected_fields=(place.column,), snapshot_id=snapshot)
        yield from _batches(place, scan.to_arrow_batch_reader())
    except ValueError as error:
        raise InputRefused(
            f"{place.name} cannot be read as an Iceberg table: {error}.", field="FILE"
        ) from error


def _installed(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        message = f"Reading this needs the package {error.name}: install muniment[tables]."
        raise InputRefused(message, field="FILE") from error
