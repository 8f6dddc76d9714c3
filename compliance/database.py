"""SQLite files of the embedded default: how they are opened, and what is told when they cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from compliance.errors import StoreUnavailable

WAITS_SECONDS = 10
"""How long a connection waits for the file's one writer."""
MODE = 0o600


def sqlite_engine(path: Path, *, remedy: str = "Restore it from a backup.") -> Engine:
    """An engine on one SQLite file in WAL mode, made if it is not there; no other user may read it.

    What the database refuses, but for integrity, is raised as StoreUnavailable, which names the file.
    ``remedy`` says what to do where the file is no such database.
    """

    def connect() -> sqlite3.Connection:
        # Opened, not created: a file that was removed meanwhile must not come back empty.
        uri = f"{path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=WAITS_SECONDS, check_same_thread=False)

    _make(path)
    engine = create_engine(f"sqlite:///{path}", creator=connect)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def _tell(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
            raise StoreUnavailable(told(path, error, remedy)) from error

    return engine


def _make(path: Path) -> None:
    try:
        if not path.exists():
            path.touch(mode=MODE)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error.strerror}.") from error


def told(path: Path, error: sqlite3.Error, remedy: str) -> str:
    """What happened to a database file, and what to do."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{path} is locked by another process; nothing was applied. Try again."
        case sqlite3.SQLITE_FULL:
            return f"The disk of {path} is full; nothing was applied. Free space on it and try again."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_IOERR:
            return f"{path} cannot be opened or written: {error}. Check its folder, its rights and its disk."
        case _:
            return f"{path} cannot be used: {error}. {remedy}"
