"""The evidence log with its head in PostgreSQL: what holds of the embedded one holds here, and more processes share it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from compliance import verify
from compliance.databases import DatabaseServer
from compliance.errors import StoreExists, StoreMissing, StoreTampered, StoreUnavailable
from compliance.head_postgres import PUBLISHING, PostgresHead, PostgresHeadPlace
from compliance.log import EvidenceLog
from compliance.postgres import Postgres
from tests import logs, test_log
from tests.logs import make, observation, reopen
from tests.postgres_server import Server
from tests.test_log import (
    test_a_missing_full_tile_is_noticed_on_opening,
    test_an_entry_says_what_was_observed,
    test_an_opened_log_goes_on_where_it_was,
    test_entries_come_in_order_and_stop_where_told,
    test_known_items_append_nothing,
    test_one_open_log_sees_what_another_appends,
    test_receipts_never_go_backwards,
    test_receipts_never_go_backwards_between_processes,
    test_sealed_payloads_are_encrypted_at_rest_and_read_by_who_may,
    test_threads_get_indexes_without_gap_or_duplicate,
)

__all__ = [
    "test_a_missing_full_tile_is_noticed_on_opening",
    "test_an_entry_says_what_was_observed",
    "test_an_opened_log_goes_on_where_it_was",
    "test_entries_come_in_order_and_stop_where_told",
    "test_known_items_append_nothing",
    "test_one_open_log_sees_what_another_appends",
    "test_receipts_never_go_backwards",
    "test_receipts_never_go_backwards_between_processes",
    "test_sealed_payloads_are_encrypted_at_rest_and_read_by_who_may",
    "test_threads_get_indexes_without_gap_or_duplicate",
]

APPENDER = Path(__file__).parent / "crash" / "appender.py"
WITHIN_SECONDS = 120


class Heads:
    """A database for the log of each folder."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.names: dict[Path, str] = {}

    def url(self, home: Path) -> str:
        """The database for a folder."""
        if home not in self.names:
            self.names[home] = self._server.create(self._server.migrated)
        return self._server.url(self.names[home])

    def __call__(self, home: Path) -> PostgresHeadPlace:
        """Where the head of the log in a folder lies."""
        return PostgresHeadPlace(Postgres.parse(self.url(home)))


@pytest.fixture(autouse=True)
def heads(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heads]:
    """Every log of these tests has its head in PostgreSQL, and is verified with it."""
    made = Heads(postgres_server)
    monkeypatch.setattr(logs, "head_of", made)

    def verified(home: Path) -> verify.Verification:
        return verify.verify_store(home, head=made(home))

    monkeypatch.setattr(test_log, "verify_store", verified)
    yield made
    for name in made.names.values():
        postgres_server.drop(name)


def head_of(log: EvidenceLog) -> PostgresHead:
    """The head of an open log."""
    head = log._head
    assert isinstance(head, PostgresHead)
    return head


# --- many processes --------------------------------------------------------------------------------


def append_in_processes(heads: Heads, home: Path, processes: int, threads: int, each: int) -> None:
    """Start so many processes with so many threads; together they leave a log without gap or duplicate."""
    make(home).close()
    environment = {**os.environ, "MUNIMENT_DATABASE_URL": heads.url(home)}
    started = [
        subprocess.Popen(
            [sys.executable, APPENDER, home, f"p{number}", str(threads), str(each)],
            stdout=subprocess.PIPE, env=environment,
        )
        for number in range(processes)
    ]  # fmt: skip
    lines = [
        line.split() for one in started for line in one.communicate(timeout=WITHIN_SECONDS)[0].splitlines()
    ]
    assert [one.returncode for one in started] == [0] * processes
    assert sorted(int(index) for index, _ in lines) == list(range(processes * threads * each))
    found = verify.verify_store(home, head=heads(home))
    assert (found.ok, found.size) == (True, processes * threads * each)


def test_processes_append_to_one_log(heads: Heads, tmp_path: Path) -> None:
    """Several processes with several threads each leave one log without a gap or a duplicate index."""
    append_in_processes(heads, tmp_path / "home", processes=3, threads=2, each=20)


@pytest.mark.soak
def test_many_processes_append_to_one_log(heads: Heads, tmp_path: Path) -> None:
    """The same of many processes over many bundles."""
    append_in_processes(heads, tmp_path / "home", processes=8, threads=4, each=100)


def test_a_process_killed_while_it_appends_leaves_a_log_that_goes_on(heads: Heads, tmp_path: Path) -> None:
    """What was acknowledged is there, the lock is free at once, and what was not published is."""
    make(tmp_path).close()
    environment = {**os.environ, "MUNIMENT_DATABASE_URL": heads.url(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, APPENDER, tmp_path, "p", "4"], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().split() for _ in range(60)]
    process.kill()
    acknowledged += [line.split() for line in process.stdout.read().splitlines() if line.count(b" ") == 1]
    process.wait()
    process.stdout.close()
    with reopen(tmp_path) as log:
        assert log.size > max(int(index) for index, _ in acknowledged)
        assert log.append([observation()]) == [log.size - 1]
    assert verify.verify_store(tmp_path, head=heads(tmp_path)).ok


# --- locks and lost connections --------------------------------------------------------------------


def test_an_append_waits_for_the_one_that_publishes(heads: Heads, tmp_path: Path) -> None:
    """While another machine publishes, an append waits, and then follows it."""
    with make(tmp_path, 1) as log, psycopg.connect(heads.url(tmp_path), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (PUBLISHING,))
        thread = threading.Thread(target=log.append, args=([observation()],))
        thread.start()
        thread.join(0.1)
        assert log.size == 1
        other.execute("SELECT pg_advisory_unlock(%s)", (PUBLISHING,))
        thread.join(WITHIN_SECONDS)
        assert log.size == 2


def test_a_lock_that_is_held_for_ever_is_reported(heads: Heads, tmp_path: Path) -> None:
    """An append does not wait for ever, applies nothing, and works once the lock is free."""
    with make(tmp_path, 1) as log:
        head_of(log)._held().execute("SET lock_timeout = '50ms'")
        with psycopg.connect(heads.url(tmp_path), autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", (PUBLISHING,))
            with pytest.raises(StoreUnavailable, match="holds a lock"):
                log.append([observation()])
        assert log.append([observation()]) == [1]


def cut(heads: Heads, home: Path) -> None:
    """End every other connection to the database, as a restart of the server does."""
    with psycopg.connect(heads.url(home), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_restarted_server_is_connected_to_again(heads: Heads, tmp_path: Path) -> None:
    """Connections that were cut between two appends are made again without an error."""
    known = (b"k" * 16,)
    with make(tmp_path, 2) as log:
        assert log.append([observation(known=known)]) == [2]
        cut(heads, tmp_path)
        assert log.append([observation(known=known)]) == [None]
        cut(heads, tmp_path)
        assert log.append([observation()]) == [3]


def test_who_lost_the_lock_publishes_nothing(
    heads: Heads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the connection is lost after the commit, the entries are in the log, and the next append publishes them."""
    with make(tmp_path, 1) as log:
        confirm = PostgresHead.confirm_held

        def lost(head: PostgresHead) -> None:
            cut(heads, tmp_path)
            confirm(head)

        with monkeypatch.context() as patch:
            patch.setattr(PostgresHead, "confirm_held", lost)
            with pytest.raises(StoreUnavailable, match="from index 1 on are in the log but not published"):
                log.append([observation(b"in")])
        assert heads(tmp_path).read()[0].size == 2
        assert log.size == 1
        assert log.append([observation(b"next")]) == [2]
        assert [log.body(entry) for _, entry in log.entries(1)] == [b"in", b"next"]
    assert verify.verify_store(tmp_path, head=heads(tmp_path)).ok


@pytest.mark.parametrize("statement", ["SELECT pg_advisory_xact", "UPDATE", "INSERT INTO log_p", "COMMIT"])  # fmt: skip
def test_a_connection_lost_at_any_statement_leaves_all_or_nothing(
    heads: Heads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Whichever statement of the transaction fails, the log is whole and goes on."""
    with make(tmp_path, 254) as log:
        execute = psycopg.Connection.execute
        transaction = psycopg.Connection.transaction

        def cutting(connection: psycopg.Connection, query: str, *args: Any, **parts: Any) -> object:
            if query.startswith(statement):
                cut(heads, tmp_path)
            return execute(connection, query, *args, **parts)

        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", cutting)
            if statement == "COMMIT":
                patch.setattr(psycopg.Connection, "execute", execute)
                patch.setattr(psycopg.Connection, "transaction", cut_at_the_end(transaction, heads, tmp_path))
            with pytest.raises(StoreUnavailable):
                log.append([observation(b"a")] * 4)
        log.append([observation(b"next")])
        assert [log.body(entry) for _, entry in log.entries(254)] in ([b"next"], [*[b"a"] * 4, b"next"])
    assert verify.verify_store(tmp_path, head=heads(tmp_path)).ok


def cut_at_the_end(transaction: object, heads: Heads, home: Path) -> object:
    """A ``Connection.transaction`` that loses its connection just before it commits."""

    class Cutting:
        def __init__(self, connection: psycopg.Connection) -> None:
            self._opened = transaction(connection)  # type: ignore[operator]

        def __enter__(self) -> object:
            return self._opened.__enter__()

        def __exit__(self, *raised: object) -> object:
            cut(heads, home)
            return self._opened.__exit__(*raised)

    return lambda connection, *_args, **_parts: Cutting(connection)


# --- what does not fit together --------------------------------------------------------------------


def test_a_database_holds_one_log(heads: Heads, tmp_path: Path) -> None:
    """Making a second log on the head of the first is refused, and opening without a head too."""
    make(tmp_path / "one").close()
    heads.names[tmp_path / "two"] = heads.names[tmp_path / "one"]
    with pytest.raises(StoreExists, match="already"):
        make(tmp_path / "two")
    with pytest.raises(StoreExists, match="database of its own"):
        DatabaseServer(Postgres.parse(heads.url(tmp_path / "one"))).prepare()
    heads.names[tmp_path / "one"] = heads._server.create(heads._server.migrated)
    with pytest.raises(StoreMissing, match="no log head in the database"):
        reopen(tmp_path / "one")


def test_the_database_of_another_time_is_refused(heads: Heads, tmp_path: Path) -> None:
    """A published log beside a database restored from an older backup is refused, saying what to do."""
    make(tmp_path, 3).close()
    older = heads._server.create(heads.names[tmp_path])
    with reopen(tmp_path) as log:
        log.append([observation()])
        log.append([observation()])
    heads._server.drop(heads.names[tmp_path])
    heads.names[tmp_path] = older
    with pytest.raises(StoreTampered, match="the head was restored from an older backup"):
        reopen(tmp_path)


@pytest.mark.parametrize("statement", [
    "UPDATE log_head SET size = 1", "UPDATE log_head SET received_at = 0", "DELETE FROM log_head",
    "TRUNCATE log_head", "TRUNCATE log_pending", "TRUNCATE log_known", "TRUNCATE log_edge",
    "DELETE FROM log_known", "UPDATE log_known SET digest = 'x'",
])  # fmt: skip
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_the_head_never_goes_back(heads: Heads, tmp_path: Path, statement: str, role: str) -> None:
    """Triggers refuse what would shorten the head or forget an item, also in a session of a replica."""
    with make(tmp_path, 3) as log:
        log.append([observation(known=(b"k" * 16,))])
    with psycopg.connect(heads.url(tmp_path), autocommit=True) as connection:
        connection.execute(f"SET session_replication_role = {role}")
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            connection.execute(statement.encode())
    reopen(tmp_path).close()
