"""Sealing: payloads encrypted under data keys, data keys wrapped by the master key.

A data key is named by source and month of receipt, ``<source>/<YYYY-MM>``, and lies wrapped in
``keys/data/``; what concerns one subject alone has a key of its own. AES-256-GCM throughout, with random 96-bit nonces; the associated data binds the
key's name, so that neither a wrapped key nor a sealed payload can stand in for another. A sealed
payload is the data key's fingerprint (8 bytes), the nonce (12) and the ciphertext with its tag.
Destroying a data key makes what was sealed under it unreadable everywhere, backups aside.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import urllib.parse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.durable import (
    SECRET,
    exclusive,
    make_folder,
    put_file,
    refusing,
    staged_in,
    sync_folder,
    write_file,
)
from compliance.errors import ContentGone, InputRefused, StoreTampered

KEY_BYTES = 32
NONCE_BYTES = 12
FINGERPRINT_BYTES = 8
OVERHEAD = FINGERPRINT_BYTES + NONCE_BYTES + 16
"""How much longer a sealed payload is than its content."""


def key_name(source: str, received_at: datetime) -> str:
    """The data key for what a source sends in the month of its receipt (UTC)."""
    return f"{source}/{received_at:%Y-%m}"


def subject_key(secret: bytes, key_space: str, pseudonym: str) -> str:
    """The data key for what concerns one subject alone.

    Entries bear the name, so it is drawn under a secret of the store: it tells neither the pseudonym,
    nor to who lacks the secret whether a guessed one is meant. No source can have such a name.
    """
    said = f"subject key\n{key_space}\n{pseudonym}".encode()
    return f"subject:{key_space}/{hmac.digest(secret, said, 'sha256')[:12].hex()}"


@dataclass(frozen=True)
class _DataKey:
    """An unwrapped data key, and which file it came from, to notice when that file goes."""

    cipher: AESGCM
    fingerprint: bytes
    file: tuple[int, int]


class DataKeys:
    """The data keys of one store. Safe from many threads and processes."""

    def __init__(self, folder: Path, masters: bytes | Callable[[], Sequence[bytes]]) -> None:
        """``masters`` are the keys that wrap: one, or what gives those there are now, the newest last."""
        self._folder = folder
        self._read_masters = (lambda: (masters,)) if isinstance(masters, bytes) else masters
        self._masters = [AESGCM(master) for master in self._read_masters()]
        self._held: dict[str, _DataKey] = {}

    def seal(self, name: str, content: bytes) -> bytes:
        """Encrypt under the data key of that name, which is made, and durable, before it is used."""
        key = self._find(name) or self._make(name)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key.fingerprint + nonce + key.cipher.encrypt(nonce, content, _payload_data(name))

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """Decrypt. Raises ContentGone if the data key is gone, StoreTampered if the bytes are not its own."""
        key = self._find(name)
        if key is None or sealed[:FINGERPRINT_BYTES] != key.fingerprint:
            raise ContentGone(f"The data key {name} is gone, and with it what was sealed under it.")
        start = FINGERPRINT_BYTES + NONCE_BYTES
        try:
            return key.cipher.decrypt(sealed[FINGERPRINT_BYTES:start], sealed[start:], _payload_data(name))
        except (InvalidTag, ValueError) as error:
            raise StoreTampered(
                f"A payload sealed under {name} does not decrypt: its bytes were changed."
            ) from error

    def fingerprint(self, name: str) -> str | None:
        """What tells a key from another of the same name, in hex; None where there is no such key."""
        key = self._find(name)
        return None if key is None else key.fingerprint.hex()

    def destroy(self, name: str, fingerprint: str) -> bool:
        """Destroy a key for good, if it is still that one; whether it was. Durable at return.

        What is overwritten and removed is the wrapped key: on some disks old blocks live on, which the
        master key still opens.
        """
        path = self.path(name)
        with refusing("Destroying a data key"), self._changing():
            if self.fingerprint(name) != fingerprint:
                return False
            write_file(path, secrets.token_bytes(path.stat().st_size), mode=SECRET, sync=True)
            path.unlink()
            sync_folder(path.parent)
        self._held.pop(name, None)
        return True

    def path(self, name: str) -> Path:
        """The file of a wrapped data key. Raises InputRefused for a name that is none."""
        source, slash, month = name.rpartition("/")
        if not source or not slash or not month:
            raise InputRefused(f"{name!r} is no name of a data key; expected source/YYYY-MM.", field="sealed")
        return self._folder / _file_name(source) / _file_name(month)

    def _find(self, name: str) -> _DataKey | None:
        """The key, or None if its file is gone. Looked up each time: another process may have destroyed it."""
        path = self.path(name)
        with refusing("Reading a data key"):
            try:
                status = path.stat()
                file = (status.st_ino, status.st_mtime_ns)
                held = self._held.get(name)
                if held is None or held.file != file:
                    held = self._held[name] = _data_key(self._unwrap(name, path.read_bytes()), file)
            except FileNotFoundError:
                self._held.pop(name, None)
                return None
        return held

    def _make(self, name: str) -> _DataKey:
        """Make the key, unless another thread or process is first. Its file and name are synced."""
        path, wrapped = self.path(name), self._wrapped(name, secrets.token_bytes(KEY_BYTES))
        staged = staged_in(path.parent)
        with refusing("Storing a data key"):
            make_folder(path.parent, mode=0o700)
            write_file(staged, wrapped, mode=SECRET, sync=True)
            try:
                path.hardlink_to(staged)
            except FileExistsError:
                pass
            finally:
                staged.unlink(missing_ok=True)
            sync_folder(path.parent)
        found = self._find(name)
        if found is None:
            raise ContentGone(f"The data key {name} was destroyed as it was made.")
        return found

    def names(self) -> list[str]:
        """The keys that there are, sorted."""
        found = self._folder.glob("*/*")
        parts = ((path.parent.name, path.name) for path in found if not path.name.startswith("."))
        return sorted("/".join(map(urllib.parse.unquote, part)) for part in parts)

    def rewrap(self) -> int:
        """Wrap every key under the newest master key; how many were not. Durable at return, and can be redone."""
        self._masters = [AESGCM(master) for master in self._read_masters()]
        done = 0
        with refusing("Wrapping the data keys anew"), self._changing():
            for name in self.names():
                path = self.path(name)
                wrapped = path.read_bytes()
                if _opened(self._masters[-1], name, wrapped) is None:
                    put_file(path, self._wrapped(name, self._unwrap(name, wrapped)), mode=SECRET)
                    done += 1
        return done

    def _changing(self) -> AbstractContextManager[None]:
        """Keep other processes from changing keys: one that is destroyed must not be written again."""
        return exclusive(self._folder.parent / "data.lock")

    def _wrapped(self, name: str, raw: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._masters[-1].encrypt(nonce, raw, _key_data(name))

    def _unwrap(self, name: str, wrapped: bytes) -> bytes:
        for again in (False, True):
            if again:
                # Another process may have wrapped it under a master key that was not there yet.
                self._masters = [AESGCM(master) for master in self._read_masters()]
            for master in self._masters:
                raw = _opened(master, name, wrapped)
                if raw is not None:
                    return raw
        message = (
            f"The data key {name} is not wrapped by this store's master key; restore keys/ from one backup."
        )
        raise StoreTampered(message, field=name)


def _opened(master: AESGCM, name: str, wrapped: bytes) -> bytes | None:
    try:
        return master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _key_data(name))
    except (InvalidTag, ValueError):
        return None


def _file_name(part: str) -> str:
    # quote() leaves dots alone: without the replacement a name of dots would climb out of the folder.
    return urllib.parse.quote(part, safe="").replace(".", "%2E")


def _data_key(raw: bytes, file: tuple[int, int]) -> _DataKey:
    fingerprint = hashlib.sha256(b"muniment data key fingerprint\n" + raw).digest()[:FINGERPRINT_BYTES]
    return _DataKey(AESGCM(raw), fingerprint, file)


def _key_data(name: str) -> bytes:
    return b"muniment data key 1\n" + name.encode()


def _payload_data(name: str) -> bytes:
    return b"muniment sealed payload 1\n" + name.encode()
