"""Projections: the log read into tables, incrementally, and thrown away and made again at will.

Each generation of tables is a database file of its own under ``projections/``; the file ``current``
names the one that is served. A rebuild fills the next generation beside it, resumes after a crash
(its own progress row says how far it came) and swaps by replacing ``current`` at the end. Reading
appends nothing to the log.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from compliance.canonical import content_bytes, evidence_ranges, micros, sha256_hex
from compliance.errors import ContentGone, InputRefused, StoreUnavailable
from compliance.evidence import Entry
from compliance.facts import Defect, Fragment, Listing, Members, Opened, Reader, Reading, Received
from compliance.log import EvidenceLog
from compliance.tables import (
    PROJECTIONS,
    DefectRow,
    EntryRow,
    FragmentRow,
    ListingRow,
    MemberRow,
    Progress,
    ReceivedRow,
)

BATCH = 500
"""Entries read in one transaction."""
ANY_FACT = "*"
"""The fact type of a listing that speaks of its whole source: a run that failed before any scope."""


def sqlite_engine(path: Path) -> Engine:
    """An engine on one SQLite file in WAL mode, waiting up to ten seconds for its writer."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _configure(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the DBAPI connection of sqlite3
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


class Projections:
    """The served generation of tables, kept up with the log on demand."""

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
            engine = self._serve()
            return self._advance(engine)

    def connect(self) -> Connection:
        """A connection to the served generation, for reading."""
        with self._lock:
            return self._serve().connect()

    def rebuild(self) -> int:
        """Make every table again from the first entry and serve the new ones. Appends nothing."""
        with self._lock:
            old = self._named()
            number = int(old.removeprefix("g")) + 1 if old else 1
            fresh = f"g{number}"
            engine = self._open(fresh)
            size = self._advance(engine)
            engine.dispose()
            self._point_to(fresh)
            self._serve()
            self._sweep(keep=fresh)
            return size

    def close(self) -> None:
        """Let go of the served database file."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine, self._generation = None, ""

    def _named(self) -> str:
        try:
            return (self._folder / "current").read_text().strip()
        except FileNotFoundError:
            return ""

    def _serve(self) -> Engine:
        named = self._named()
        if not named:
            named = "g1"
            self._open(named).dispose()
            self._point_to(named)
        if self._engine is None or named != self._generation:
            if self._engine is not None:
                self._engine.dispose()
            self._engine, self._generation = self._open(named), named
            if self._outdated(self._engine):
                self._replace_outdated()
        return self._engine

    def _outdated(self, engine: Engine) -> bool:
        with engine.connect() as connection:
            row = connection.execute(select(Progress.program)).first()  # type: ignore[call-overload]  # SQLModel column
        return row is not None and row[0] != self._program

    def _replace_outdated(self) -> None:
        """Another program version read these tables: its readers may differ, so read again."""
        fresh = f"g{int(self._generation.removeprefix('g')) + 1}"
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._generation = self._open(fresh), fresh
        self._advance(self._engine)
        self._point_to(fresh)
        self._sweep(keep=fresh)

    def _open(self, generation: str) -> Engine:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        engine = sqlite_engine(self._folder / f"{generation}.db")
        try:
            PROJECTIONS.create_all(engine)
        except OperationalError as error:
            raise _unavailable(error) from error
        return engine

    def _point_to(self, generation: str) -> None:
        beside = self._folder / "current.new"
        with beside.open("w") as file:
            file.write(generation + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._folder / "current")

    def _sweep(self, *, keep: str) -> None:
        """Remove generations that are no longer served; a process that still reads one keeps its file open."""
        for path in self._folder.glob("g*.db*"):
            if path.name.split(".", 1)[0] != keep:
                path.unlink(missing_ok=True)

    def _advance(self, engine: Engine) -> int:
        try:
            while True:
                with engine.begin() as connection:
                    _take_write_lock(connection)
                    start = _progress(connection)
                    stop = min(self._log.size, start + BATCH)
                    if start >= stop:
                        return start
                    self._project(connection, start, stop)
        except OperationalError as error:
            raise _unavailable(error) from error

    def _project(self, connection: Connection, start: int, stop: int) -> None:
        rows = _Rows()
        for index, entry in self._log.entries(start, stop):
            rows.entry(index, entry)
            for reading in self._read(index, entry):
                rows.take(index, entry.source, reading)
        rows.write(connection)
        connection.execute(text("DELETE FROM progress"))
        connection.execute(insert(Progress), [{"id": 1, "log_size": stop, "program": self._program}])

    def _read(self, index: int, entry: Entry) -> Iterator[Reading]:
        reader = self._readers.get(entry.kind)
        if reader is None:
            return
        try:
            body = self._log.body(entry)
        except ContentGone as error:
            yield Defect(str(index), f"unreadable: {error.message}")
            return
        try:
            yield from list(reader.read(Opened(index, entry, body)))
        except (InputRefused, KeyError, ValueError, TypeError) as error:
            yield Defect(str(index), f"unreadable: the entry of kind {entry.kind} cannot be read: {error}")


class _Rows:
    """The rows of one batch, gathered before they are written."""

    def __init__(self) -> None:
        self.by_table: dict[type, list[dict[str, object]]] = {}
        self.removed: list[tuple[int, str, tuple[str, ...]]] = []

    def add(self, table: type, **row: object) -> None:
        self.by_table.setdefault(table, []).append(row)

    def entry(self, index: int, entry: Entry) -> None:
        payload = entry.payload
        self.add(
            EntryRow, log_index=index, kind=entry.kind, source=entry.source,
            instant=micros(entry.instant), received_at=micros(entry.received_at),
            media_type=payload and payload.media_type, sha256=payload and payload.sha256,
            size=payload and payload.size, sealed=payload is not None and payload.sealed is not None,
        )  # fmt: skip

    def take(self, index: int, source: str, reading: Reading) -> None:
        match reading:
            case Fragment():
                self._fragment(index, source, reading)
            case Listing():
                self._listing(index, reading)
            case Received():
                self._received(index, reading)
            case Members():
                self._members(index, reading)
            case Defect(evidence=evidence, what=what):
                self.add(DefectRow, log_index=index, evidence=evidence, what=what)

    def _fragment(self, index: int, source: str, reading: Fragment) -> None:
        unseen = {path: [hidden.cause, hidden.why] for path, hidden in reading.unseen.items()}
        self.add(
            FragmentRow, fact=reading.fact, resource=reading.resource, source=source, scope=reading.scope,
            part=reading.part, instant=micros(reading.instant), log_index=index, evidence=reading.evidence,
            value=_text(reading.value), unseen=_text(unseen), dated=reading.dated,
        )  # fmt: skip

    def _listing(self, index: int, reading: Listing) -> None:
        for fact in reading.facts or (ANY_FACT,):
            self.add(
                ListingRow, fact=fact, source=reading.source, scope=reading.scope,
                instant=micros(reading.instant), log_index=index, complete=reading.complete,
                items=_text(evidence_ranges(reading.items)), detail=reading.detail,
                expected=reading.expected, got=reading.got,
            )  # fmt: skip

    def _received(self, index: int, reading: Received) -> None:
        self.add(
            ReceivedRow, kind=reading.kind, source=reading.source,
            digest=sha256_hex(content_bytes(reading.value)), instant=micros(reading.instant),
            log_index=index, evidence=reading.evidence, value=_text(reading.value),
        )  # fmt: skip

    def _members(self, index: int, reading: Members) -> None:
        for pseudonym in reading.pseudonyms:
            self.add(MemberRow, pseudonym=bytes.fromhex(pseudonym), log_index=index)
        if reading.base is not None:
            self.removed.append((index, reading.base, reading.removed))

    def write(self, connection: Connection) -> None:
        for table, rows in self.by_table.items():
            connection.execute(insert(table), rows)
        for index, base, removed in self.removed:
            _extend_from_base(connection, index, int(base), removed)


def _extend_from_base(connection: Connection, index: int, base: int, removed: Iterable[str]) -> None:
    """A manifest kept as a difference holds what its base holds, less what was removed."""
    connection.execute(
        text("INSERT OR IGNORE INTO member SELECT pseudonym, :index FROM member WHERE log_index = :base"),
        {"index": index, "base": base},
    )
    gone = [{"index": index, "pseudonym": bytes.fromhex(item)} for item in removed]
    if gone:
        connection.execute(
            text("DELETE FROM member WHERE log_index = :index AND pseudonym = :pseudonym"), gone
        )


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _progress(connection: Connection) -> int:
    row = connection.execute(text("SELECT log_size FROM progress")).first()
    return 0 if row is None else int(row[0])


def _take_write_lock(connection: Connection) -> None:
    """SQLite's driver begins late and shared; the lock is taken before the progress is read."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))


def _unavailable(error: OperationalError) -> StoreUnavailable:
    return StoreUnavailable(
        f"The projections cannot be read or written: {error.orig}. Try again, or run rebuild."
    )
