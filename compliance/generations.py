"""Where generations of projection tables lie: files of the embedded default, or schemas in PostgreSQL.

A generation is served, or is being filled beside the served one. Which one is served is changed in
one step, so that every process sees the one or the other.
"""

from __future__ import annotations

import os
import re
import threading
import zlib
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection

from compliance.database import sqlite_engine
from compliance.errors import StoreUnavailable
from compliance.postgres import Postgres
from compliance.tables import PROJECTIONS

REMEDY = "Run `muniment rebuild`, which makes it again from the log."
FORM = zlib.crc32(
    repr([(t.name, [(c.name, str(c.type)) for c in t.columns]) for t in PROJECTIONS.sorted_tables]).encode()
) & 0x7FFF_FFFF  # fmt: skip
"""Tells tables of this form from those that an earlier program made, within SQLite's ``user_version``."""
FIRST = "g1"
_GENERATION = re.compile(r"g(\d{1,9})")
_SCHEMA = "muniment_{0}"
FILLING, SERVING = 0x4D55_4E49_0100_0000, 0x4D55_4E49_0003
"""Keys of PostgreSQL's advisory locks: for filling a generation (its number is added), for making and serving one."""


def after(generation: str) -> str:
    """The generation that follows one; the first one after none."""
    return f"g{number(generation) + 1}"


def number(generation: str) -> int:
    """Its number; 0 for none."""
    return int(generation.removeprefix("g") or 0)


class Generations(Protocol):
    """The generations of one store."""

    def named(self) -> str:
        """The generation that is served; empty where none is."""
        ...

    def open(self, generation: str) -> Engine:
        """An engine on a generation, whose tables are made if it is new. Raises StoreUnavailable."""
        ...

    def form(self, connection: Connection, generation: str) -> int | None:
        """Of which form (see ``FORM``) its tables are."""
        ...

    def lock(self, connection: Connection, generation: str) -> None:
        """Begin to write: until the transaction ends no other process writes to this generation."""
        ...

    def serve(self, generation: str) -> None:
        """Serve it from now on, durably and to every process."""
        ...

    def sweep(self, *, keep: str) -> None:
        """Remove generations that nobody is served any more."""
        ...

    def remove(self, generation: str) -> None:
        """Remove one that is not served."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class GenerationFiles:
    """Each generation is a database file; the file ``current`` names the served one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def named(self) -> str:
        """What ``current`` names."""
        try:
            name = (self._folder / "current").read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StoreUnavailable(f"{self._folder / 'current'} cannot be read: {error.strerror}.") from error
        return name if _GENERATION.fullmatch(name) else ""

    def open(self, generation: str) -> Engine:
        """An engine on its file."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} cannot be made: {error.strerror}.") from error
        engine = sqlite_engine(self._folder / f"{generation}.db", remedy=REMEDY)
        try:
            with engine.begin() as connection:
                # Of two processes that open a new generation at once, one makes its tables.
                self.lock(connection, generation)
                if not connection.execute(text("SELECT 1 FROM sqlite_master")).first():
                    PROJECTIONS.create_all(connection)
                    connection.execute(text(f"PRAGMA user_version = {FORM}"))
        except StoreUnavailable:
            engine.dispose()
            raise
        return engine

    def form(self, connection: Connection, generation: str) -> int | None:
        """The file's ``user_version``."""
        del generation
        found = connection.execute(text("PRAGMA user_version")).scalar()
        return None if found is None else int(found)

    def lock(self, connection: Connection, generation: str) -> None:
        """Begin at once: SQLite's driver begins late and shared."""
        del generation
        connection.execute(text("BEGIN IMMEDIATE"))

    def serve(self, generation: str) -> None:
        """Replace ``current``."""
        # Named by process: two that rebuild at once must not replace each other's half-written file.
        beside = self._folder / f"current.{os.getpid()}.{threading.get_ident()}.new"
        try:
            with beside.open("w", encoding="ascii") as file:
                file.write(generation + "\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._folder / "current")
        except OSError as error:
            raise StoreUnavailable(f"{beside} cannot be written: {error.strerror}.") from error

    def sweep(self, *, keep: str) -> None:
        """Remove all others; a process that still reads one keeps its file open."""
        for path in self._folder.glob("g*.db"):
            if path.stem != keep:
                self.remove(path.stem)

    def remove(self, generation: str) -> None:
        """Remove its files."""
        for path in self._folder.glob(f"{generation}.db*"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is open."""


class GenerationSchemas:
    """Each generation is a schema of its own in PostgreSQL; a table says which one is served."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self._engine = database.engine()

    def named(self) -> str:
        """What the table says."""
        with self._engine.connect() as connection:
            found = connection.execute(text("SELECT generation FROM projection_generation WHERE served"))
            return str(found.scalar() or "")

    def open(self, generation: str) -> Engine:
        """An engine whose statements mean its schema."""
        schema = _SCHEMA.format(generation)
        with self._engine.begin() as connection:
            _take(connection, SERVING)
            if self.form(connection, generation) is None:
                # What a removal that was cut short left has no row, and is nobody's.
                connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
                connection.execute(text(f"CREATE SCHEMA {schema}"))
                row = {"generation": generation, "form": FORM}
                connection.execute(
                    text("INSERT INTO projection_generation VALUES (:generation, :form, false)"), row
                )
                connection.execute(text(f"SET LOCAL search_path TO {schema}"))
                PROJECTIONS.create_all(connection)
        return self._database.engine(search_path=schema)

    def form(self, connection: Connection, generation: str) -> int | None:
        """What the table says, whatever schema the connection means."""
        del connection
        ask = text("SELECT form FROM projection_generation WHERE generation = :generation")
        with self._engine.connect() as own:
            found = own.execute(ask, {"generation": generation}).scalar()
        return None if found is None else int(found)

    def lock(self, connection: Connection, generation: str) -> None:
        """Take the generation's advisory lock."""
        _take(connection, FILLING + number(generation))

    def serve(self, generation: str) -> None:
        """Mark it, and no other, in one statement."""
        with self._engine.begin() as connection:
            _take(connection, SERVING)
            connection.execute(
                text("UPDATE projection_generation SET served = (generation = :generation)"),
                {"generation": generation},
            )

    def sweep(self, *, keep: str) -> None:
        """Remove those before the last: another process may be reading from that one for a moment yet."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT generation FROM projection_generation")).all()
        for (generation,) in rows:
            if number(generation) < number(keep) - 1:
                self.remove(generation)

    def remove(self, generation: str) -> None:
        """Drop its schema and forget it."""
        with self._engine.begin() as connection:
            _take(connection, SERVING)
            connection.execute(text(f"DROP SCHEMA IF EXISTS {_SCHEMA.format(generation)} CASCADE"))
            connection.execute(
                text("DELETE FROM projection_generation WHERE generation = :generation AND NOT served"),
                {"generation": generation},
            )

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _take(connection: Connection, key: int) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
