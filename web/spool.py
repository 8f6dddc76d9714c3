"""A large body on its way in: on the disk instead of in memory, and unreadable there.

What arrives may hold raw keys, which are never stored. So what is spooled is encrypted under a key that
this process holds in memory alone and forgets with the body; the file has no name.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.durable import refusing

BLOCK = 1 << 20
"""Up to so many bytes are kept in memory; the rest goes to the disk in blocks of so many."""
_TAG = 16


class Spool:
    """Bytes that are written once and then read once. Not shared between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = bytearray()
        self._file: IO[bytes] | None = None
        self._cipher = AESGCM(secrets.token_bytes(32))
        self._blocks = 0
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises StoreUnavailable where the disk takes no more."""
        self.size += len(chunk)
        self._waiting += chunk
        while len(self._waiting) > BLOCK:
            self._put(bytes(self._waiting[:BLOCK]))
            del self._waiting[:BLOCK]

    def read(self) -> bytes:
        """Everything that was written; the spool is empty afterwards."""
        parts = [*self._back(), bytes(self._waiting)]
        self.close()
        return b"".join(parts)

    def close(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _put(self, block: bytes) -> None:
        with refusing("Taking in a large body"):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (closed with the spool)
            self._file.write(self._cipher.encrypt(self._nonce(self._blocks), block, None))
            self._blocks += 1

    def _back(self) -> list[bytes]:
        if self._file is None:
            return []
        with refusing("Reading a large body back"):
            self._file.seek(0)
            return [
                self._cipher.decrypt(self._nonce(number), self._file.read(BLOCK + _TAG), None)
                for number in range(self._blocks)
            ]

    @staticmethod
    def _nonce(number: int) -> bytes:
        return number.to_bytes(12, "big")
