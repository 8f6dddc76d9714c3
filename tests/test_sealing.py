"""Payloads sealed under data keys, data keys wrapped by the master key."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.errors import ContentGone, InputRefused, StoreTampered, StoreUnavailable
from compliance.sealing import OVERHEAD, DataKeys, key_name

MASTER = bytes(range(32))
NAME = "api/2026-11"


@pytest.fixture
def keys(tmp_path: Path) -> DataKeys:
    return DataKeys(tmp_path / "data", MASTER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=1000))
def test_what_was_sealed_is_unsealed(keys: DataKeys, content: bytes) -> None:
    """Content survives, is not visible in the sealed bytes, and grows by a fixed number of bytes."""
    sealed = keys.seal(NAME, content)
    assert keys.unseal(NAME, sealed) == content
    assert len(sealed) == len(content) + OVERHEAD
    assert len(content) < 4 or content not in sealed


def test_equal_contents_are_sealed_differently(keys: DataKeys) -> None:
    """Sealed bytes do not tell that two contents are equal."""
    assert keys.seal(NAME, b"same") != keys.seal(NAME, b"same")


def test_keys_are_named_by_source_and_month_of_receipt() -> None:
    """A data key covers what one source sent in one month of UTC."""
    assert key_name("api", datetime(2026, 11, 30, 23, 59, tzinfo=UTC)) == "api/2026-11"


def test_another_process_unseals_with_the_same_keys(keys: DataKeys, tmp_path: Path) -> None:
    """The keys lie on the disk, wrapped: reading them needs the master key, and no key lies bare."""
    sealed = keys.seal(NAME, b"content")
    assert DataKeys(tmp_path / "data", MASTER).unseal(NAME, sealed) == b"content"
    with pytest.raises(StoreTampered, match="not wrapped by this store's master key"):
        DataKeys(tmp_path / "data", bytes(32)).unseal(NAME, sealed)
    assert keys.path(NAME).stat().st_mode & 0o777 == 0o600
    assert keys.path(NAME).parent.stat().st_mode & 0o777 == 0o700


def test_content_is_gone_with_its_data_key(keys: DataKeys) -> None:
    """Once the key's file is destroyed nothing sealed under it is read, though the key was in use."""
    sealed = keys.seal(NAME, b"content")
    keys.path(NAME).unlink()
    with pytest.raises(ContentGone, match="data key api/2026-11 is gone"):
        keys.unseal(NAME, sealed)


def test_content_stays_gone_when_a_key_of_that_name_is_made_anew(keys: DataKeys) -> None:
    """A new key under the old name opens what is sealed under it, and not what was before."""
    old = keys.seal(NAME, b"old")
    keys.path(NAME).unlink()
    new = keys.seal(NAME, b"new")
    assert keys.unseal(NAME, new) == b"new"
    with pytest.raises(ContentGone):
        keys.unseal(NAME, old)


@given(st.integers(8, OVERHEAD + 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_sealed_bytes_do_not_unseal(keys: DataKeys, at: int) -> None:
    """A flipped bit in nonce, content or tag is noticed."""
    sealed = bytearray(keys.seal(NAME, b"content"))
    sealed[at] ^= 1
    with pytest.raises(StoreTampered, match="does not decrypt"):
        keys.unseal(NAME, bytes(sealed))


def test_a_payload_cannot_stand_in_under_another_name(keys: DataKeys) -> None:
    """The key's name is bound: the same key under another name opens nothing."""
    sealed = keys.seal(NAME, b"content")
    other = keys.path("api/2026-12")
    other.write_bytes(keys.path(NAME).read_bytes())
    with pytest.raises(StoreTampered, match="not wrapped"):
        keys.unseal("api/2026-12", sealed)


@pytest.mark.parametrize("name", ["", "api", "/2026-11", "api/"])
def test_malformed_names_are_refused(keys: DataKeys, name: str) -> None:
    """A name is source, slash, month."""
    with pytest.raises(InputRefused, match="no name of a data key"):
        keys.seal(name, b"")


@pytest.mark.parametrize(
    "name", ["../../x/2026-11", "../2026-11", "./2026-11", "a/b/../..", "a\\b/..", "x/."]
)
def test_no_name_leads_out_of_the_folder(keys: DataKeys, tmp_path: Path, name: str) -> None:
    """Whatever a source is called, its key lies two levels below the folder of data keys."""
    keys.seal(name, b"content")
    assert keys.path(name).resolve().parent.parent == (tmp_path / "data").resolve()


def test_threads_that_make_a_key_at_once_share_it(keys: DataKeys, tmp_path: Path) -> None:
    """Of several makers one wins, and what each sealed is read by all."""
    sealed: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: sealed.append(DataKeys(tmp_path / "data", MASTER).seal(NAME, b"content"))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [keys.unseal(NAME, each) for each in sealed] == [b"content"] * 8
    assert [path.name for path in keys.path(NAME).parent.iterdir()] == ["2026-11"]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """Where no key can be stored nothing is sealed."""
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(StoreUnavailable, match="a data key failed"):
        DataKeys(tmp_path / "data", MASTER).seal(NAME, b"content")
