"""One batch of entries read into the rows of the projections.

What a reader cannot read is a row of its own: nothing that an entry might have said is silently missing,
and no entry keeps those after it from being read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection

from compliance import membership
from compliance.bounds import Bound
from compliance.bulk import put
from compliance.canonical import content_bytes, evidence_ranges, micros, sha256_hex
from compliance.errors import MunimentError, StoreTampered, StoreUnavailable
from compliance.evidence import Entry
from compliance.facts import Defect, Fragment, Listing, Members, Opened, Reader, Reading, Received
from compliance.forgetting import forget, without_base
from compliance.log import EvidenceLog
from compliance.membership import Stated
from compliance.tables import (
    DefectRow,
    DifferenceRow,
    EntryRow,
    FragmentRow,
    ListingRow,
    ReceivedRow,
    UnreadableRow,
)

ANY_FACT = "*"
"""The fact type of a listing that speaks of its whole source: a run that failed before any scope."""
UNREAD = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What a reader raises where content is not of the form it knows."""
LARGEST = 2**63 - 1


class _Rows:
    """Rows of one or many entries, gathered before they are written."""

    def __init__(self) -> None:
        self.by_table: dict[type, list[dict[str, object]]] = {}
        self.manifests: list[tuple[Entry, Stated]] = []

    def add(self, table: type, **row: object) -> None:
        self.by_table.setdefault(table, []).append(row)

    def extend(self, other: _Rows) -> None:
        for table, rows in other.by_table.items():
            self.by_table.setdefault(table, []).extend(rows)
        self.manifests += other.manifests

    # --- what an entry says --------------------------------------------------------------------

    def unreadable(self, index: int, entry: Entry, why: str) -> None:
        self.add(
            UnreadableRow, log_index=index, kind=entry.kind, source=entry.source,
            instant=micros(entry.instant), why=_storable(why),
        )  # fmt: skip
        self.add(DefectRow, log_index=index, evidence=str(index), what=_storable(f"unreadable: {why}"))

    def entry(self, index: int, entry: Entry) -> None:
        payload = entry.payload
        self.add(
            EntryRow, log_index=index, kind=entry.kind, source=entry.source,
            instant=micros(entry.instant), received_at=micros(entry.received_at),
            media_type=payload and _storable(payload.media_type), sha256=payload and payload.sha256,
            size=payload and payload.size, sealed=payload is not None and payload.sealed is not None,
            sealed_by=payload and payload.sealed,
        )  # fmt: skip

    def take(self, index: int, entry: Entry, reading: Reading) -> None:
        match reading:
            case Fragment():
                self._fragment(index, entry.source, reading)
            case Listing():
                self._listing(index, reading)
            case Received():
                self._received(index, reading)
            case Members():
                self._held(index, entry, reading)
            case Defect(evidence=evidence, what=what):
                self.add(DefectRow, log_index=index, evidence=evidence, what=_storable(what))

    def _fragment(self, index: int, source: str, reading: Fragment) -> None:
        unseen = {path: [hidden.cause, hidden.why] for path, hidden in reading.unseen.items()}
        self.add(
            FragmentRow, fact=reading.fact, resource=_storable(reading.resource), source=source,
            scope=_storable(reading.scope), part=_storable(reading.part), instant=micros(reading.instant),
            log_index=index, evidence=reading.evidence, value=_text(reading.value), unseen=_text(unseen),
            dated=reading.dated,
        )  # fmt: skip

    def _listing(self, index: int, reading: Listing) -> None:
        for fact in reading.facts or (ANY_FACT,):
            self.add(
                ListingRow, fact=fact, source=reading.source, scope=_storable(reading.scope),
                instant=micros(reading.instant), log_index=index, complete=reading.complete,
                items=_text(evidence_ranges(reading.items)), detail=_storable(reading.detail),
                expected=_counted(reading.expected), got=_counted(reading.got),
            )  # fmt: skip

    def _received(self, index: int, reading: Received) -> None:
        self.add(
            ReceivedRow, kind=reading.kind, source=reading.source,
            digest=sha256_hex(content_bytes(reading.value)), instant=micros(reading.instant),
            log_index=index, evidence=reading.evidence, value=_text(reading.value),
        )  # fmt: skip

    def _held(self, index: int, entry: Entry, reading: Members) -> None:
        joined = [bytes.fromhex(pseudonym) for pseudonym in reading.pseudonyms]
        left = [bytes.fromhex(pseudonym) for pseudonym in reading.removed]
        base = None if reading.base is None else int(reading.base)
        self.manifests.append((entry, Stated(index, base, joined, left)))

    # --- writing -------------------------------------------------------------------------------

    def write(self, connection: Connection) -> None:
        for table, rows in self.by_table.items():
            put(connection, table, rows)
        bases = [
            {"log_index": stated.index, "base_index": stated.base}
            for _, stated in self.manifests if stated.base is not None
        ]  # fmt: skip
        put(connection, DifferenceRow, bases)
        for entry, stated in self.manifests:
            if not membership.add(connection, stated):
                _replace_baseless(connection, entry, stated)


class Batch:
    """The rows of a batch of entries."""

    def __init__(self, log: EvidenceLog, readers: Mapping[str, Reader]) -> None:
        self._log = log
        self._readers = readers
        self._rows = _Rows()
        self._bounds: list[Bound] = []

    def read(self, index: int, entry: Entry) -> None:
        """Everything that one entry says, or that it cannot be read. Raises what ails the log itself."""
        said = _Rows()
        try:
            for reading in self._readings(index, entry):
                said.take(index, entry, reading)
        except (StoreTampered, StoreUnavailable):
            raise
        except MunimentError as error:
            said = _Rows()
            said.unreadable(index, entry, error.message)
        except UNREAD as error:
            said = _Rows()
            # Its text may quote what is sealed.
            said.unreadable(index, entry, f"it is not of the form of {entry.kind} ({type(error).__name__})")
        said.entry(index, entry)
        self._rows.extend(said)
        bound = Bound.of(index, entry)
        if bound is not None:
            self._bounds.append(bound)

    def _readings(self, index: int, entry: Entry) -> Iterable[Reading]:
        reader = self._readers.get(entry.kind)
        return () if reader is None else reader.read(Opened(index, entry, self._log.body(entry, index)))

    def write(self, connection: Connection) -> None:
        """Put every row of the batch where it belongs, within the transaction of the connection."""
        self._rows.write(connection)
        for bound in self._bounds:
            forget(connection, bound, self._readers)


def _replace_baseless(connection: Connection, entry: Entry, stated: Stated) -> None:
    """A difference to a manifest that cannot be read says nothing of who is in it."""
    connection.execute(text("DELETE FROM received WHERE log_index = :index"), {"index": stated.index})
    rows = _Rows()
    rows.unreadable(stated.index, entry, without_base(stated.base or 0))
    rows.write(connection)


def _counted(number: int | None) -> int | None:
    if number is not None and abs(number) > LARGEST:
        raise ValueError("a count beyond 64 bits")
    return number


def _text(value: object) -> str:
    """JSON in ASCII: SQLite takes no lone surrogate, and a received document may hold one."""
    return json.dumps(value, separators=(",", ":"))


def _storable(value: str) -> str:
    """Text that both engines hold: no lone surrogate, and no NUL, which PostgreSQL refuses."""
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
