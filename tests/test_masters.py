"""The master key: in a file or wrapped by KMS, and replaced so that what was erased is erased in backups too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.backup import backup
from compliance.cli import run
from compliance.errors import ContentGone, StoreMissing, StoreTampered, StoreUnavailable
from compliance.log import EvidenceLog
from compliance.masters import KmsWrapping, create_master, read_masters, replace_master
from compliance.sealing import DataKeys
from compliance.verify import verify_store
from tests.logs import make, observation, reopen
from tests.moto_server import REGION, client, moto_server, use_credentials
from tests.small_library import small_library

NAME = "api/2026-11"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with moto_server() as running:
        yield running


@pytest.fixture
def kms(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, KmsWrapping]]:
    use_credentials(monkeypatch)
    with client("kms", url) as made:
        key = made.create_key()["KeyMetadata"]["KeyId"]
        yield made, KmsWrapping(key, REGION, url)


def keys_in(folder: Path) -> DataKeys:
    return DataKeys(folder / "data", lambda: read_masters(folder))


def replaced(home: Path, kms: KmsWrapping | None = None) -> int:
    with reopen(home) as log:
        return replace_master(home / "keys", kms=kms, rewrap=log.data_keys.rewrap)


def sealed(home: Path) -> EvidenceLog:
    log = make(home)
    log.append([observation(b"personal", sealed=True)])
    return log


def test_a_master_key_in_kms_never_lies_bare(tmp_path: Path, kms: tuple[Any, KmsWrapping]) -> None:
    """What lies in the folder is wrapped; without KMS it opens nothing, and the refusal says what to see to."""
    _, wrapping = kms
    create_master(tmp_path, kms=wrapping)
    data = keys_in(tmp_path)
    bytes_ = data.seal(NAME, b"content")
    [master] = read_masters(tmp_path)
    assert not any(
        master in path.read_bytes() or master.hex().encode() in path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    )
    assert keys_in(tmp_path).unseal(NAME, bytes_) == b"content"
    stated = (tmp_path / "master.kms").read_text()
    (tmp_path / "master.kms").write_text(stated.replace(str(wrapping.endpoint_url), "http://127.0.0.1:9"))
    with pytest.raises(StoreUnavailable, match=r"does not unwrap the master key: .* see to the key"):
        keys_in(tmp_path)


@pytest.mark.parametrize("to_kms", [False, True])
def test_what_was_sealed_is_read_after_the_master_key_was_replaced(
    tmp_path: Path, kms: tuple[Any, KmsWrapping], to_kms: bool
) -> None:
    """Also by a process that had the old one, and from a file to KMS and back."""
    with sealed(tmp_path / "store") as log:
        assert replaced(tmp_path / "store", kms[1] if to_kms else None) == 1
        log.append([observation(b"later", sealed=True)])
        assert [log.body(entry) for _, entry in log.entries(0)] == [b"personal", b"later"]
    there = {path.name for path in (tmp_path / "store" / "keys").glob("master*")}
    assert there == ({"master.kms"} if to_kms else {"master.hex"})
    assert replaced(tmp_path / "store") == 1
    with reopen(tmp_path / "store") as log:
        assert [log.body(entry) for _, entry in log.entries(0)] == [b"personal", b"later"]


def test_a_replacement_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    """Between any two steps everything can be read, and doing it again ends it."""
    sealed(tmp_path).close()
    with reopen(tmp_path) as log, pytest.raises(StoreUnavailable):
        replace_master(tmp_path / "keys", kms=None, rewrap=_fails)
    with reopen(tmp_path) as log:
        assert log.body(log.entry(0)) == b"personal"
        log.append([observation(b"between", sealed=True, source="other")])
    assert replaced(tmp_path) == 1
    with reopen(tmp_path) as log:
        assert [log.body(entry) for _, entry in log.entries(0)] == [b"personal", b"between"]
    assert [path.name for path in (tmp_path / "keys").glob("master*")] == ["master.hex"]


def _fails() -> int:
    raise StoreUnavailable("The disk is full.")


def test_what_was_erased_cannot_be_read_in_a_backup_once_the_master_key_was_replaced(tmp_path: Path) -> None:
    """A backup without the master key, and one made of it with the new key put back: the erased key opens in neither."""
    with sealed(tmp_path / "store") as log:
        log.append([observation(b"of others", sealed=True, source="other")])
        backup(tmp_path / "store", tmp_path / "copy", master=False)
        key = "api/2026-11"
        assert log.data_keys.destroy(key, log.data_keys.fingerprint(key) or "")
    replaced(tmp_path / "store")
    assert verify_store(tmp_path / "copy").ok
    with pytest.raises(StoreMissing, match=r"master\.hex is missing"):
        reopen(tmp_path / "copy")
    shutil.copy(tmp_path / "store" / "keys" / "master.hex", tmp_path / "copy" / "keys")
    with (
        reopen(tmp_path / "copy") as copy,
        pytest.raises(StoreTampered, match="not wrapped by this store's master"),
    ):
        copy.body(copy.entry(0))
    shutil.rmtree(tmp_path / "copy" / "keys" / "data")
    shutil.copytree(tmp_path / "store" / "keys" / "data", tmp_path / "copy" / "keys" / "data")
    with reopen(tmp_path / "copy") as copy:
        with pytest.raises(ContentGone):
            copy.body(copy.entry(0))
        assert copy.body(copy.entry(1)) == b"of others"


def test_the_command_replaces_the_master_key_by_one_in_kms(
    tmp_path: Path,
    kms: tuple[Any, KmsWrapping],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An entry says that it was done, and the person is told what is left to do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("MUNIMENT_CONTROLS", str(small_library(tmp_path / "controls")))
    assert run(["init"]) == 0
    assert run(["token", "create", "--scope", "auditor"]) == 0
    where = ["--region", REGION, "--endpoint-url", str(kms[1].endpoint_url)]
    assert run(["key", "rewrap", "--kms", kms[1].key_id, *where]) == 0
    assert "wrapped by a new master key" in capsys.readouterr().out
    assert (tmp_path / "store" / "keys" / "master.kms").exists()
    assert run(["verify", "--projections"]) == 0
    assert run(["key", "rewrap", "--kms", "no-such-key", *where]) == 2
    assert "does not wrap" in capsys.readouterr().err
    assert run(["backup", str(tmp_path / "copy"), "--without-master"]) == 0
    assert not list((tmp_path / "copy" / "keys").glob("master*"))
