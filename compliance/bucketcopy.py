"""A bucket's log beside the store's own files of it, in a folder: what verification and backup read.

Tiles and bundles are small beside payloads, which are read as a stream where they lie.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compliance.bucket import MODE, Bucket
from compliance.bucketlog import CHECKPOINT, LOG
from compliance.durable import PUBLIC, READ_ONLY, make_folder, refusing, write_file
from compliance.errors import StoreTampered
from compliance.rederive import Problem
from compliance.tiles import WIDTH, Tile

LOCAL = frozenset({"append.lock", "head.db", "head.db-shm", "head.db-wal", "staging"})
"""Files beside the log that are no part of it: they stay where they are."""

VOUCHED = frozenset({"cosigned", "rotated", "stamped"})
"""Folders of what others, or former keys, signed: kept beside the log wherever it lies."""


@contextmanager
def fetched(bucket: Bucket, home: Path) -> Iterator[Path]:
    """A folder with ``log/`` as the bucket has it, and what the store's folder keeps beside it.

    It lies in ``home`` and goes at the end. Raises StoreTampered where the bucket has no checkpoint.
    """
    with tempfile.TemporaryDirectory(prefix="fetched-", dir=home) as folder:
        fetch_log(bucket, home, Path(folder))
        yield Path(folder)


def fetch_log(bucket: Bucket, home: Path, folder: Path) -> None:
    """The same, into a folder that stays. The checkpoint is read first, so that what it speaks for is there."""
    note = bucket.read(LOG + CHECKPOINT)
    if note is None:
        raise StoreTampered(
            f"{bucket}/log/checkpoint is missing; restore it from a backup.", field=CHECKPOINT
        )
    with refusing("Copying the log out of its bucket"):
        make_folder(folder / "log")
        for path in sorted((home / "log").iterdir()):
            if path.name not in LOCAL and path.is_file():
                shutil.copy2(path, folder / "log")
            elif path.name in VOUCHED:
                shutil.copytree(path, folder / "log" / path.name)
        for key, _ in bucket.keys(LOG):
            body = None if key == LOG + CHECKPOINT else bucket.read(key)
            # A partial tile that was swept since it was listed is full by now, and comes later in the list.
            if body is not None:
                make_folder((folder / key).parent)
                write_file(folder / key, body, mode=READ_ONLY, sync=False)
        write_file(folder / "log" / CHECKPOINT, note, mode=PUBLIC, sync=False)


def lock_faults(bucket: Bucket) -> Iterator[Problem]:
    """Payloads and full tiles that are not locked in compliance mode, and what hides beneath another version."""
    for key, _ in bucket.keys("payloads/sha256/"):
        yield from _fault(bucket, key, None)
    for key, _ in bucket.keys(f"{LOG}tile/"):
        tile = Tile.parse(key.removeprefix(LOG))
        if tile is not None and tile.width == WIDTH:
            yield from _fault(bucket, key, tile.number * WIDTH if tile.level <= 0 else None)


def _fault(bucket: Bucket, key: str, index: int | None) -> Iterator[Problem]:
    seen = bucket.look(key)
    if seen is not None and (seen.mode != MODE or seen.lock.until is None):
        found = (
            f"{bucket}/{key} is not locked" if seen.mode is None else f"{bucket}/{key} has mode {seen.mode}"
        )
        yield Problem(index, found, f"Object Lock in {MODE.lower()} mode with a date")
