"""The secrets of a store: its signing key, its master key and its dedupe key.

They lie in ``keys/``, a folder of mode 0700 with files of mode 0600. The secrets of key spaces are
not among them: those never enter the store (``compliance.keyspaces``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from compliance.durable import SECRET, make_folder, put_file, refusing
from compliance.errors import StoreMissing, StoreUnavailable
from compliance.masters import create_master, read_masters
from compliance.note import SigningKey, Verifier
from compliance.signing import create_signing_key, signing_key

DEDUPE = "dedupe.hex"
SECRET_BYTES = 32


@dataclass(frozen=True)
class Keyring:
    """The opened secrets of one store; none of them is ever shown."""

    signer: SigningKey
    masters: Callable[[], Sequence[bytes]] = field(repr=False)
    """Reads the keys that wrap the data keys under which payloads are sealed, the newest last."""
    dedupe: bytes = field(repr=False)
    """Keys the digests by which items that were sent before are recognised."""

    @classmethod
    def create(cls, folder: Path, origin: str) -> Self:
        """Make new keys; durable at return."""
        with refusing("Writing the keys"):
            make_folder(folder.parent)
            make_folder(folder, mode=0o700)
            signer = create_signing_key(folder, origin, first=True)
            create_master(folder)
            ring = cls(signer, partial(read_masters, folder), secrets.token_bytes(SECRET_BYTES))
            put_file(folder / DEDUPE, f"{ring.dedupe.hex()}\n".encode(), mode=SECRET)
        return ring

    @classmethod
    def open(cls, folder: Path, origin: str, verifier: Verifier | None = None) -> Self:
        """Read the keys; the signing key is that of the verifier key, where there are several.

        Raises StoreMissing for an absent, StoreUnavailable for an unreadable one.
        """
        signer = signing_key(folder, origin, verifier)
        read_masters(folder)
        return cls(signer, partial(read_masters, folder), _secret(folder / DEDUPE))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise StoreMissing(
            f"The key {path.name} is missing from {path.parent}; restore it from a backup."
        ) from error
    except OSError as error:
        message = (
            f"The key {path.name} cannot be read: {error.strerror}. Run as the user that owns the store."
        )
        raise StoreUnavailable(message) from error


def _secret(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(_read(path).decode("ascii").strip())
    except ValueError as error:
        raise _unfit(path, f"{SECRET_BYTES} bytes in hex") from error
    if len(secret) != SECRET_BYTES:
        raise _unfit(path, f"{SECRET_BYTES} bytes in hex")
    return secret


def _unfit(path: Path, expected: str) -> StoreUnavailable:
    return StoreUnavailable(f"The key {path.name} does not hold {expected}; restore it from a backup.")
