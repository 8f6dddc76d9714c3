"""The store: created once, opened whole or not at all, and configured by what its log says."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.registry import READERS
from compliance.canonical import strict_json
from compliance.database import sqlite_engine
from compliance.derived import DERIVATIONS
from compliance.errors import (
    LibraryInvalid,
    NotFound,
    StoreExists,
    StoreMissing,
    StoreUnavailable,
)
from compliance.settings import KeySpaceSettings, ScopeSettings, Settings, SourceSettings
from compliance.store import Store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "00112233445566778899aabbccddeeff"


def settings_of(home: Path, *frameworks: str, sources: tuple[str, ...] = ()) -> Settings:
    """A store's settings: these frameworks in scope, these pushed sources."""
    return Settings(
        home=home,
        scope=ScopeSettings(frameworks=frameworks),
        key_spaces={"customer": KeySpaceSettings(secret=SECRET)},
        sources=tuple(SourceSettings(name=name, kind="push") for name in sources),
    )


def created(settings: Settings) -> Store:
    """A new store."""
    return Store.create(settings, readers=READERS, derivations=DERIVATIONS, clock=lambda: NOW)


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """A store that is there, under these settings."""
    store = Store.open(
        settings, readers=READERS, derivations=DERIVATIONS, clock=lambda: NOW + timedelta(hours=1)
    )
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with GDPR in scope, to be copied."""
    home = tmp_path_factory.mktemp("made") / "store"
    created(settings_of(home, "gdpr")).close()
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The folder of a new store with GDPR in scope."""
    return shutil.copytree(made, tmp_path / "store")


def test_create_and_open_are_different_calls(tmp_path: Path, home: Path) -> None:
    """Create refuses what is there, open what is not, and neither leaves anything behind by it."""
    with pytest.raises(StoreExists, match="never overwrites"):
        created(settings_of(home))
    with pytest.raises(StoreMissing, match="muniment init"), opened(settings_of(tmp_path / "other")):
        pass
    assert not (tmp_path / "other").exists()


def test_a_new_store_begins_with_library_and_configuration(home: Path) -> None:
    """The first two entries are the files of the library and what judgement reads of the settings."""
    with opened(settings_of(home, "gdpr")) as store:
        assert [store.log.entry(index).kind for index in range(store.log.size)] == ["library/1", "config/1"]
        files = strict_json(store.log.body(store.log.entry(0)) or b"")
        assert "keys.yaml" in files
        assert store.config_in_force(2)["scope"]["frameworks"] == ["gdpr"]


def test_nothing_secret_is_in_the_configuration_entry(home: Path) -> None:
    """The configuration names key ids, never a secret, an address or the path of a key."""
    with opened(settings_of(home)) as store:
        body = store.log.body(store.log.entry(1)) or b""
        assert SECRET.encode() not in body
        assert str(home).encode() not in body
        assert store.key_spaces.current_key_id("customer").encode() in body


def test_a_broken_library_makes_no_store(tmp_path: Path) -> None:
    """A library with faults is refused before a key or a file is made."""
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "keys.yaml").write_text("controls: 7\n")
    settings = Settings(home=tmp_path / "store", controls=tmp_path / "controls")
    with pytest.raises(LibraryInvalid, match=r"keys\.yaml"):
        created(settings)
    assert not (tmp_path / "store").exists()


def test_equal_configuration_is_appended_once(home: Path) -> None:
    """Starting again under the same settings appends nothing."""
    with opened(settings_of(home, "gdpr")) as store:
        store.record_configuration()
        store.record_configuration()
        assert store.log.size == 2


def test_configuration_may_return_to_what_it_was(home: Path) -> None:
    """Each change is an entry, also the one that takes an earlier change back; each size has its own in force."""
    for frameworks in (("hipaa",), ("gdpr",), ("hipaa",)):
        with opened(settings_of(home, *frameworks)) as store:
            store.record_configuration()
    with opened(settings_of(home)) as store:
        in_force = [
            store.config_in_force(size).get("scope", {}).get("frameworks")
            for size in range(store.log.size + 1)
        ]
    assert in_force == [None, None, ["gdpr"], ["hipaa"], ["gdpr"], ["hipaa"]]


def test_two_processes_that_start_at_once_append_one_entry(home: Path) -> None:
    """A change that several processes see at the same moment is appended by one of them."""
    barrier = threading.Barrier(4)

    def start() -> None:
        with opened(settings_of(home, "soc2")) as store:
            store.projections.catch_up()
            barrier.wait()
            store.record_configuration()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened(settings_of(home)) as store:
        assert [entry.kind for _, entry in store.log.entries(2)] == ["config/1"]


def test_the_library_in_force_is_that_of_the_size(home: Path) -> None:
    """Before a library was appended there is none; a digest is found by its beginning if that is of one alone."""
    with opened(settings_of(home)) as store:
        digest = store.library_digest(2)
        assert store.full_digest(digest[:12]) == digest
        assert store.library_of(digest).digest == digest
        with pytest.raises(NotFound, match="first 0 entries"):
            store.library_digest(0)
        for wrong in ("", "ffff", digest + "0"):
            with pytest.raises(NotFound, match=digest[:12]):
                store.full_digest(wrong)


def test_a_locked_operations_database_says_so(home: Path) -> None:
    """A database that another process keeps locked is told in a sentence, and nothing was applied."""
    engine = sqlite_engine(home / "operations.db")
    with (
        closing(sqlite3.connect(home / "operations.db", isolation_level=None)) as holder,
        engine.connect() as connection,
    ):
        holder.execute("BEGIN IMMEDIATE")
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreUnavailable, match=r"operations\.db is locked by another process"):
            connection.exec_driver_sql("DELETE FROM announced")
    engine.dispose()


def test_a_removed_database_does_not_come_back_empty(tmp_path: Path) -> None:
    """A file that was removed under an engine is missed, not made anew without its tables."""
    engine = sqlite_engine(tmp_path / "some.db")
    (tmp_path / "some.db").unlink()
    with pytest.raises(StoreUnavailable, match=r"some\.db cannot be opened"):
        engine.connect()
    assert not (tmp_path / "some.db").exists()


def test_what_is_no_database_says_what_mends_it(tmp_path: Path) -> None:
    """A file of other bytes is named together with the remedy."""
    (tmp_path / "some.db").write_bytes(b"x" * 5000)
    engine = sqlite_engine(tmp_path / "some.db", remedy="Ask the baker.")
    with pytest.raises(StoreUnavailable, match="Ask the baker"):
        engine.connect()


@pytest.mark.parametrize(("name", "value"), [("expect_every", "24 hours"), ("schedule", "every tuesday")])
def test_a_rhythm_that_cannot_be_read_never_reaches_the_log(name: str, value: str) -> None:
    """What every later answer would stumble over is refused with the settings."""
    with pytest.raises(ValueError, match=value):
        SourceSettings.model_validate({"name": "kms", "kind": "aws-kms", name: value})


@pytest.mark.parametrize("name", ["api", "muniment"])
def test_the_names_of_our_own_sources_are_taken(tmp_path: Path, name: str) -> None:
    """No configured source may pass for the store itself or for tokens without a source."""
    with pytest.raises(ValueError, match="reserved"):
        settings_of(tmp_path, sources=(name,))
