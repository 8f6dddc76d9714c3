"""Payloads in a bucket with Object Lock (``objects.Payloads``)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from compliance.bucket import MODE, Bucket, whole_second
from compliance.canonical import sha256_hex
from compliance.errors import InputRefused
from compliance.objects import Lock, checked, missing, place_of

PAYLOADS = "payloads/"
"""The prefix of payloads; the log's files lie under ``log/``."""


class PayloadBucket:
    """The payloads of a store in a bucket (``objects.Payloads``)."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, body: bytes, until: datetime | None = None) -> str:
        """Store bytes once; those that are there are read back and kept for the longer of both dates."""
        digest = sha256_hex(body)
        if until is None:
            raise InputRefused("A payload in a bucket needs the date until which it is kept.", field="until")
        key = _key(digest)
        if not self._bucket.put_locked(key, body, until):
            self.get(digest)
            kept = self.lock(digest).until
            if kept is None or kept < whole_second(until):
                self._bucket.extend(key, until)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256, though somebody put a delete marker or another version over them."""
        body = self._bucket.read(_key(digest))
        if body is not None and sha256_hex(body) == digest:
            return body
        beneath = self._bucket.first_version_of(_key(digest), digest)
        if beneath is not None:
            return beneath
        if body is None:
            raise missing(digest)
        return checked(digest, body)

    def size(self, digest: str) -> int | None:
        """How many bytes are stored under that name."""
        seen = self._bucket.look(_key(digest))
        return None if seen is None else seen.size

    def names(self) -> Iterator[str]:
        """Everything that lies among the payloads, in order of the names."""
        for key, _ in self._bucket.keys(PAYLOADS):
            yield key.removeprefix(PAYLOADS)

    def is_plain(self, name: str) -> bool:
        """An object is bytes of its own."""
        del name
        return True

    def hashed(self, name: str) -> tuple[str, int] | None:
        """SHA-256 and size of an object."""
        digest, size = hashlib.sha256(), 0
        for chunk in self._bucket.chunks(PAYLOADS + name):
            digest.update(chunk)
            size += len(chunk)
        return digest.hexdigest(), size

    def lock(self, digest: str) -> Lock:
        """Until when it is locked. A mode other than compliance counts as no date."""
        seen = self._bucket.look(_key(digest))
        if seen is None:
            raise missing(digest)
        return seen.lock if seen.mode == MODE else Lock(None, seen.lock.held)

    def extend(self, digest: str, until: datetime) -> None:
        """Keep it longer."""
        self._bucket.extend(_key(digest), until)

    def hold(self, digest: str, *, held: bool) -> None:
        """Place or release a legal hold."""
        self._bucket.hold(_key(digest), held=held)

    def remove(self, digest: str, now: datetime) -> None:
        """Remove the bytes for good, in every version."""
        self.lock(digest).refuse_removal(digest, now)
        self._bucket.remove(_key(digest))


def _key(digest: str) -> str:
    return PAYLOADS + place_of(digest)
