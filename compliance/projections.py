"""Projections: the log read into tables, incrementally, and thrown away and made again at will.

Each generation of tables is a database file of its own under ``projections/``; the file ``current``
names the one that is served. A rebuild fills the next generation beside it, resumes after a crash
(its own progress row says how far it came) and swaps by replacing ``current`` at the end. Reading
appends nothing to the log.

Rows that another program version read, or that are of another log (one restored from a backup), are
never served: they are made again.
"""

from __future__ import annotations

import os
import re
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, insert, select, text
from sqlalchemy.engine import Connection, Row

from compliance.canonical import sha256_hex
from compliance.database import sqlite_engine
from compliance.errors import NotFound, StoreUnavailable
from compliance.facts import Reader
from compliance.log import EvidenceLog
from compliance.projecting import ANY_FACT, Batch
from compliance.tables import PROJECTIONS, Progress

BATCH = 500
"""Entries read in one transaction."""
REMEDY = "Run `muniment rebuild`, which makes it again from the log."
FORM = zlib.crc32(
    repr([(t.name, [(c.name, str(c.type)) for c in t.columns]) for t in PROJECTIONS.sorted_tables]).encode()
) & 0x7FFF_FFFF  # fmt: skip
"""Tells tables of this form from those that an earlier program made, within SQLite's ``user_version``."""
_GENERATION = re.compile(r"g(\d{1,9})")


class Projections:
    """The served generation of tables, kept up with the log on demand. Safe to share between threads."""

    def __init__(self, home: Path, log: EvidenceLog, readers: Sequence[Reader], *, program: str) -> None:
        self._folder = home / "projections"
        self._log = log
        self._readers = {kind: reader for reader in readers for kind in reader.kinds}
        self._program = program
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._generation = ""

    @property
    def generation(self) -> str:
        """The name of the generation that is served; caches of rows end with it."""
        return self._generation

    def catch_up(self) -> int:
        """Read the entries that came since, and return the log size that the tables then hold.

        Raises StoreTampered where the log or a payload does not verify: nothing is read past it.
        """
        with self._lock:
            return self._advance(self._serve())

    def connect(self) -> Connection:
        """A connection to the served generation, for reading; it holds all that ``catch_up`` last read."""
        with self._lock:
            return self._serve().connect()

    def rebuild(self) -> int:
        """Make every table again from the first entry and serve the new ones. Appends nothing."""
        with self._lock:
            return self._made_again()

    def close(self) -> None:
        """Let go of the served database file."""
        with self._lock:
            self._let_go()

    # --- which generation is served ------------------------------------------------------------

    def _serve(self) -> Engine:
        """The engine of the generation that ``current`` names, which holds every entry at its first use."""
        named = self._named()
        if self._engine is not None and named == self._generation:
            return self._engine
        self._let_go()
        if not named:
            named = "g1"
            self._open(named).dispose()
            self._point_to(named)
        self._engine, self._generation = self._open(named), named
        if not self._is_ours(self._engine):
            self._made_again()
        self._advance(self._engine)
        return self._engine

    def _let_go(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._generation = None, ""

    def _made_again(self) -> int:
        """Fill the generation after the named one, going on where a crash left it, and serve it."""
        fresh = f"g{int(self._named().removeprefix('g') or 0) + 1}"
        engine = self._open_or_replace(fresh)
        size = self._advance(engine)
        self._point_to(fresh)
        self._let_go()
        self._engine, self._generation = engine, fresh
        self._sweep(keep=fresh)
        return size

    def _open_or_replace(self, generation: str) -> Engine:
        """What a rebuild left unfinished, if it can be gone on with."""
        try:
            engine = self._open(generation)
            if self._is_ours(engine):
                return engine
            engine.dispose()
        except StoreUnavailable:
            pass
        self._remove(generation)
        return self._open(generation)

    def _is_ours(self, engine: Engine) -> bool:
        """Whether this program read the rows, from this log, into tables of this form."""
        with engine.connect() as connection:
            if connection.execute(text("PRAGMA user_version")).scalar() != FORM:
                return False
            read = _progress(connection)
        if read is None:
            return True
        return (read.program, read.last_leaf) == (self._program, self._leaf_digest(read.log_size))

    def _leaf_digest(self, size: int) -> str:
        """The digest of the last of so many entries; empty where the log does not have them."""
        try:
            return sha256_hex(self._log.leaf(size - 1)) if size else ""
        except NotFound:
            return ""

    # --- files ---------------------------------------------------------------------------------

    def _named(self) -> str:
        """The generation that ``current`` names; empty where it names none."""
        try:
            name = (self._folder / "current").read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StoreUnavailable(f"{self._folder / 'current'} cannot be read: {error.strerror}.") from error
        return name if _GENERATION.fullmatch(name) else ""

    def _open(self, generation: str) -> Engine:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} cannot be made: {error.strerror}.") from error
        engine = sqlite_engine(self._folder / f"{generation}.db", remedy=REMEDY)
        try:
            with engine.begin() as connection:
                # Of two processes that open a new generation at once, one makes its tables.
                connection.execute(text("BEGIN IMMEDIATE"))
                if not connection.execute(text("SELECT 1 FROM sqlite_master")).first():
                    PROJECTIONS.create_all(connection)
                    connection.execute(text(f"PRAGMA user_version = {FORM}"))
        except StoreUnavailable:
            engine.dispose()
            raise
        return engine

    def _point_to(self, generation: str) -> None:
        # Named by process: two that rebuild at once must not replace each other's half-written file.
        beside = self._folder / f"current.{os.getpid()}.new"
        try:
            with beside.open("w", encoding="ascii") as file:
                file.write(generation + "\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._folder / "current")
        except OSError as error:
            raise StoreUnavailable(f"{beside} cannot be written: {error.strerror}.") from error

    def _sweep(self, *, keep: str) -> None:
        """Remove generations that are no longer served; a process that still reads one keeps its file open."""
        for path in self._folder.glob("g*.db"):
            if path.stem != keep:
                self._remove(path.stem)

    def _remove(self, generation: str) -> None:
        for path in self._folder.glob(f"{generation}.db*"):
            path.unlink(missing_ok=True)

    # --- reading the log -----------------------------------------------------------------------

    def _advance(self, engine: Engine) -> int:
        size = self._log.size
        with engine.connect() as connection:
            if (held := _size(_progress(connection))) >= size:
                return held
        while True:
            with engine.begin() as connection:
                # SQLite's driver begins late and shared; the lock is taken before the progress is read.
                connection.execute(text("BEGIN IMMEDIATE"))
                start = _size(_progress(connection))
                stop = min(self._log.size, start + BATCH)
                if start >= stop:
                    return start
                self._project(connection, start, stop)

    def _project(self, connection: Connection, start: int, stop: int) -> None:
        batch = Batch(self._log, self._readers)
        for index, entry in self._log.entries(start, stop):
            batch.read(index, entry)
        batch.write(connection)
        connection.execute(text("DELETE FROM progress"))
        row = {"id": 1, "log_size": stop, "program": self._program, "last_leaf": self._leaf_digest(stop)}
        connection.execute(insert(Progress), [row])


def _progress(connection: Connection) -> Row[tuple[int, str, str]] | None:
    return connection.execute(
        select(Progress.log_size, Progress.program, Progress.last_leaf)  # type: ignore[call-overload]  # SQLModel columns
    ).first()


def _size(read: Row[tuple[int, str, str]] | None) -> int:
    return 0 if read is None else int(read.log_size)


__all__ = ["ANY_FACT", "Projections"]
