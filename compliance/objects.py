"""Payloads: write-once, content-addressed, read-only files.

A payload lies at ``payloads/sha256/<first two hex digits>/<all hex digits>``. ``put`` returns once
the bytes and the name are on the disk; the same bytes may be put again.
"""

from __future__ import annotations

import re
from pathlib import Path

from compliance.canonical import sha256_hex
from compliance.durable import READ_ONLY, make_folder, refusing, rename, staged_in, sync_folder, write_file
from compliance.errors import StoreTampered

_DIGEST = re.compile(r"[0-9a-f]{64}")


class PayloadFolder:
    """The payloads of a store on the local disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the payload of that SHA-256 lies. Raises StoreTampered for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise StoreTampered(f"{digest[:80]!r} is no SHA-256 digest; the entry that names it is not ours.")
        return self.folder / "sha256" / digest[:2] / digest

    def put(self, body: bytes) -> str:
        """Store bytes; returns their SHA-256. Durable at return; raises StoreUnavailable.

        A file that is there already is kept if it holds these bytes; one that a power cut left
        torn is written again.
        """
        digest = sha256_hex(body)
        path = self.path(digest)
        with refusing("Storing a payload"):
            if not _holds(path, body):
                self._write(path, body)
            # Also where it was there: whoever wrote it may not have come this far.
            sync_folder(path.parent)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256. Raises StoreTampered if they are not there or are others."""
        try:
            body = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            message = f"The payload {digest} is missing; restore it from a backup."
            raise StoreTampered(message, field=digest) from error
        except OSError as error:
            message = f"The payload {digest} cannot be read: {error.strerror}."
            raise StoreTampered(message, field=digest) from error
        found = sha256_hex(body)
        if found != digest:
            message = f"The payload {digest} was changed: its bytes now have the SHA-256 {found}."
            raise StoreTampered(message, field=digest)
        return body

    def _write(self, path: Path, body: bytes) -> None:
        make_folder(path.parent)
        make_folder(self.folder / "staging")
        staged = staged_in(self.folder / "staging")
        try:
            write_file(staged, body, mode=READ_ONLY, sync=True)
            rename(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def _holds(path: Path, body: bytes) -> bool:
    try:
        return path.read_bytes() == body
    except FileNotFoundError:
        return False
