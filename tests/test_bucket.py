"""The store in a bucket with Object Lock: written once and looked at, laid out as in the folder, published when due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compliance.bucket import Bucket, whole_second
from compliance.bucketlog import LogBucket
from compliance.canonical import sha256_hex
from compliance.cli import run
from compliance.errors import ContentHeld, InputRefused, StoreExists, StoreMissing, StoreTampered
from compliance.log import EvidenceLog
from compliance.objects import Payloads
from compliance.payloadbucket import PayloadBucket
from compliance.place import BucketPlace
from compliance.tiles import Tile
from tests.logs import ORIGIN, START, Clock, observation
from tests.moto_server import client, moto_server, use_credentials
from tests.small_library import small_library

BODY = b"what is kept"
DIGEST = sha256_hex(BODY)
KEY = f"payloads/sha256/{DIGEST[:2]}/{DIGEST}"
UNTIL = START + timedelta(days=4000, microseconds=1)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with moto_server() as running:
        yield running


@pytest.fixture
def s3(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    use_credentials(monkeypatch)
    with client("s3", url) as made:
        yield made


@pytest.fixture
def bucket(url: str, s3: Any) -> Iterator[Bucket]:
    name = f"b{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    made = Bucket(name, endpoint_url=url)
    yield made
    made.close()


@pytest.fixture
def payloads(bucket: Bucket) -> Payloads:
    return PayloadBucket(bucket)


def opened(home: Path, bucket: Bucket, **more: Any) -> EvidenceLog:
    """The log in a bucket, made where there is none; nothing but closing publishes within an hour."""
    clock = Clock()
    place = BucketPlace(Bucket(bucket.name, endpoint_url=bucket.endpoint_url), clock)
    if (home / "keys").exists():
        return EvidenceLog.open(home, clock=clock, place=place, **more)
    return EvidenceLog.create(home, origin=ORIGIN, clock=clock, place=place, **more)


# --- a bucket that is fit ----------------------------------------------------------------------


def test_a_bucket_without_object_lock_is_refused(s3: Any, url: str) -> None:
    """What cannot lock keeps no evidence; nor does one that is not there."""
    s3.create_bucket(Bucket="plain-bucket")
    with pytest.raises(
        InputRefused, match="plain-bucket has no Object Lock; expected one made with Object Lock"
    ):
        Bucket("plain-bucket", endpoint_url=url).require_fit()
    with pytest.raises(InputRefused, match="There is no bucket nowhere-at-all"):
        Bucket("nowhere-at-all", endpoint_url=url).require_fit()


def test_a_default_retention_is_refused(s3: Any, bucket: Bucket) -> None:
    """It would lock checkpoint and partial tiles too, which are replaced all the time."""
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=configuration)
    with pytest.raises(InputRefused, match=r"default retention \(GOVERNANCE\), which would lock checkpoint"):
        bucket.require_fit()


# --- payloads ----------------------------------------------------------------------------------


def test_a_payload_is_written_once_locked_and_read_back(s3: Any, bucket: Bucket, payloads: Payloads) -> None:
    """One PUT with checksum, mode and date; the date is kept in full, so it is rounded up to the second."""
    assert payloads.put(BODY, UNTIL) == DIGEST
    seen = s3.head_object(Bucket=bucket.name, Key=KEY, ChecksumMode="ENABLED")
    assert (seen["ObjectLockMode"], seen["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", whole_second(UNTIL))
    assert seen["ChecksumSHA256"]
    assert (payloads.get(DIGEST), payloads.size(DIGEST)) == (BODY, len(BODY))
    assert payloads.lock(DIGEST).until == whole_second(UNTIL) > UNTIL
    assert list(payloads.names()) == [f"sha256/{DIGEST[:2]}/{DIGEST}"]


def test_the_same_bytes_are_kept_for_the_longer_of_both_dates(
    s3: Any, bucket: Bucket, payloads: Payloads
) -> None:
    """Putting again writes nothing, and a date only ever moves later."""
    payloads.put(BODY, UNTIL)
    payloads.put(BODY, UNTIL - timedelta(days=1))
    assert payloads.lock(DIGEST).until == whole_second(UNTIL)
    payloads.put(BODY, UNTIL + timedelta(days=1))
    assert payloads.lock(DIGEST).until == whole_second(UNTIL + timedelta(days=1))
    assert len(s3.list_object_versions(Bucket=bucket.name, Prefix=KEY)["Versions"]) == 1
    with pytest.raises(ContentHeld, match="found the earlier"):
        payloads.extend(DIGEST, UNTIL)


def test_a_payload_goes_after_its_date_unless_it_is_held(payloads: Payloads) -> None:
    """Neither before the date nor under a legal hold is anything removed."""
    payloads.put(BODY, START - timedelta(days=1))
    with pytest.raises(ContentHeld, match="is kept until"):
        payloads.remove(DIGEST, START - timedelta(days=2))
    payloads.hold(DIGEST, held=True)
    with pytest.raises(ContentHeld, match="under a legal hold; release the hold first"):
        payloads.remove(DIGEST, START)
    payloads.hold(DIGEST, held=False)
    payloads.remove(DIGEST, START)
    assert payloads.size(DIGEST) is None
    with pytest.raises(StoreTampered, match="is missing"):
        payloads.lock(DIGEST)


def test_what_is_put_over_a_payload_does_not_hide_it(s3: Any, bucket: Bucket, payloads: Payloads) -> None:
    """A delete marker and other versions may lie above; the locked bytes beneath are found by their digest."""
    payloads.put(BODY, UNTIL)
    s3.delete_object(Bucket=bucket.name, Key=KEY)
    assert payloads.get(DIGEST) == BODY
    s3.put_object(Bucket=bucket.name, Key=KEY, Body=b"other")
    assert payloads.get(DIGEST) == BODY


def test_other_bytes_under_a_name_are_never_served(s3: Any, bucket: Bucket, payloads: Payloads) -> None:
    """Where nothing of the digest is there the payload was changed, or is missing; neither is taken for it."""
    s3.put_object(Bucket=bucket.name, Key=KEY, Body=b"other")
    with pytest.raises(StoreTampered, match=f"{DIGEST} was changed"):
        payloads.get(DIGEST)
    with pytest.raises(StoreTampered, match=f"{DIGEST} was changed"):
        payloads.put(BODY, UNTIL)
    with pytest.raises(StoreTampered, match="is missing"):
        payloads.get(sha256_hex(b"nothing"))


def test_a_bucket_that_says_yes_and_locks_nothing_is_found_out(
    bucket: Bucket, payloads: Payloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written is looked at while the bytes are still in our hands."""
    send = bucket.client.put_object
    monkeypatch.setattr(
        bucket.client, "put_object",
        lambda **asked: send(**{k: v for k, v in asked.items() if not k.startswith("ObjectLock")}),
    )  # fmt: skip
    with pytest.raises(StoreTampered, match="does not lock it: found mode None"):
        payloads.put(BODY, UNTIL)


# --- the log -----------------------------------------------------------------------------------


def test_the_log_lies_in_the_bucket_as_in_the_folder(s3: Any, bucket: Bucket, tmp_path: Path) -> None:
    """Tiles, bundles, checkpoint and verifier key at the same paths; full tiles locked, the rest not."""
    with opened(tmp_path, bucket) as log:
        log.append([observation(bytes(9000))])
        log.append([observation(b"entry %d" % number) for number in range(1, 300)])
    keys = [key for key, _ in bucket.keys("")]
    assert keys == [
        "log/checkpoint", "log/tile/0/000", "log/tile/0/001.p/44", "log/tile/1/000.p/1", "log/tile/entries/000",
        "log/tile/entries/001.p/44", "log/vkey", keys[-1],
    ]  # fmt: skip
    assert keys[-1].startswith("payloads/sha256/")
    locked = {key for key in keys if "ObjectLockMode" in s3.head_object(Bucket=bucket.name, Key=key)}
    assert locked == {"log/tile/0/000", "log/tile/entries/000", keys[-1]}
    assert not (tmp_path / "log" / "tile").exists()
    assert not (tmp_path / "payloads").exists()


def test_what_was_appended_is_read_before_and_after_it_is_published(bucket: Bucket, tmp_path: Path) -> None:
    """An append is durable and readable at its return; the checkpoint in the bucket may follow within a second."""
    with opened(tmp_path, bucket) as log:
        for number in range(5):
            assert log.append([observation(b"entry %d" % number, sealed=True)]) == [number]
            assert log.body(log.entry(number)) == b"entry %d" % number
        assert log.size == 5
        note, proof = log.checkpoint(), log.prove(3)
        assert published_size(bucket) < 5
    assert published_size(bucket) == 5
    with opened(tmp_path, bucket, read_only=True) as log:
        assert (log.checkpoint(), log.prove(3)) == (note, proof)
        assert [log.body(entry) for _, entry in log.entries(0)] == [b"entry %d" % n for n in range(5)]


def test_what_was_not_published_before_a_crash_is_at_the_next_opening(bucket: Bucket, tmp_path: Path) -> None:
    """The head holds what the bucket has not seen: opening the log publishes it."""
    log = opened(tmp_path, bucket)
    for number in range(10):
        log.append([observation(b"entry %d" % number)])
    log.append([observation(b"entry %d" % number) for number in range(10, 300)])
    # As a process that is killed: nothing is closed.
    with opened(tmp_path, bucket) as again:
        assert again.size == 300
    assert published_size(bucket) == 300
    assert log.append([observation(b"one more")]) == [300]
    log.close()
    assert published_size(bucket) == 301


def test_two_processes_append_to_one_bucket(bucket: Bucket, tmp_path: Path) -> None:
    """Each takes up what the other has left, published or not, and nothing is lost or put twice."""
    one, other = opened(tmp_path, bucket), opened(tmp_path, bucket)
    indexes = [log.append([observation(b"entry %d" % n)])[0] for n in range(6) for log in (one, other)]
    assert indexes == list(range(12))
    one.close()
    assert other.append([observation(b"after")]) == [12]
    other.close()
    with opened(tmp_path, bucket, read_only=True) as log:
        assert [index for index, _ in log.entries(0)] == list(range(13))


def test_a_bucket_has_one_log(bucket: Bucket, tmp_path: Path) -> None:
    """A second log is refused, and a log is not looked for in a bucket that has none."""
    opened(tmp_path / "one", bucket).close()
    with pytest.raises(StoreExists, match="an evidence log in s3://"):
        opened(tmp_path / "two", bucket)


def test_a_log_is_not_there_by_its_keys_alone(url: str, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
    """Where the bucket has no verifier key there is no log, whatever lies in the folder."""
    opened(tmp_path, bucket).close()
    s3.create_bucket(Bucket=f"{bucket.name}-2", ObjectLockEnabledForBucket=True)
    with pytest.raises(StoreMissing, match=f"no evidence log in s3://{bucket.name}-2"):
        opened(tmp_path, Bucket(f"{bucket.name}-2", endpoint_url=url))


def test_a_tile_of_another_log_is_not_passed_over(s3: Any, bucket: Bucket, tmp_path: Path) -> None:
    """Where a full tile must lie there are other bytes: told, not overwritten, and the entries stay in the head."""
    with opened(tmp_path, bucket) as log:
        s3.put_object(Bucket=bucket.name, Key="log/tile/0/000", Body=b"another log's")
        with pytest.raises(StoreTampered, match="of another log"):
            log.append([observation(b"%d" % number) for number in range(256)])


# --- publishing when it is due -----------------------------------------------------------------


def test_the_checkpoint_is_published_at_most_once_a_second(bucket: Bucket) -> None:
    """Sizes released within a second become one checkpoint: the last; its partial tiles are there, no others are."""
    now = [1000.0]
    files = LogBucket(bucket, lambda: UNTIL, ticks=lambda: now[0])
    for size in range(1, 5):
        files.stage({Tile(0, 0, size): b"h" * 32 * size}, f"{ORIGIN}\n{size}\nroot\n")
        files.release()
        assert files.pending is (size > 1)
        assert files.note().split(b"\n")[1] == b"%d" % size
        assert files.read(f"tile/0/000.p/{size}") == b"h" * 32 * size
        now[0] += 0.3
    assert published_size(bucket) == 1
    assert files.due_in() == 0
    files.publish()
    assert published_size(bucket) == 4
    assert [key for key, _ in bucket.keys("log/tile")] == ["log/tile/0/000.p/1", "log/tile/0/000.p/4"]


def test_partial_tiles_and_replaced_checkpoints_are_swept(s3: Any, bucket: Bucket, tmp_path: Path) -> None:
    """Once a tile is full nothing is left of its partial ones, in any version; of checkpoints the newest stays."""
    with opened(tmp_path, bucket) as log:
        log.append([observation(b"first")])
    with opened(tmp_path, bucket) as log:
        log.append([observation(b"%d" % number) for number in range(255)])
    versions = s3.list_object_versions(Bucket=bucket.name, Prefix="log/")
    keys = [each["Key"] for each in versions["Versions"]]
    assert not [key for key in keys if ".p/" in key and not key.startswith("log/tile/1/")]
    assert keys.count("log/checkpoint") <= 2
    assert "DeleteMarkers" not in versions


def published_size(bucket: Bucket) -> int:
    """The size that the checkpoint in the bucket states."""
    return int((bucket.read("log/checkpoint") or b"").split(b"\n")[1])


# --- the commands ------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured store in a bucket, not made yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("MUNIMENT_CONTROLS", str(small_library(tmp_path / "controls")))
    monkeypatch.setenv("MUNIMENT_EVIDENCE__BUCKET", bucket.name)
    monkeypatch.setenv("MUNIMENT_EVIDENCE__ENDPOINT_URL", str(bucket.endpoint_url))
    return tmp_path / "store"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of a command and all that it printed."""
    code = run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_store_in_a_bucket_is_made_verified_rebuilt_and_backed_up(
    home: Path, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands work as on the folder; the backup is a folder store that verifies by itself."""
    assert said(capsys, "init")[0] == 0
    code, printed = said(capsys, "init")
    assert code == 2
    assert "never overwrites" in printed
    assert published_size(bucket) == 2
    assert said(capsys, "token", "create", "--scope", "auditor")[0] == 0
    code, printed = said(capsys, "verify", "--projections")
    assert (code, "The store verifies." in printed) == (0, True), printed
    assert said(capsys, "rebuild")[0] == 0
    assert said(capsys, "evidence", "show", "0")[0] == 0
    code, printed = said(capsys, "backup", str(tmp_path / "copy"))
    assert (code, "Copied the store" in printed) == (0, True), printed
    code, printed = said(capsys, "verify", str(tmp_path / "copy"))
    assert (code, "3 entries" in printed) == (0, True), printed
    assert sorted(path.name for path in home.iterdir()) == ["keys", "log", "operations.db", "projections"]


def test_verification_finds_what_lies_in_the_bucket_changed_missing_or_unlocked(
    home: Path, bucket: Bucket, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes and lock of every payload are looked at where they lie; each fault is a sentence of its own."""
    assert said(capsys, "init")[0] == 0
    [(key, _)] = list(bucket.keys("payloads/"))
    body = bucket.read(key)
    s3.put_object(Bucket=bucket.name, Key=key, Body=body)
    code, printed = said(capsys, "verify")
    assert code == 1
    assert f"{key} is not locked; expected Object Lock in compliance mode with a date" in printed
    s3.put_object(Bucket=bucket.name, Key=key, Body=b"other")
    assert "has the SHA-256" in said(capsys, "verify")[1]
    s3.delete_object(Bucket=bucket.name, Key=key)
    assert "is missing" in said(capsys, "verify")[1]
    assert "1 entries" not in printed
    assert home.is_dir()


def test_no_store_is_made_in_a_bucket_that_is_not_fit(
    home: Path, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused in a sentence before anything is made."""
    s3.create_bucket(Bucket="unfit-bucket")
    monkeypatch.setenv("MUNIMENT_EVIDENCE__BUCKET", "unfit-bucket")
    code, printed = said(capsys, "init")
    assert (code, "has no Object Lock; expected one made with Object Lock" in printed) == (2, True)
    assert not home.exists() or not list(home.iterdir())
