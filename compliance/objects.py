"""Payloads: content-addressed, write-once, each kept until a date of its own.

A payload is named by the SHA-256 of its bytes as stored. ``Payloads`` is the port; here is the
store on the local disk, in ``compliance.bucket`` the one on S3 Object Lock. The rules are those of
compliance mode, whichever store it is:

1. Bytes that are there are never replaced; the same bytes may be put again.
2. The date until which a payload is kept can be moved later, never earlier.
3. Nothing is removed before its date, nor while a legal hold lies on it, nor without a date.
4. A hold has no end of its own: it is placed and released, whatever the date.

On the local disk a payload lies at ``payloads/sha256/<first two hex digits>/<all hex digits>``, a
read-only file whose modification time is the date until which it is kept (as WORM file systems have
it); a hold is an empty file of its name in ``payloads/holds``. That keeps our own programs and
honest administrators to the rules; only Object Lock keeps a dishonest one.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from compliance.canonical import format_time, from_micros, micros, sha256_hex
from compliance.durable import READ_ONLY, make_folder, refusing, rename, staged_in, sync_folder, write_file
from compliance.errors import ContentHeld, StoreTampered

LONGEST = timedelta(days=3660)
"""Ten years, the longest duty that any framework here states (Regulation (EU) 2024/1689, Article 18)."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MICROS_IN_NANOS = 1000


@dataclass(frozen=True)
class Lock:
    """Until when a payload is kept (UTC; None: no date is set), and whether a legal hold lies on it."""

    until: datetime | None
    held: bool

    def refuse_removal(self, digest: str, now: datetime) -> None:
        """Raise ContentHeld where the payload may not go yet."""
        if self.held:
            raise ContentHeld(f"The payload {digest} is under a legal hold; release the hold first.")
        if self.until is None:
            raise ContentHeld(f"The payload {digest} has no date until which it is kept; set one first.")
        if now < self.until:
            until = format_time(self.until)
            raise ContentHeld(f"The payload {digest} is kept until {until}; it cannot be removed before.")


class Payloads(Protocol):
    """Where payloads lie. Safe to share between threads."""

    def put(self, body: bytes, until: datetime | None = None) -> str:
        """Store bytes, kept until that instant; returns their SHA-256. Durable at return.

        Raises StoreUnavailable. Bytes that are there already stay, and are kept for the longer of both.
        """
        ...

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256. Raises StoreTampered if they are not there or are others."""
        ...

    def size(self, digest: str) -> int | None:
        """How many bytes are stored under that name, unread; None where there is nothing."""
        ...

    def names(self) -> Iterator[str]:
        """Everything that lies among the payloads, by its path from there: ``sha256/ab/ab…``."""
        ...

    def is_plain(self, name: str) -> bool:
        """Whether what lies there is bytes of its own, not a name for others."""
        ...

    def hashed(self, name: str) -> tuple[str, int] | None:
        """SHA-256 and size of what lies at a path, read as a stream; None where it cannot be read."""
        ...

    def lock(self, digest: str) -> Lock:
        """Until when it is kept. Raises StoreTampered where it is not there."""
        ...

    def extend(self, digest: str, until: datetime) -> None:
        """Keep it longer. Raises ContentHeld for an earlier date than it has."""
        ...

    def hold(self, digest: str, *, held: bool) -> None:
        """Place or release a legal hold on one payload."""
        ...

    def remove(self, digest: str, now: datetime) -> None:
        """Remove the bytes for good. Raises ContentHeld before their date or under a hold."""
        ...


def place_of(digest: str) -> str:
    """The path of a payload among the payloads. Raises StoreTampered for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise StoreTampered(f"{digest[:80]!r} is no SHA-256 digest; the entry that names it is not ours.")
    return f"sha256/{digest[:2]}/{digest}"


def checked(digest: str, body: bytes) -> bytes:
    """The bytes, if they are those of the digest. Raises StoreTampered."""
    found = sha256_hex(body)
    if found != digest:
        message = f"The payload {digest} was changed: its bytes now have the SHA-256 {found}."
        raise StoreTampered(message, field=digest)
    return body


def missing(digest: str) -> StoreTampered:
    """What is raised for a payload that is not there."""
    return StoreTampered(f"The payload {digest} is missing; restore it from a backup.", field=digest)


class PayloadFolder:
    """The payloads of a store on the local disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the payload of that SHA-256 lies. Raises StoreTampered for what is no digest."""
        return self.folder / place_of(digest)

    def put(self, body: bytes, until: datetime | None = None) -> str:
        """Store bytes (``Payloads.put``).

        A file that is there already is kept if it holds these bytes; one that a power cut left
        torn is written again.
        """
        digest = sha256_hex(body)
        path = self.path(digest)
        with refusing("Storing a payload"):
            if not _holds(path, body):
                self._write(path, body, until)
            elif until is not None and self.lock(digest).until != until:
                _keep(path, max(until, self.lock(digest).until or until))
            # Also where it was there: whoever wrote it may not have come this far.
            sync_folder(path.parent)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256 (``Payloads.get``)."""
        try:
            return checked(digest, self.path(digest).read_bytes())
        except FileNotFoundError as error:
            raise missing(digest) from error
        except OSError as error:
            message = f"The payload {digest} cannot be read: {error.strerror}."
            raise StoreTampered(message, field=digest) from error

    def size(self, digest: str) -> int | None:
        """How many bytes are stored under that name."""
        try:
            return self.path(digest).stat().st_size
        except OSError:
            return None

    def names(self) -> Iterator[str]:
        """Everything that lies among the payloads; nothing in particular is said of the order."""
        for folder, _, names in os.walk(self.folder / "sha256"):
            for name in names:
                yield (Path(folder) / name).relative_to(self.folder).as_posix()

    def is_plain(self, name: str) -> bool:
        """Whether it is a regular file, or one that went since it was listed."""
        try:
            return stat.S_ISREG((self.folder / name).lstat().st_mode)
        except FileNotFoundError:
            return True

    def hashed(self, name: str) -> tuple[str, int] | None:
        """SHA-256 and size of a file."""
        try:
            with (self.folder / name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        except OSError:
            return None

    # --- how long ------------------------------------------------------------------------------

    def lock(self, digest: str) -> Lock:
        """Until when it is kept: the modification time of its file."""
        try:
            changed = self.path(digest).stat().st_mtime_ns // _MICROS_IN_NANOS
        except OSError as error:
            raise missing(digest) from error
        return Lock(from_micros(changed), self._hold(digest).exists())

    def extend(self, digest: str, until: datetime) -> None:
        """Keep it longer."""
        kept = self.lock(digest).until
        if kept is not None and until < kept:
            raise ContentHeld(
                f"The payload {digest} is kept until {format_time(kept)}; found the earlier"
                f" {format_time(until)}. A date can only be moved later."
            )
        with refusing("Keeping a payload longer"):
            _keep(self.path(digest), until)

    def hold(self, digest: str, *, held: bool) -> None:
        """Place or release a legal hold."""
        self.lock(digest)
        mark = self._hold(digest)
        with refusing("Placing or releasing a legal hold"):
            make_folder(mark.parent)
            if held:
                write_file(mark, b"", mode=READ_ONLY, sync=True)
            else:
                mark.unlink(missing_ok=True)
            sync_folder(mark.parent)

    def remove(self, digest: str, now: datetime) -> None:
        """Remove the bytes for good."""
        self.lock(digest).refuse_removal(digest, now)
        with refusing("Removing a payload"):
            self.path(digest).unlink()
            sync_folder(self.path(digest).parent)

    # --- inside --------------------------------------------------------------------------------

    def _hold(self, digest: str) -> Path:
        return self.folder / "holds" / digest

    def _write(self, path: Path, body: bytes, until: datetime | None) -> None:
        make_folder(path.parent)
        make_folder(self.folder / "staging")
        staged = staged_in(self.folder / "staging")
        try:
            write_file(
                staged, body, mode=READ_ONLY, sync=True, dated=None if until is None else micros(until)
            )
            rename(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def _keep(path: Path, until: datetime) -> None:
    nanos = micros(until) * _MICROS_IN_NANOS
    os.utime(path, ns=(nanos, nanos))


def _holds(path: Path, body: bytes) -> bool:
    try:
        return path.read_bytes() == body
    except FileNotFoundError:
        return False
