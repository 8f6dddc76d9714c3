"""Appending to a bucket when it fails: each write lost, and each write kept but reported failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compliance.bucket import Bucket
from compliance.errors import StoreUnavailable
from compliance.log import EvidenceLog
from compliance.merkle import leaf_hash, root_of
from compliance.note import Checkpoint, split_note
from compliance.place import BucketPlace
from tests.logs import ORIGIN, Clock, observation
from tests.moto_server import client, moto_server, use_credentials


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with moto_server() as running:
        yield running


@pytest.fixture
def bucket(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    use_credentials(monkeypatch)
    name = f"b{uuid4().hex[:12]}"
    with client("s3", url) as made:
        made.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    found = Bucket(name, endpoint_url=url)
    yield found
    found.close()


def opened(home: Path, bucket: Bucket) -> EvidenceLog:
    """The log, made where there is none."""
    place = BucketPlace(Bucket(bucket.name, endpoint_url=bucket.endpoint_url), Clock())
    if (home / "keys").exists():
        return EvidenceLog.open(home, clock=Clock(), place=place)
    return EvidenceLog.create(home, origin=ORIGIN, clock=Clock(), place=place)


class Fault:
    """Makes the nth call of a method fail, before or after it took effect."""

    def __init__(self, method: Callable[..., Any], number: int, *, persisted: bool) -> None:
        self.method = method
        self.left = number
        self.persisted = persisted

    def bound(self) -> Callable[..., Any]:
        """The method, with the fault in it."""

        def call(bucket: Bucket, *args: Any) -> Any:
            self.left -= 1
            if self.left != 0:
                return self.method(bucket, *args)
            if self.persisted:
                self.method(bucket, *args)
            raise StoreUnavailable("injected")

        return call


WANTED: list[bytes | None] = [b"a", bytes(5000), b"c", b"d"]


def bodies(log: EvidenceLog) -> list[bytes | None]:
    return [log.body(entry) for _, entry in log.entries(0)]


def filled(home: Path, bucket: Bucket) -> EvidenceLog:
    """A log two entries short of a full bundle."""
    log = opened(home, bucket)
    log.append([observation(b"%d" % each) for each in range(254)])
    return log


def check_whole(home: Path, bucket: Bucket, expected: list[bytes | None]) -> None:
    """Opened again the log has these entries, its checkpoint in the bucket is of their tree, and it goes on."""
    with opened(home, bucket) as log:
        assert bodies(log) == expected
        leaves = [leaf_hash(log.leaf(index)) for index in range(log.size)]
    published = Checkpoint.parse(split_note((bucket.read("log/checkpoint") or b"").decode())[0])
    assert (published.size, published.root) == (len(expected), root_of(leaves))
    with opened(home, bucket) as log:
        assert log.append([observation(b"afterwards")]) == [len(expected)]


def check_locked(home: Path, bucket: Bucket, patch: pytest.MonkeyPatch, number: int, persisted: bool) -> None:
    """A payload or a full tile that cannot be written fails the append: all or nothing of it is there."""
    with filled(home, bucket) as log:
        before = bodies(log)
        with patch.context() as patched:
            fault = Fault(Bucket.put_locked, number, persisted=persisted)
            patched.setattr(Bucket, "put_locked", fault.bound())
            with pytest.raises(StoreUnavailable, match="injected"):
                log.append([observation(body) for body in WANTED])
            assert fault.left == 0
        log.append([observation(b"next")])
        found = bodies(log)
        assert found in ([*before, b"next"], [*before, *WANTED, b"next"])
    check_whole(home, bucket, found)


def check_published(
    home: Path, bucket: Bucket, patch: pytest.MonkeyPatch, number: int, persisted: bool
) -> None:
    """A checkpoint or partial tile that cannot be written takes nothing back: the next opening publishes it."""
    log = filled(home, bucket)
    before = bodies(log)
    with patch.context() as patched:
        fault = Fault(Bucket.put, number, persisted=persisted)
        patched.setattr(Bucket, "put", fault.bound())
        log.append([observation(body) for body in WANTED])
        log.close()
        assert fault.left <= 0
    check_whole(home, bucket, [*before, *WANTED])


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("number", [1, 3])
def test_a_locked_object_that_fails_leaves_all_or_nothing(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, number: int, persisted: bool
) -> None:
    """Whether the payload or the full bundle fails, the log is whole and goes on."""
    check_locked(tmp_path, bucket, monkeypatch, number, persisted)


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
def test_a_publication_that_fails_takes_nothing_back(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, persisted: bool
) -> None:
    """What was acknowledged is in the head, whatever the bucket says to the checkpoint."""
    check_published(tmp_path, bucket, monkeypatch, 1, persisted)


@pytest.mark.soak
@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_every_write_to_a_bucket_may_fail(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, number: int, persisted: bool
) -> None:
    """The same, at every other write of both kinds."""
    if number < 4:
        check_locked(tmp_path / "locked", bucket, monkeypatch, number, persisted)
    else:
        check_published(tmp_path / "published", bucket, monkeypatch, 2, persisted)
