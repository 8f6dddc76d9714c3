"""Projections: the log read into tables, incrementally, and thrown away and made again at will.

A rebuild fills the next generation of tables beside the served one (see ``generations``), resumes
after a crash, since its own progress row says how far it came, and swaps at the end. Reading appends
nothing to the log.

Rows that another program version read, or that are of another log (one restored from a backup), are
never served: they are made again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, insert, select, text
from sqlalchemy.engine import Connection, Row

from compliance.canonical import sha256_hex
from compliance.errors import NotFound, StoreUnavailable
from compliance.facts import Reader
from compliance.generations import FIRST, FORM, GenerationFiles, Generations, after
from compliance.log import EvidenceLog
from compliance.projecting import ANY_FACT, Batch
from compliance.tables import Progress

BATCH = 500
"""Entries read in one transaction."""


class Projections:
    """The served generation of tables, kept up with the log on demand. Safe to share between threads."""

    def __init__(
        self,
        home: Path,
        log: EvidenceLog,
        readers: Sequence[Reader],
        *,
        program: str,
        generations: Generations | None = None,
    ) -> None:
        """The generations are files below ``home`` unless others are given."""
        self._generations = generations or GenerationFiles(home / "projections")
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
            return self._advance(self._serve(), self._generation)

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
            self._generations.close()

    # --- which generation is served ------------------------------------------------------------

    def _serve(self) -> Engine:
        """The engine of the generation that ``current`` names, which holds every entry at its first use."""
        named = self._generations.named()
        if self._engine is not None and named == self._generation:
            return self._engine
        self._let_go()
        if not named:
            named = FIRST
            self._generations.open(named).dispose()
            self._generations.serve(named)
        self._engine, self._generation = self._generations.open(named), named
        if not self._is_ours(self._engine, named):
            self._made_again()
        self._advance(self._engine, self._generation)
        return self._engine

    def _let_go(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._generation = None, ""

    def _made_again(self) -> int:
        """Fill the generation after the named one, going on where a crash left it, and serve it."""
        fresh = after(self._generations.named())
        engine = self._open_or_replace(fresh)
        size = self._advance(engine, fresh)
        self._generations.serve(fresh)
        self._let_go()
        self._engine, self._generation = engine, fresh
        self._generations.sweep(keep=fresh)
        return size

    def _open_or_replace(self, generation: str) -> Engine:
        """What a rebuild left unfinished, if it can be gone on with."""
        try:
            engine = self._generations.open(generation)
            if self._is_ours(engine, generation):
                return engine
            engine.dispose()
        except StoreUnavailable:
            pass
        self._generations.remove(generation)
        return self._generations.open(generation)

    def _is_ours(self, engine: Engine, generation: str) -> bool:
        """Whether this program read the rows, from this log, into tables of this form."""
        with engine.connect() as connection:
            if self._generations.form(connection, generation) != FORM:
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

    # --- reading the log -----------------------------------------------------------------------

    def _advance(self, engine: Engine, generation: str) -> int:
        size = self._log.size
        with engine.connect() as connection:
            if (held := _size(_progress(connection))) >= size:
                return held
        while True:
            with engine.begin() as connection:
                # The lock is taken before the progress is read: another process may be reading on.
                self._generations.lock(connection, generation)
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
