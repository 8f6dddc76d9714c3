"""The anchor: the last signed size and root, kept in a second place, against roll-back and fork.

Whoever restores yesterday's backup, or copies a machine and lets both go on, has a store that is whole
in itself: nothing in it says that more was signed. The anchor does. It is asked when the store is
opened and verified, and told at most once a second while the log grows. It holds the checkpoint as
published, never one of a smaller size, and refuses one of another root.

It should be out of reach of what can happen to the store: another disk, another machine's folder, a
bucket (``s3://BUCKET/PREFIX``). Its words are taken for what was signed, so it is as much trusted as a
backup is: a false anchor can stop a store, not change it.
"""

from __future__ import annotations

import logging
import threading
import time
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from compliance.durable import PUBLIC, put_file, refusing
from compliance.errors import InputRefused, MunimentError, NotFound, StoreTampered, StoreUnavailable
from compliance.note import Checkpoint, split_note
from compliance.settings import EvidenceSettings

TOLD_EVERY_SECONDS = 1.0
BUCKET_SCHEME = "s3://"
REMEDY = (
    "Restore the newest backup; where nothing newer is left, `muniment recover DIR` starts a successor log"
    " that says what was lost."
)

logger = logging.getLogger("muniment.anchor")


class Anchored(Protocol):
    """What the anchor needs of a log."""

    @property
    def origin(self) -> str:
        """The name of the log."""
        ...

    @property
    def size(self) -> int:
        """The published size."""
        ...

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        ...

    def checkpoint(self, size: int | None = None) -> str:
        """The signed checkpoint."""
        ...


class AnchorPlace(Protocol):
    """A second place that keeps one note for each log."""

    @property
    def named(self) -> str:
        """What it is called in a message."""
        ...

    def read(self, origin: str) -> str | None:
        """The note kept for a log; None where there is none. Raises StoreUnavailable."""
        ...

    def write(self, origin: str, note: str) -> None:
        """Keep a note in place of the one before, durably. Raises StoreUnavailable."""
        ...


class AnchorFolder:
    """A folder: on another disk, or of another machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.named = f"the anchor {folder}"

    def read(self, origin: str) -> str | None:
        """The note kept for a log; None where there is none."""
        if not self._folder.is_dir():
            raise StoreUnavailable(f"{self.named} is no folder; make it, or mount the disk that holds it.")
        with refusing(f"Reading {self.named}"):
            try:
                return self._path(origin).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return None

    def write(self, origin: str, note: str) -> None:
        """Keep a note, durably. The folder itself is never made: an unmounted disk must not go unnoticed."""
        with refusing(f"Writing {self.named}"):
            put_file(self._path(origin), note.encode(), mode=PUBLIC)

    def _path(self, origin: str) -> Path:
        return self._folder / f"{_file_name(origin)}.checkpoint"


class AnchorBucket:
    """A bucket, by ``s3://BUCKET/PREFIX``; versioning, where it is on, keeps every note."""

    def __init__(self, address: str, endpoint_url: str | None) -> None:
        self._bucket, _, prefix = address.removeprefix(BUCKET_SCHEME).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = boto3.client("s3", endpoint_url=endpoint_url)
        self.named = f"the anchor {address}"

    def read(self, origin: str) -> str | None:
        """The note kept for a log; None where there is none."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._key(origin))
            return found["Body"].read().decode("utf-8", "replace")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise self._unreachable(error) from error
        except BotoCoreError as error:
            raise self._unreachable(error) from error

    def write(self, origin: str, note: str) -> None:
        """Keep a note, durably."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._key(origin), Body=note.encode())
        except (BotoCoreError, ClientError) as error:
            raise self._unreachable(error) from error

    def _key(self, origin: str) -> str:
        return f"{self._prefix}{_file_name(origin)}.checkpoint"

    def _unreachable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self.named} cannot be reached: {error}.")


def anchor_place(address: str, *, endpoint_url: str | None = None) -> AnchorPlace:
    """The place that ``evidence.anchor`` names. Raises InputRefused for an address of another kind."""
    if address.startswith(BUCKET_SCHEME):
        return AnchorBucket(address, endpoint_url)
    if "://" in address or not address.strip():
        message = f"The anchor {address!r} is neither a folder nor s3://BUCKET/PREFIX."
        raise InputRefused(message, field="evidence.anchor")
    return AnchorFolder(Path(address))


def configured_place(settings: EvidenceSettings) -> AnchorPlace | None:
    """The place that the settings name; None where they name none."""
    if settings.anchor is None:
        return None
    return anchor_place(settings.anchor, endpoint_url=settings.endpoint_url)


class Anchor:
    """The second place of one log. Safe to share between threads."""

    def __init__(self, place: AnchorPlace, log: Anchored) -> None:
        self._place = place
        self._log = log
        self._one = threading.Lock()
        self._told_at = float("-inf")
        self._told_size = -1
        self.failure: str | None = None
        """Why it could not be told of the last checkpoint, or None."""

    @property
    def named(self) -> str:
        """What it is called in a message."""
        return self._place.named

    def known(self) -> Checkpoint | None:
        """The checkpoint that it holds; None where it holds none yet. Raises StoreUnavailable, StoreTampered."""
        return checkpoint_at(self._place, self._log.origin)

    def guard(self) -> None:
        """Raise StoreTampered where the log is behind what the anchor holds, or forked from it."""
        known = self.known()
        if known is not None and known.size == self._log.size:
            self._told_size = known.size
        if known is not None and (fault := fault_of(known, self._log.size, self._root, self.named)):
            raise StoreTampered(fault, index=min(known.size, self._log.size), field="evidence.anchor")

    def take_up(self) -> None:
        """Guard; where the place cannot be asked, keep that as ``failure``. Raises StoreTampered."""
        try:
            self.guard()
        except StoreUnavailable as error:
            self._failed(error)

    def close(self) -> None:
        """Tell of the last checkpoint. What is wrong was told before, or will be when it is opened again."""
        with suppress(MunimentError):
            self.tell(always=True)

    def tell(self, *, always: bool = False) -> None:
        """Keep the published checkpoint, at most once a second unless ``always``.

        What is durable stays durable where the anchor cannot be reached: that is kept as ``failure``
        and shown. Raises StoreTampered where the anchor knows more than this log has.
        """
        if self._is_due(always=always) and self._one.acquire(blocking=always):
            try:
                self._tell()
            finally:
                self._one.release()

    def _is_due(self, *, always: bool) -> bool:
        late = time.monotonic() - self._told_at >= TOLD_EVERY_SECONDS
        return self._log.size != self._told_size and (always or late)

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        try:
            self.guard()
            note = self._log.checkpoint()
            self._place.write(self._log.origin, note)
        except StoreUnavailable as error:
            self._failed(error)
        else:
            self.failure = None
            self._told_size = Checkpoint.parse(split_note(note)[0]).size

    def _failed(self, error: MunimentError) -> None:
        if self.failure is None:
            logger.warning("the anchor was not told of the last checkpoint: %s", error.message)
        self.failure = error.message

    def _root(self, size: int) -> bytes | None:
        try:
            return self._log.root(size)
        except NotFound:
            return None


def checkpoint_at(place: AnchorPlace, origin: str) -> Checkpoint | None:
    """The checkpoint that a place keeps for a log; None where there is none.

    Its signature is not asked for: the place is trusted for what it keeps, and keys are renewed.
    """
    note = place.read(origin)
    if note is None:
        return None
    try:
        checkpoint = Checkpoint.parse(split_note(note)[0])
    except InputRefused as error:
        message = (
            f"{place.named} does not hold a checkpoint of {origin}: {error.message} See who wrote there."
        )
        raise StoreTampered(message, field="evidence.anchor") from error
    if checkpoint.origin != origin:
        message = f"{place.named} holds a checkpoint of {checkpoint.origin}; expected {origin}."
        raise StoreTampered(message, field="evidence.anchor")
    return checkpoint


def fault_of(known: Checkpoint, size: int, root: Callable[[int], bytes | None], named: str) -> str | None:
    """What is wrong with a log of ``size`` entries beside what was signed; None where nothing is.

    ``root`` gives the log's own root at a size.
    """
    if known.size > size:
        return (
            f"The store has {size} entries, but {named} holds a signed checkpoint of {known.size}: the storage is"
            f" behind, as after an older backup was restored. {REMEDY}"
        )
    if root(known.size) != known.root:
        return (
            f"The store has another root for its first {known.size} entries than {named} holds: it is a fork of"
            f" the log that was signed. {REMEDY}"
        )
    return None


def _file_name(origin: str) -> str:
    return urllib.parse.quote(origin, safe="")
