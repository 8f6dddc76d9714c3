"""The head of the log in PostgreSQL: for any number of processes on any number of machines.

Two locks, both advisory. The session lock is held from taking the log up to the end of its
publication, as the append lock of the folder is on one machine; with the connection it is lost, which
``confirm_held`` finds out before anything is published. The transaction lock is held while the head
is advanced, so that not even a process that lost the former can write beside another. The head is
then compared and swapped, never taken from a sequence.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from compliance.errors import StoreExists, StoreMissing, StoreUnavailable
from compliance.headport import EMPTY, HeadState, checked_state, checked_tip, in_bundles
from compliance.postgres import Postgres
from compliance.tiles import Tip

PUBLISHING, APPENDING = 0x4D55_4E49_0001, 0x4D55_4E49_0002
"""Keys of the session lock and of the transaction lock, within the database."""
NAMED = "the log head in PostgreSQL"

_COLUMNS = "size, root, published, published_root, received_at, base"
_READ = f"SELECT {_COLUMNS} FROM log_head"  # noqa: S608 (names of our own)
_FIRST = f"INSERT INTO log_head (id, {_COLUMNS}) VALUES (1, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"  # noqa: S608
_SWAP = (
    "UPDATE log_head SET size = %(size)s, root = %(root)s, received_at = %(received_at)s, base = %(base)s,"
    " published = greatest(published, %(published)s),"
    " published_root = CASE WHEN published > %(published)s THEN published_root ELSE %(published_root)s END"
    " WHERE size = %(was)s AND root = %(of)s"
)
"""What another process noted as published since the head was read stays noted: that never goes back."""
_KNOWN = "SELECT count(*) FROM log_known WHERE digest = ANY(%s::bytea[])"


class PostgresHeadPlace:
    """The place of a head in a database (``headport.HeadPlace``). Migrations have made its tables."""

    named = NAMED

    def __init__(self, database: Postgres) -> None:
        self._database = database

    def exists(self) -> bool:
        """Whether a log has its head there. Raises StoreUnavailable."""
        with self._database.connect() as connection, self._database.refusing():
            return connection.execute(_READ).fetchone() is not None

    def create(self) -> None:
        """Make the head of an empty log. Raises StoreExists where there is one."""
        with self._database.connect() as connection, self._database.refusing():
            if connection.execute(_FIRST, EMPTY.values).rowcount != 1:
                message = (
                    f"There is the head of a log in {self._database} already; init never overwrites one."
                )
                raise StoreExists(message)

    def open(self) -> PostgresHead:
        """Open it. Raises StoreMissing, StoreUnavailable."""
        if not self.exists():
            message = f"There is no log head in {self._database}; restore it, or check MUNIMENT_DATABASE_URL."
            raise StoreMissing(message)
        return PostgresHead(self._database)

    def read(self) -> tuple[HeadState, Tip, list[bytes]]:
        """What it holds, of one moment."""
        with self._database.connect() as connection, self._database.refusing(), connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            state = _state(connection)
            return state, *_tip(connection, state)


class PostgresHead:
    """An open head (``headport.HeadPort``). It connects again by itself where the server was away."""

    named = NAMED

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self._writer: psycopg.Connection[Any] | None = None
        self._asker: psycopg.Connection[Any] | None = None
        self._asking = threading.Lock()

    def close(self) -> None:
        """Close the connections. Nothing may be under way."""
        for connection in (self._writer, self._asker):
            if connection is not None:
                connection.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the session lock. Raises StoreUnavailable where another holds it for too long."""
        self._take()
        try:
            yield
        finally:
            # Where the connection is gone, so is the lock.
            with suppress(psycopg.Error, StoreUnavailable):
                self._held().execute("SELECT pg_advisory_unlock(%s)", (PUBLISHING,))

    def confirm_held(self) -> None:
        """Raises StoreUnavailable where the connection, and with it the lock, was lost."""
        with self._database.refusing():
            self._held().execute("SELECT 1")

    def _take(self) -> None:
        """Take the lock, on a new connection where the one at hand turns out to be dead."""
        lock = "SELECT pg_advisory_lock(%s)"
        if self._writer is not None:
            try:
                self._writer.execute(lock, (PUBLISHING,))
            except psycopg.OperationalError as error:
                if not self._writer.broken and not self._writer.closed:
                    raise StoreUnavailable(self._database.told(error)) from None
                self._writer.close()
                self._writer = None
            else:
                return
        self._writer = self._database.connect()
        with self._database.refusing():
            self._writer.execute(lock, (PUBLISHING,))

    def _held(self) -> psycopg.Connection[Any]:
        if self._writer is None or self._writer.closed:
            raise StoreUnavailable(f"The connection to {self._database} was lost; try again.")
        return self._writer

    def state(self) -> HeadState:
        """The head row, read by the writer."""
        with self._database.refusing():
            return _state(self._held())

    def tip(self, state: HeadState) -> tuple[Tip, list[bytes]]:
        """The tip at ``base`` and the entries that follow it."""
        with self._database.refusing():
            return _tip(self._held(), state)

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests were recorded, asked outside of any transaction."""
        wanted = list(set(digests))
        with self._asking, self._database.refusing():
            try:
                found = self._asked().execute(_KNOWN, (wanted,)).fetchone()
            except psycopg.OperationalError:
                # The server may have been away: a question can be asked again.
                found = self._asked(anew=True).execute(_KNOWN, (wanted,)).fetchone()
        return bool(wanted) and found is not None and found[0] == len(wanted)

    def _asked(self, *, anew: bool = False) -> psycopg.Connection[Any]:
        if anew and self._asker is not None:
            self._asker.close()
        if self._asker is None or self._asker.closed:
            self._asker = self._database.connect()
        return self._asker

    def mark_published(self, state: HeadState) -> None:
        """Record that the publication of this state is complete."""
        if state.published != state.size:
            mark = "UPDATE log_head SET published = size, published_root = root WHERE size = %s"
            with self._database.refusing():
                self._held().execute(mark, (state.size,))

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """One writing transaction: durable if the block ends, and nothing of it applied if it raises."""
        connection = self._held()
        with self._database.refusing(), connection.transaction() as opened:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (APPENDING,))
            transaction = PostgresTransaction(connection)
            yield transaction
            if not transaction.advanced:
                raise psycopg.Rollback(opened)


class PostgresTransaction:
    """What can be asked and written while the head is locked."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._found: frozenset[bytes] = frozenset()
        self.advanced = False

    def foresee(self, digests: Sequence[bytes]) -> None:
        """Ask for all of them at once."""
        if digests:
            ask = "SELECT digest FROM log_known WHERE digest = ANY(%s::bytea[])"
            rows = self._connection.execute(ask, (list(set(digests)),)).fetchall()
            self._found = frozenset(bytes(digest) for (digest,) in rows)

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests, which were foreseen, were recorded."""
        return bool(digests) and self._found.issuperset(digests)

    def advance(self, old: HeadState, new: HeadState, leaves: Sequence[bytes]) -> bool:
        """Compare-and-swap the head, adding the entries; False, and nothing done, if it is not at ``old``."""
        swap = {
            "size": new.size, "root": new.root, "published": new.published, "published_root": new.published_root,
            "received_at": new.received_at, "base": new.base, "was": old.size, "of": old.root,
        }  # fmt: skip
        if self._connection.execute(_SWAP, swap).rowcount != 1:
            return False
        if new.base != old.base:
            self._connection.execute("DELETE FROM log_pending WHERE first < %s", (new.base,))
        for part in in_bundles(old.size, leaves):
            self._connection.execute("INSERT INTO log_pending (first, entries) VALUES (%s, %s)", part)
        self.advanced = True
        return True

    def set_edge(self, rows: Sequence[Sequence[bytes]]) -> None:
        """Record the rows of the edge above the lowest, as of ``base``."""
        for level, row in enumerate(rows, start=1):
            self._connection.execute(
                "INSERT INTO log_edge (level, hashes) VALUES (%s, %s)"
                " ON CONFLICT (level) DO UPDATE SET hashes = excluded.hashes",
                (level, b"".join(row)),
            )

    def add_known(self, digests: Iterable[bytes]) -> None:
        """Record digests of items that this transaction appends."""
        if added := list(digests):
            put = "INSERT INTO log_known (digest) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING"
            self._connection.execute(put, (added,))


def _state(connection: psycopg.Connection[Any]) -> HeadState:
    return checked_state(connection.execute(_READ).fetchone(), NAMED)


def _tip(connection: psycopg.Connection[Any], state: HeadState) -> tuple[Tip, list[bytes]]:
    edge = connection.execute("SELECT level, hashes FROM log_edge ORDER BY level").fetchall()
    ask = "SELECT entries FROM log_pending WHERE first >= %s ORDER BY first"
    pending = [entries for (entries,) in connection.execute(ask, (state.base,))]
    return checked_tip(state, edge, pending, NAMED)
