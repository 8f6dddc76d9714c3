"""The head of the log on the embedded default: one SQLite database, ``log/head.db``.

A transaction that has committed is durable (WAL, ``synchronous=FULL``). See ``headport`` for what
the head holds.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from compliance.errors import StoreExists, StoreMissing, StoreTampered, StoreUnavailable
from compliance.headport import EMPTY, HeadState, checked_state, checked_tip, in_bundles
from compliance.tiles import Tip

NAMED = "log/head.db"
"""What it is called in a message."""
BUSY_SECONDS = 5.0
"""How long a statement waits for a database that another program has locked."""

_SCHEMA = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
    published INTEGER NOT NULL, published_root BLOB NOT NULL, received_at INTEGER NOT NULL,
    base INTEGER NOT NULL
);
CREATE TABLE edge (level INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE pending (first INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE known (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_READ = "SELECT size, root, published, published_root, received_at, base FROM head"
_FIRST = "INSERT INTO head (id, size, root, published, published_root, received_at, base) VALUES (1, ?, ?, ?, ?, ?, ?)"
_REASONS = {
    "SQLITE_BUSY": "another program has locked the database; end it, then try again",
    "SQLITE_FULL": "the disk is full; free some space, then try again",
    "SQLITE_READONLY": "the database is read-only for this user; run as the user that owns the store",
    "SQLITE_IOERR": "the disk reports an input/output error; check the disk and its free space",
    "SQLITE_CANTOPEN": "the database cannot be opened; run as the user that owns the store",
}
"""What stands in the way of the database, by SQLite's name for it. Everything else means damage."""


@contextmanager
def refusing_database(doing: str) -> Iterator[None]:
    """Turn errors of SQLite into StoreUnavailable, or StoreTampered where the file is no database."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        reason = _REASONS.get(_code(error))
        if reason is not None:
            raise StoreUnavailable(f"{doing} failed: {reason}.") from error
        message = f"{doing} failed: log/head.db is damaged ({error}). Restore the store from one backup."
        raise StoreTampered(message, field="head.db") from error


def _code(error: sqlite3.DatabaseError) -> str:
    # Extended codes such as SQLITE_BUSY_SNAPSHOT and SQLITE_READONLY_DBMOVED begin with the plain one.
    return "_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2])


def connect(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    """Open the database file; ``mode`` is SQLite's: ``ro``, ``rw`` or ``rwc``."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def read_state(connection: sqlite3.Connection) -> HeadState:
    """The head row. Raises StoreTampered where there is none."""
    return checked_state(connection.execute(_READ).fetchone(), NAMED)


def read_tip(connection: sqlite3.Connection, state: HeadState) -> tuple[Tip, list[bytes]]:
    """The tip at ``base`` and the entries that follow it. Raises StoreTampered where they cannot be."""
    edge = connection.execute("SELECT level, CAST(hashes AS BLOB) FROM edge ORDER BY level").fetchall()
    ask = "SELECT CAST(entries AS BLOB) FROM pending WHERE first >= ? ORDER BY first"
    pending = [entries for (entries,) in connection.execute(ask, (state.base,))]
    return checked_tip(state, edge, pending, NAMED)


def copied_head(path: Path) -> tuple[HeadState, Tip, list[bytes]]:
    """Head row, tip at ``base`` and entries after it, read without writing anything beside the database.

    Raises StoreTampered or StoreUnavailable. Without a write-ahead log the file alone is read;
    otherwise the live database, and where that needs a right to write, a temporary copy.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not wal.exists() or wal.stat().st_size == 0:
        return _read_head(f"{path.absolute().as_uri()}?mode=ro&immutable=1")
    try:
        return _read_head(f"{path.absolute().as_uri()}?mode=ro")
    except StoreUnavailable:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(path, folder))
            shutil.copy(wal, folder)
            return _read_head(f"{copy.as_uri()}?mode=rw")


def _read_head(uri: str) -> tuple[HeadState, Tip, list[bytes]]:
    with (
        refusing_database("Reading the log head"),
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection,
    ):
        connection.execute("BEGIN")
        state = read_state(connection)
        return state, *read_tip(connection, state)


class HeadFile:
    """The place of a head on the embedded default (``headport.HeadPlace``)."""

    named = NAMED

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        """Make the head of an empty log."""
        if self._path.exists():
            raise StoreExists(f"There is a log head at {self._path} already.")
        Head.create(self._path).close()

    def open(self) -> Head:
        """Open it. Raises StoreMissing, StoreUnavailable, StoreTampered."""
        return Head(self._path)

    def read(self) -> tuple[HeadState, Tip, list[bytes]]:
        """What it holds, of one moment, without writing anything beside the database."""
        if not self._path.is_file():
            raise StoreMissing(f"{NAMED} is missing")
        return copied_head(self._path)


class Head:
    """An open head. One thread at a time writes, under the append lock; any thread may ask what is known."""

    named = NAMED

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StoreMissing(
                f"There is no log head at {path}; restore it, or make a store with muniment init."
            )
        with refusing_database("Opening the log head"):
            self._writer = connect(path)
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=FULL")
            self._asker = connect(path)
        self._asking = threading.Lock()

    @classmethod
    def create(cls, path: Path) -> Head:
        """Make the head of an empty log."""
        with refusing_database("Creating the log head"), closing(connect(path, mode="rwc")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(f"BEGIN;{_SCHEMA}")
            connection.execute(_FIRST, EMPTY.values)
            connection.execute("COMMIT")
        return cls(path)

    def close(self) -> None:
        """Close the database. Nothing may be under way."""
        with self._asking:
            self._asker.close()
        self._writer.close()

    def held(self) -> AbstractContextManager[None]:
        """Nothing more: the append lock of the log's folder is beside the database."""
        return nullcontext()

    def confirm_held(self) -> None:
        """Nothing: a lock on an open file stays."""

    def state(self) -> HeadState:
        """The head row, read by the writer."""
        with refusing_database("Reading the log head"):
            return read_state(self._writer)

    def tip(self, state: HeadState) -> tuple[Tip, list[bytes]]:
        """The tip at ``base`` and the entries that follow it."""
        with refusing_database("Reading the log head"):
            return read_tip(self._writer, state)

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests were recorded, asked outside of any transaction."""
        with self._asking, refusing_database("Asking the log head"):
            return all_known(self._asker, digests)

    def mark_published(self, state: HeadState) -> None:
        """Record that the publication of this state is complete, which an append does only afterwards."""
        if state.published != state.size:
            with refusing_database("Closing the log head"):
                mark = "UPDATE head SET published = size, published_root = root WHERE size = ?"
                self._writer.execute(mark, (state.size,))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One writing transaction: durable if the block ends, and nothing of it applied if it raises."""
        with refusing_database("Appending to the log head"):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(self._writer)
                yield transaction
                self._writer.execute("COMMIT" if transaction.advanced else "ROLLBACK")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise


class Transaction:
    """What can be asked and written while the head is locked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.advanced = False

    def foresee(self, digests: Sequence[bytes]) -> None:
        """Nothing: the database is near."""

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests were recorded."""
        return all_known(self._connection, digests)

    def advance(self, old: HeadState, new: HeadState, leaves: Sequence[bytes]) -> bool:
        """Compare-and-swap the head, adding the entries; False, and nothing done, if it is not at ``old``."""
        execute = self._connection.execute
        values = (*new.values, old.size, old.root)
        changed = execute(
            "UPDATE head SET size = ?, root = ?, published = ?, published_root = ?, received_at = ?, base = ?"
            " WHERE size = ? AND root = ?",
            values,
        )
        if changed.rowcount != 1:
            return False
        if new.base != old.base:
            execute("DELETE FROM pending WHERE first < ?", (new.base,))
        for part in in_bundles(old.size, leaves):
            execute("INSERT INTO pending (first, entries) VALUES (?, ?)", part)
        self.advanced = True
        return True

    def set_edge(self, rows: Sequence[Sequence[bytes]]) -> None:
        """Record the rows of the edge above the lowest, as of ``base``."""
        values = [(level, b"".join(row)) for level, row in enumerate(rows, start=1)]
        self._connection.executemany("INSERT OR REPLACE INTO edge (level, hashes) VALUES (?, ?)", values)

    def add_known(self, digests: Iterable[bytes]) -> None:
        """Record digests of items that this transaction appends."""
        values = ((digest,) for digest in digests)
        self._connection.executemany("INSERT OR IGNORE INTO known (digest) VALUES (?)", values)


def all_known(connection: sqlite3.Connection, digests: Sequence[bytes]) -> bool:
    """Whether all digests are in the index of known items; there must be at least one."""
    ask = "SELECT 1 FROM known WHERE digest = ?"
    return bool(digests) and all(connection.execute(ask, (digest,)).fetchone() for digest in digests)
