"""Projections: what of the log is read into tables, what cannot be read, and tables that are not trusted."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import Connection

from collectors.members.read import READER as MEMBERS
from compliance.as_of import FactsAsOf
from compliance.canonical import Json, canonical, parse_time
from compliance.errors import StoreUnavailable
from compliance.evidence import CollectorName, Observation
from compliance.facts import FactSchema, Fragment, Listing, Members, Opened, Reading, Received
from compliance.history import History
from compliance.log import EvidenceLog
from compliance.projections import Projections
from compliance.tables import PROJECTIONS

START = datetime(2026, 11, 1, tzinfo=UTC)
ME = CollectorName("test", "1")
CONFIG = {
    "sources": [
        {"name": "kms", "kind": "aws-kms", "schedule": "1h"},
        {"name": "people", "kind": "push", "accepts": ["consents"]},
    ]
}
ANN, BOB = "aa" * 16, "bb" * 16


class Pulled:
    """Reads ``aws-kms/1``: a list of [resource, instant]; and ``collection/1``: a whole listing of one region."""

    kinds: tuple[str, ...] = ("aws-kms/1", "collection/1")
    schemas: tuple[FactSchema, ...] = (FactSchema("kms_key", "a key", ()),)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """One fragment for each, or the listing."""
        said = json.loads(opened.body or b"")
        if opened.entry.kind == "collection/1":
            yield Listing(
                ("kms_key",) if said["scope"] else (), opened.entry.source, said["scope"], parse_time(said["at"]),
                said["complete"], frozenset(said["items"]), said.get("detail", ""), str(opened.index), said.get("expected"),
            )  # fmt: skip
            return
        for number, (resource, at) in enumerate(said):
            yield Fragment("kms_key", resource, "eu", "", {}, parse_time(at), f"{opened.index}/{number}")


class Pushed:
    """Reads ``consents/1``: a list of documents; and ``members/1``: a manifest, perhaps a difference to another."""

    kinds: tuple[str, ...] = ("consents/1", "members/1")
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A record for each document; of a manifest its header and its members."""
        said = json.loads(opened.body or b"")
        at = opened.entry.instant
        if opened.entry.kind == "members/1":
            value = {"key_space": "customer", "name": said["name"]}
            yield Received("manifest", opened.entry.source, value, at, str(opened.index))
            yield Members(
                str(opened.index), tuple(said["members"]), said.get("base"), tuple(said.get("removed", ()))
            )
            return
        for number, item in enumerate(said):
            yield Received("consent", opened.entry.source, item, at, f"{opened.index}/{number}")


class Bench:
    """A log with its projections."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = START
        self.log = EvidenceLog.create(home, origin="test.example/log", clock=lambda: self.now)
        self.projections = self.others()

    def others(self, program: str = "test/1") -> Projections:
        """What another process has of the same store."""
        return Projections(self.home, self.log, [Pulled(), Pushed()], program=program)

    def put(self, kind: str, body: Json, source: str = "kms", *, sealed: bool = False) -> int:
        """Append one entry, an hour after the one before, and return its index."""
        self.now += timedelta(hours=1)
        raw = body if isinstance(body, bytes) else canonical(body)
        (index,) = self.log.append([Observation(kind, source, ME, raw, sealed=sealed)])
        assert index is not None
        return index

    def hour(self, number: int) -> str:
        """An instant so many hours after the start."""
        return (START + timedelta(hours=number)).isoformat()

    def run(
        self, at: int, items: list[str], *, scope: str = "eu", complete: bool = True, **more: Json
    ) -> int:
        """A collection run of one scope."""
        body = {"scope": scope, "at": self.hour(at), "complete": complete, "items": items, **more}
        return self.put("collection/1", body)

    def facts(self, projections: Projections | None = None, log_size: int | None = None) -> FactsAsOf:
        """Everything known now."""
        served = projections or self.projections
        size = served.catch_up()
        with served.connect() as connection:
            history = History().grown(connection, size)
        return FactsAsOf(
            history, served, at=START + timedelta(days=1), log_size=size if log_size is None else log_size,
            config=CONFIG, kind_facts={"aws-kms": ("kms_key",)},
        )  # fmt: skip

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """The rows of a projection."""
        self.projections.catch_up()
        with self.projections.connect() as connection:
            found = connection.execute(
                select(PROJECTIONS.tables[table]).order_by(
                    text("since" if table == "member" else "log_index")
                )
            )
            return [tuple(row) for row in found]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty store."""
    made = Bench(tmp_path / "store")
    yield made
    made.projections.close()
    made.log.close()


# --- what cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"[[1]]", b"{}", b"nonsense", b"[7]", b'[["k","yesterday"]]', b"[null]"])
def test_an_unreadable_entry_keeps_nothing_else_from_being_read(bench: Bench, body: bytes) -> None:
    """Whatever a body holds, the entries after it are read, and none of it is half-applied."""
    first = bench.put("aws-kms/1", b'[["before","' + bench.hour(1).encode() + b'"],' + body[1:])
    bench.put("aws-kms/1", [["after", bench.hour(2)]])
    facts = bench.facts()
    assert [fact.resource for fact in facts.facts("kms_key")] == ["after"]
    assert [row[0] for row in bench.rows("unreadable")] == [first]


def test_a_population_that_rests_on_an_unreadable_entry_is_unreadable(bench: Bench) -> None:
    """A complete listing that names an item nobody can read is no complete sight: cause unreadable, citing it."""
    bad = bench.put("aws-kms/1", b"nonsense")
    good = bench.put("aws-kms/1", [["k", bench.hour(1)]])
    bench.run(2, [f"{bad}/0", f"{good}/0"])
    (_, scope) = bench.facts().scopes("kms_key")
    assert (scope.cause, scope.evidence) == ("unreadable", (str(bad),))
    (kms, _) = bench.facts().sources()
    assert (kms.cause, kms.evidence) == ("unreadable", (str(bad),))


def test_a_later_run_that_no_longer_names_it_makes_an_unreadable_entry_matter_no_more(bench: Bench) -> None:
    """What was pulled is asked for again: once seen whole without it, nothing is missing."""
    bench.put("aws-kms/1", b"nonsense")
    good = bench.put("aws-kms/1", [["k", bench.hour(3)]])
    bench.run(4, [f"{good}/0"])
    assert [scope.cause for scope in bench.facts().scopes("kms_key")] == [None]


@pytest.mark.parametrize("source", ["people", "api"])
def test_a_destroyed_data_key_is_told_of_its_source(bench: Bench, source: str) -> None:
    """What a destroyed key sealed is unreadable, cited, in every answer that needs its source, configured or not."""
    index = bench.put("consents/1", [{"purpose": "x"}], source, sealed=True)
    assert len(bench.facts().received("consent")) == 1
    shutil.rmtree(bench.home / "keys" / "data")
    bench.projections.rebuild()
    facts = bench.facts()
    assert facts.received("consent") == ()
    state = next(state for state in facts.sources() if state.name == source)
    assert (state.cause, state.evidence) == ("unreadable", (str(index),))
    assert "is gone" in state.detail
    assert (
        next((s.cause for s in bench.facts(log_size=0).sources() if s.name == source), "missing")
        != "unreadable"
    )


def test_the_reason_quotes_nothing_of_a_sealed_body(bench: Bench) -> None:
    """Why a reader gave up is told by kind, without the value it met."""
    bench.put("members/1", {"name": "d", "members": ["C-100042"]}, "people", sealed=True)
    ((_, _, _, _, why, _),) = bench.rows("unreadable")
    assert "C-100042" not in str(why)
    assert "members/1" in str(why)


def test_hostile_text_is_stored_and_told_apart(bench: Bench) -> None:
    """Lone surrogates, NUL and counts beyond 64 bits neither stop the projections nor get lost."""
    bench.put(
        "consents/1", b'[{"purpose": "\\ud800"}, {"purpose": "\\ud801"}, {"purpose": "a\\u0000b"}]', "people"
    )
    bench.put("aws-kms/1", b'[["\\ud800", "' + bench.hour(1).encode() + b'"]]')
    bench.run(3, [], expected=2**53 - 1)
    bench.put("collection/1", b'{"scope":"eu","at":"' + bench.hour(3).encode() + b'","complete":true,"items":[],"expected":1' + b"0" * 30 + b"}")  # fmt: skip
    facts = bench.facts()
    assert len(facts.received("consent")) == 3
    assert len(bench.rows("unreadable")) == 1


# --- manifests -------------------------------------------------------------------------------------


def test_a_manifest_kept_as_a_difference_holds_what_its_base_holds(bench: Bench) -> None:
    """Its members are those of the base, less what was removed, and what was added; twice named is once held."""
    base = bench.put("members/1", {"name": "d1", "members": [ANN, ANN]}, "people")
    second = bench.put(
        "members/1", {"name": "d2", "members": [BOB], "base": str(base), "removed": [ANN]}, "people"
    )
    facts = bench.facts()
    assert facts.holding("customer", ANN) == {str(base)}
    assert facts.holding("customer", BOB) == {str(second)}
    assert bench.facts(log_size=second).holding("customer", BOB) == frozenset()
    assert facts.holding("patient", ANN) == frozenset()


def test_a_difference_to_what_cannot_be_read_excludes_nobody(bench: Bench) -> None:
    """Where the base cannot be read, the manifest is unreadable too, not one of its additions alone."""
    base = bench.put("members/1", {"name": "d1", "members": ["not hex"]}, "people")
    second = bench.put(
        "members/1", {"name": "d2", "members": [BOB], "base": str(base), "removed": []}, "people"
    )
    facts = bench.facts()
    assert facts.received("manifest") == ()
    assert facts.holding("customer", BOB) == frozenset()
    assert [row[0] for row in bench.rows("unreadable")] == [base, second]


def test_the_shipped_reader_of_manifests_is_read_the_same_way() -> None:
    """What the tests' reader yields is what the reader of manifests yields: a header and its members."""
    assert MEMBERS.kinds == ("members/1",)


# --- which tables are trusted ----------------------------------------------------------------------


def test_a_run_that_ended_in_failure_hides_not_what_it_had_not_reached(bench: Bench) -> None:
    """The scope that a failed run finished stays whole; the source as a whole was not seen."""
    good = bench.put("aws-kms/1", [["k", bench.hour(1)]])
    bench.run(2, [f"{good}/0"])
    bench.run(2, [], scope="", complete=False, detail="the second region could not be asked")
    facts = bench.facts()
    assert [(s.scope, s.cause) for s in facts.scopes("kms_key")] == [("eu", None), ("kms", "incomplete")]
    assert facts.sources()[0].cause == "incomplete"


def test_rows_of_another_log_are_never_served(bench: Bench, tmp_path: Path) -> None:
    """A log restored from an older backup, or another one, makes its own rows; none of the former is left."""
    for name in ("a", "b", "c"):
        bench.put("aws-kms/1", [[name, bench.hour(1)]])
    assert len(list(bench.facts().facts("kms_key"))) == 3
    other = Bench(tmp_path / "other")
    other.put("aws-kms/1", [["z", bench.hour(1)]])
    bench.projections.close()
    swapped = Projections(bench.home, other.log, [Pulled()], program="test/1")
    assert swapped.catch_up() == 1
    assert [fact.resource for fact in other.facts(swapped).facts("kms_key")] == ["z"]
    swapped.close()
    other.log.close()


def test_tables_of_another_form_are_made_again(bench: Bench) -> None:
    """Tables that lack a column of this version are not stumbled over but replaced."""
    bench.put("aws-kms/1", [["k", bench.hour(1)]])
    bench.projections.catch_up()
    bench.projections.close()
    with closing(sqlite3.connect(bench.home / "projections" / "g1.db")) as rows, rows:
        rows.execute("ALTER TABLE entry RENAME COLUMN sealed TO closed")
        rows.execute("PRAGMA user_version = 1")
    assert [fact.resource for fact in bench.facts().facts("kms_key")] == ["k"]
    assert bench.projections.generation == "g2"


def test_a_rebuild_goes_on_only_with_what_the_same_program_left(bench: Bench) -> None:
    """What another program left unfinished in the next generation is thrown away."""
    bench.put("aws-kms/1", [["k", bench.hour(1)]])
    bench.projections.catch_up()
    leftover = bench.home / "projections" / "g2.db"
    leftover.write_bytes((bench.home / "projections" / "g1.db").read_bytes())
    with closing(sqlite3.connect(leftover)) as rows, rows:
        rows.execute("UPDATE progress SET program = 'test/0'")
        rows.execute("UPDATE fragment SET resource = 'wrong'")
    bench.projections.rebuild()
    assert [fact.resource for fact in bench.facts().facts("kms_key")] == ["k"]


def test_a_rebuild_that_was_cut_short_goes_on_where_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has read it does not read again; until its end the old tables are served, and nothing is appended."""
    monkeypatch.setattr("compliance.projections.BATCH", 2)
    for number in range(1, 7):
        bench.put("aws-kms/1", [[f"k{number}", bench.hour(number)]])
    before = [fact.resource for fact in bench.facts().facts("kms_key")]
    size, generation = bench.log.size, bench.projections.generation
    read: list[tuple[int, int]] = []
    project = Projections._project

    def counted(self: Projections, connection: Connection, start: int, stop: int) -> None:
        if len(read) == 2:
            raise OSError("killed")
        read.append((start, stop))
        project(self, connection, start, stop)

    with monkeypatch.context() as patched:
        patched.setattr(Projections, "_project", counted)
        with pytest.raises(OSError, match="killed"):
            bench.projections.rebuild()
    assert bench.projections.generation == generation
    assert [fact.resource for fact in bench.facts().facts("kms_key")] == before
    with monkeypatch.context() as patched:
        read.append((0, 0))
        patched.setattr(Projections, "_project", counted)
        bench.others().rebuild()
    assert read == [(0, 2), (2, 4), (0, 0), (4, 6)]
    assert [fact.resource for fact in bench.facts().facts("kms_key")] == before
    assert bench.log.size == size


@pytest.mark.parametrize("said", ["", "g1/../../x", "gold", "g9"])
def test_whatever_current_says_the_log_is_read(bench: Bench, said: str) -> None:
    """A ruined pointer, or one to a generation that is gone, leads to the same rows."""
    bench.put("aws-kms/1", [["k", bench.hour(1)]])
    bench.projections.catch_up()
    bench.projections.close()
    (bench.home / "projections" / "current").write_text(said)
    assert [fact.resource for fact in bench.facts().facts("kms_key")] == ["k"]


def test_a_server_follows_a_rebuild_of_another_process(bench: Bench) -> None:
    """While rows are read, another process rebuilds; what is read next is as complete as before."""
    bench.put("aws-kms/1", [["a", bench.hour(1)]])
    bench.projections.catch_up()
    with bench.projections.connect() as reading:
        another = bench.others()
        another.rebuild()
        assert reading.execute(text("SELECT count(*) FROM fragment")).scalar() == 1
    bench.put("aws-kms/1", [["b", bench.hour(2)]])
    assert bench.projections.catch_up() == 2
    with bench.projections.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fragment")).scalar() == 2
    assert bench.projections.generation == another.generation == "g2"
    another.close()


def test_threads_read_while_another_process_rebuilds_again_and_again(bench: Bench) -> None:
    """No reader ever meets fewer rows than were read before."""
    for number in range(20):
        bench.put("aws-kms/1", [[f"k{number}", bench.hour(1)]])
    failed: list[object] = []

    def read() -> None:
        for _ in range(15):
            found = len(list(bench.facts().facts("kms_key")))
            if found != 20:
                failed.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    another = bench.others()
    for _ in range(5):
        another.rebuild()
    for reader in readers:
        reader.join()
    another.close()
    assert failed == []


def test_a_folder_that_cannot_be_made_is_told(bench: Bench) -> None:
    """A file where the folder of projections should be is refused in a sentence."""
    (bench.home / "projections").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="projections"):
        bench.projections.catch_up()
