"""C2SP cosignatures: a witness's statement, with a time, that a log only grew up to a checkpoint.

Pure. Format: c2sp.org/tlog-cosignature, Ed25519, signature type 0x04. What is signed is two lines
(``cosignature/v1`` and ``time N``) and the whole text of the checkpoint; the signature line holds
key id, the time as eight bytes, and the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.canonical import EPOCH, from_micros
from compliance.errors import InputRefused
from compliance.merkle import HASH_BYTES
from compliance.note import KEY_ID_BYTES, check_origin, from_base64, split_note, to_base64

COSIGNATURE = b"\x04"
"""Signature type of a time-stamped Ed25519 cosignature."""
TIME_BYTES = 8
SIGNATURE_BYTES = 64
LATEST_SECONDS = 253_402_300_799
"""The end of the year 9999: later times are refused, as nothing here can write them."""
_MICROS = 1_000_000


@dataclass(frozen=True, order=True)
class Cosignature:
    """One verified cosignature: who stated it, and when by that witness's clock (UTC, whole seconds)."""

    at: datetime
    witness: str


@dataclass(frozen=True)
class Witness:
    """The public key of a witness under its name (a *vkey* of type 0x04)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, 0x04 and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(COSIGNATURE + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+hash+base64``. Raises InputRefused where it is no key of a witness, or its hash is another's."""
        name, _, rest = text.partition("+")
        _, _, key = rest.partition("+")
        material = from_base64(key, "The witness's key")
        if not name or material[:1] != COSIGNATURE or len(material) != 1 + HASH_BYTES:
            message = "The key of a witness is name+hash+base64 of an Ed25519 key of type 04."
            raise InputRefused(message, field="vkey")
        witness = cls(name, material[1:])
        if str(witness) != text:
            raise InputRefused(
                "The hash of the witness's key does not belong to its name and key.", field="vkey"
            )
        return witness

    def verified(self, text: str, lines: Iterable[tuple[str, bytes]]) -> Cosignature | None:
        """The latest cosignature of this witness among signature lines; None where there is none.

        Raises InputRefused where one that bears its name and key id does not belong to the text.
        """
        own = [
            raw[KEY_ID_BYTES:]
            for name, raw in lines
            if (name, raw[:KEY_ID_BYTES]) == (self.name, self.key_id)
        ]
        return max((self._checked(stamped, text) for stamped in own), default=None)

    def _checked(self, stamped: bytes, text: str) -> Cosignature:
        seconds, signature = int.from_bytes(stamped[:TIME_BYTES]), stamped[TIME_BYTES:]
        if len(signature) != SIGNATURE_BYTES or seconds > LATEST_SECONDS:
            raise InputRefused(f"The cosignature of {self.name} is not a time and a signature.", field="note")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, _message(text, seconds))
        except (InvalidSignature, ValueError) as error:
            message = f"The cosignature of {self.name} does not belong to this checkpoint."
            raise InputRefused(message, field="note") from error
        return Cosignature(from_micros(seconds * _MICROS), self.name)


@dataclass(frozen=True)
class Cosigner:
    """The private key of a witness under its name."""

    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        check_origin(self.name)

    @property
    def witness(self) -> Witness:
        """The public half."""
        return Witness(self.name, self.private.public_key().public_bytes_raw())

    def line(self, text: str, at: datetime) -> str:
        """The signature line, with its newline, that states the checkpoint's text to have been seen then."""
        seconds = int((at - EPOCH).total_seconds())
        signature = self.private.sign(_message(text, seconds))
        raw = self.witness.key_id + seconds.to_bytes(TIME_BYTES) + signature
        return f"\u2014 {self.name} {to_base64(raw)}\n"


def cosignatures(note: str, witnesses: Sequence[Witness]) -> list[Cosignature]:
    """What known witnesses state of a checkpoint, earliest first; lines of other keys are left alone.

    Raises InputRefused where a line of a known witness does not verify, or the form is wrong.
    """
    text, lines = split_note(note)
    found = [witness.verified(text, lines) for witness in witnesses]
    return sorted(one for one in found if one is not None)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
