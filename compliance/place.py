"""Where a store keeps its log and its payloads: in its folder, or in a bucket laid out the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from compliance.bucket import Bucket
from compliance.bucketlog import LogBucket
from compliance.durable import PUBLIC, make_folder, put_file
from compliance.errors import StoreExists
from compliance.logfiles import LogFiles, LogFolder
from compliance.objects import LONGEST, PayloadFolder, Payloads
from compliance.payloadbucket import PayloadBucket
from compliance.publication import Publication, PublicationPort
from compliance.settings import Settings


class Place(Protocol):
    """What a log is opened on."""

    @property
    def files(self) -> LogFiles:
        """Its published files."""
        ...

    @property
    def payloads(self) -> Payloads:
        """Its payloads."""
        ...

    @property
    def publication(self) -> PublicationPort:
        """What publishes new sizes."""
        ...

    def begin(self, note: str, vkey: str) -> None:
        """Publish an empty log. Raises StoreExists where there is one. The verifier key comes last."""
        ...

    def replace(self, path: str, body: bytes) -> None:
        """Put a file of the log that is neither tile nor entry bundle. Durable at return."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True)
class FolderPlace:
    """The embedded default: everything in the store's folder."""

    home: Path

    def __str__(self) -> str:
        return str(self.home / "log")

    @property
    def files(self) -> LogFolder:
        """The files in ``log/``."""
        return LogFolder(self.home / "log")

    @property
    def payloads(self) -> PayloadFolder:
        """The files in ``payloads/``."""
        return PayloadFolder(self.home / "payloads")

    @property
    def publication(self) -> Publication:
        """Renames into ``log/``."""
        return Publication(self.home / "log")

    def begin(self, note: str, vkey: str) -> None:
        """Write checkpoint and verifier key."""
        make_folder(self.home / "payloads")
        put_file(self.home / "log" / "checkpoint", note.encode(), mode=PUBLIC)
        put_file(self.home / "log" / "vkey", vkey.encode(), mode=PUBLIC)

    def replace(self, path: str, body: bytes) -> None:
        """Put a file into ``log/``."""
        put_file(self.home / "log" / path, body, mode=PUBLIC)

    def close(self) -> None:
        """Nothing is held."""


class BucketPlace:
    """S3 Object Lock. The head, the keys and the append lock stay in the store's folder or database."""

    def __init__(self, bucket: Bucket, clock: Callable[[], datetime], keeps: timedelta = LONGEST) -> None:
        """``keeps`` is how long a full tile is kept from its writing."""
        bucket.require_fit()
        self._bucket = bucket
        self._log = LogBucket(bucket, lambda: clock() + keeps)
        self.payloads: Payloads = PayloadBucket(bucket)

    def __str__(self) -> str:
        return str(self._bucket)

    @property
    def files(self) -> LogBucket:
        """The objects under ``log/``."""
        return self._log

    @property
    def publication(self) -> LogBucket:
        """The same, written."""
        return self._log

    def begin(self, note: str, vkey: str) -> None:
        """Write checkpoint and verifier key."""
        if self._bucket.read("log/vkey") is not None or self._bucket.read("log/checkpoint") is not None:
            raise StoreExists(
                f"There is an evidence log in {self._bucket} already; use it with its own keys, or name another bucket."
            )
        self._bucket.put("log/checkpoint", note.encode())
        self._bucket.put("log/vkey", vkey.encode())

    def replace(self, path: str, body: bytes) -> None:
        """Put an object under ``log/``."""
        self._bucket.put(f"log/{path}", body)

    def close(self) -> None:
        """Let go of the connections."""
        self._bucket.close()


def place_of(settings: Settings, clock: Callable[[], datetime]) -> Place:
    """Where the settings put a store. Raises InputRefused for a bucket that is not fit."""
    if settings.evidence.bucket is None:
        return FolderPlace(settings.home)
    bucket = Bucket(settings.evidence.bucket, endpoint_url=settings.evidence.endpoint_url)
    return BucketPlace(bucket, clock)
