"""Payloads as write-once files named by their SHA-256."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import objects
from compliance.errors import StoreTampered, StoreUnavailable
from compliance.objects import PayloadFolder

BODY = b"a payload"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> PayloadFolder:
    return PayloadFolder(tmp_path / "payloads")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.binary(max_size=3000))
def test_bytes_are_read_back_by_their_digest(folder: PayloadFolder, body: bytes) -> None:
    """What was put is got, the empty payload included."""
    assert folder.get(folder.put(body)) == body


def test_a_payload_lies_where_the_contract_says(folder: PayloadFolder, tmp_path: Path) -> None:
    """Its path is two hex digits, then all of them; it is read-only, and nothing is left beside it."""
    folder.put(BODY)
    path = tmp_path / "payloads" / "sha256" / DIGEST[:2] / DIGEST
    assert path.read_bytes() == BODY
    assert path.stat().st_mode & 0o777 == 0o444
    assert [file for file in (tmp_path / "payloads").rglob("*") if file.is_file()] == [path]


def test_the_same_bytes_may_be_put_again(folder: PayloadFolder) -> None:
    """Putting again changes nothing: the file is the same one."""
    folder.put(BODY)
    before = folder.path(DIGEST).stat()
    assert folder.put(BODY) == DIGEST
    assert folder.path(DIGEST).stat().st_ino == before.st_ino


def test_a_torn_payload_is_written_again(folder: PayloadFolder) -> None:
    """A file that a power cut left empty does not keep its bytes from being stored."""
    path = folder.path(DIGEST)
    path.parent.mkdir(parents=True)
    path.touch(mode=0o444)
    folder.put(BODY)
    assert folder.get(DIGEST) == BODY


def test_changed_and_missing_payloads_are_refused(folder: PayloadFolder) -> None:
    """A file whose bytes are not those of its name is not served; nor is one that is not there."""
    folder.put(BODY)
    folder.path(DIGEST).chmod(0o644)
    folder.path(DIGEST).write_bytes(b"another")
    with pytest.raises(StoreTampered, match=f"{DIGEST} was changed"):
        folder.get(DIGEST)
    folder.path(DIGEST).unlink()
    with pytest.raises(StoreTampered, match="is missing"):
        folder.get(DIGEST)
    folder.path(DIGEST).mkdir()
    with pytest.raises(StoreTampered, match="cannot be read"):
        folder.get(DIGEST)


@pytest.mark.parametrize(
    "digest", ["", "../../etc/passwd", DIGEST.upper(), DIGEST[:-1], DIGEST + "\n", "g" * 64]
)
def test_what_is_no_digest_is_no_path(folder: PayloadFolder, digest: str) -> None:
    """A digest is 64 lower-case hex digits; anything else never becomes a path."""
    with pytest.raises(StoreTampered, match="no SHA-256"):
        folder.get(digest)


@pytest.mark.parametrize("name", ["write_file", "rename", "sync_folder", "make_folder"])
def test_a_disk_that_fails_leaves_nothing_behind(
    folder: PayloadFolder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whichever step fails is reported, no half payload is ever served, and putting again works."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(objects, name, full)
        with pytest.raises(StoreUnavailable, match="the disk is full; free some space"):
            folder.put(BODY)
    staging = folder.folder / "staging"
    assert not staging.exists() or not list(staging.iterdir())
    assert folder.get(folder.put(BODY)) == BODY
