"""The secrets of a store: its signing key, its master key and its dedupe key.

They lie in ``keys/``, a folder of mode 0700 with files of mode 0600. The secrets of key spaces are
not among them: those never enter the store (``compliance.keyspaces``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from compliance.durable import SECRET, make_folder, put_file, refusing
from compliance.errors import StoreMissing, StoreUnavailable
from compliance.note import Signer

SIGNING = "log-signing.pem"
MASTER = "master.hex"
DEDUPE = "dedupe.hex"
SECRET_BYTES = 32


@dataclass(frozen=True)
class Keyring:
    """The opened secrets of one store; none of them is ever shown."""

    signer: Signer
    master: bytes = field(repr=False)
    """Wraps the data keys under which payloads are sealed."""
    dedupe: bytes = field(repr=False)
    """Keys the digests by which items that were sent before are recognised."""

    @classmethod
    def create(cls, folder: Path, origin: str) -> Self:
        """Make new keys; durable at return."""
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        ring = cls(
            Signer(origin, private), secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(SECRET_BYTES)
        )
        with refusing("Writing the keys"):
            make_folder(folder.parent)
            make_folder(folder, mode=0o700)
            put_file(folder / SIGNING, pem, mode=SECRET)
            put_file(folder / MASTER, f"{ring.master.hex()}\n".encode(), mode=SECRET)
            put_file(folder / DEDUPE, f"{ring.dedupe.hex()}\n".encode(), mode=SECRET)
        return ring

    @classmethod
    def open(cls, folder: Path, origin: str) -> Self:
        """Read the keys. Raises StoreMissing for an absent, StoreUnavailable for an unreadable one."""
        try:
            private = load_pem_private_key(_read(folder / SIGNING), password=None)
        except ValueError as error:
            raise _unfit(folder / SIGNING, "an Ed25519 key in PEM") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise _unfit(folder / SIGNING, "an Ed25519 key in PEM")
        return cls(Signer(origin, private), _secret(folder / MASTER), _secret(folder / DEDUPE))


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
