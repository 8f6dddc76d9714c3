"""Key spaces: turning record keys into pseudonyms under secrets that never leave this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance.canonical import pseudonym
from compliance.errors import InputRefused, NotFound
from compliance.settings import KeySpaceSettings

MIN_SECRET_BYTES = 16


def key_id(secret: bytes) -> str:
    """The public name of a secret: 16 hex digits that tell nothing about it."""
    return hashlib.sha256(b"muniment key id\n" + secret).hexdigest()[:16]


@dataclass(frozen=True)
class KeySpaces:
    """The secrets of each key space, the current one first."""

    secrets: Mapping[str, tuple[bytes, ...]]

    @classmethod
    def from_settings(cls, settings: Mapping[str, KeySpaceSettings]) -> KeySpaces:
        """Read every secret. A set but unreadable or too short one is fatal: InputRefused."""
        return cls({name: tuple(_read(name, part)) for name, part in settings.items()})

    def key_ids(self) -> dict[str, list[str]]:
        """The ids of the secrets of each key space, the current one first."""
        return {name: [key_id(secret) for secret in held] for name, held in self.secrets.items()}

    def current_key_id(self, key_space: str) -> str:
        """The id of the current secret. Raises NotFound for a key space that is not configured."""
        return key_id(self._held(key_space)[0])

    def current_secret(self, key_space: str) -> bytes:
        """The current secret, for making manifests on the client's side. Raises NotFound."""
        return self._held(key_space)[0]

    def pseudonym(self, key_space: str, key: str) -> str:
        """The pseudonym of a key under the current secret. Raises InputRefused where it is no key."""
        return _pseudonym(self._held(key_space)[0], key)

    def pseudonyms(self, key_space: str, key: str) -> list[tuple[str, str]]:
        """``(key id, pseudonym)`` of a key under every secret held, the current one first."""
        return [(key_id(secret), _pseudonym(secret, key)) for secret in self._held(key_space)]

    def _held(self, key_space: str) -> tuple[bytes, ...]:
        held = self.secrets.get(key_space)
        if not held:
            known = ", ".join(sorted(self.secrets)) or "none"
            message = f"The key space {key_space!r} is not configured; configured are: {known}."
            raise NotFound(message, field="key_space")
        return held


def _pseudonym(secret: bytes, key: str) -> str:
    if not key:
        raise InputRefused("The key is empty.", field="key")
    try:
        return pseudonym(secret, key)
    except UnicodeEncodeError:
        # Not chained: the cause would quote the key.
        raise InputRefused("The key is no text in UTF-8.", field="key") from None


def _read(name: str, part: KeySpaceSettings) -> list[bytes]:
    where = f"key_spaces.{name}"
    if (part.secret is None) == (part.secret_file is None):
        raise InputRefused(f"{where} needs either secret or secret_file.", field=where)
    if part.secret is not None:
        texts = [part.secret.get_secret_value()]
    else:
        texts = [_text(part.secret_file, where)] if part.secret_file else []
    texts += [_text(path, where) for path in part.older_secret_files]
    return [_decode(text, where) for text in texts]


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise InputRefused(
            f"The secret file of {where} cannot be read: {error.strerror}.", field=where
        ) from error
    except UnicodeDecodeError:
        raise InputRefused(f"The secret of {where} is not hexadecimal.", field=where) from None


def _decode(text: str, where: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        raise InputRefused(f"The secret of {where} is not hexadecimal.", field=where) from None
    if len(secret) < MIN_SECRET_BYTES:
        raise InputRefused(
            f"The secret of {where} has {len(secret)} bytes; at least {MIN_SECRET_BYTES} are needed.",
            field=where,
        )
    return secret
