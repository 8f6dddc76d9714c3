"""All keys of a log: the one it signs with, one beside it, and those that it signed with before.

Pure. ``log/vkey`` holds the current key alone. ``log/vkeys`` is there once a key was rotated or a
second one signs beside it: one key on a line, the current one first, then those beside it, then the
former ones, newest first, each with the last size that it signed::

    compliance.example.org/log+9958a4e7+AehG…
    compliance.example.org/log+c574c3f2+AXzQ… 48211

That a key follows another is an entry of the log (kind ``key/1``), and the checkpoint of the former
key's last size, which covers that entry, is signed by both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.note import KEY_ID_BYTES, Former, LineKey, Verifier, from_base64, to_base64

VKEYS = "vkeys"
ROTATION = "key/1"
"""The kind of the entry that says which key follows which."""
ECDSA_TYPE = b"\x02"
_LINE = re.compile(r"(?P<vkey>\S+)(?: (?P<last>0|[1-9][0-9]{0,18}))?", re.ASCII)


@dataclass(frozen=True)
class EcdsaKey:
    """An ECDSA key on P-256 under a name: signature type 0x02, signatures in DER over SHA-256.

    Its key id is the first four bytes of SHA-256 over the public key in DER (c2sp.org/signed-note).
    """

    name: str
    spki: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of its signatures."""
        return hashlib.sha256(self.spki).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(ECDSA_TYPE + self.spki)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+hash+base64``. Raises InputRefused where it is no such key."""
        name, _, rest = text.partition("+")
        material = from_base64(rest.partition("+")[2], "The verifier key")
        key = cls(name, material[1:])
        if not name or material[:1] != ECDSA_TYPE or str(key) != text:
            raise InputRefused("The verifier key is not name+hash+base64 of an ECDSA key.", field="vkey")
        key.public()
        return key

    def public(self) -> EllipticCurvePublicKey:
        """The key itself. Raises InputRefused where it is none on P-256."""
        try:
            key = load_der_public_key(self.spki)
        except ValueError as error:
            raise InputRefused("The verifier key holds no public key in DER.", field="vkey") from error
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise InputRefused("The verifier key is not on the curve P-256.", field="vkey")
        return key

    def check(self, signature: bytes, text: str) -> None:
        """Raises InputRefused where the signature does not belong to the text."""
        try:
            self.public().verify(signature, text.encode(), ECDSA(SHA256()))
        except InvalidSignature as error:
            message = f"The ECDSA signature of {self.name} does not belong to the text of the note."
            raise InputRefused(message, field="note") from error


def with_keys(current: Verifier, text: str) -> Verifier:
    """The current key with those of ``log/vkeys``. Raises InputRefused where that is malformed.

    Where the file names another key as the current one, a rotation is under way or was cut short;
    the key in ``log/vkey`` is the current one then, too.
    """
    *lines, rest = text.split("\n")
    matches = [_LINE.fullmatch(line) for line in lines]
    if rest or not matches or None in matches:
        raise InputRefused("it is not a key on each line, former ones with their last size.", field=VKEYS)
    beside: list[LineKey] = []
    former: list[Former] = []
    for match in matches:
        if match is None or match["vkey"] == str(current):
            continue
        if match["last"] is not None:
            former.append(Former(Verifier.parse(match["vkey"]), int(match["last"])))
        elif not _is_ed25519(match["vkey"]):
            beside.append(EcdsaKey.parse(match["vkey"]))
    if any(key.name != current.name for key in (*beside, *(one.key for one in former))):
        raise InputRefused("it holds keys of another log.", field=VKEYS)
    return replace(current, former=tuple(former), beside=tuple(beside))


def _is_ed25519(vkey: str) -> bool:
    try:
        Verifier.parse(vkey)
    except InputRefused:
        return False
    return True


def keys_text(verifier: Verifier) -> str:
    """What ``log/vkeys`` holds for these keys."""
    lines = [str(verifier), *(str(key) for key in verifier.beside)]
    return "".join(f"{line}\n" for line in (*lines, *(f"{one.key} {one.last}" for one in verifier.former)))


def followed(former: Verifier, current: Verifier, last: int) -> Verifier:
    """The current key of a log that was signed by the former one up to a size.

    Keys beside the former one stay known: their lines are in what was signed.
    """
    beside = tuple(dict.fromkeys((*current.beside, *former.beside)))
    given_up = Former(Verifier(former.name, former.public), last)
    return replace(current, former=(given_up, *former.former), beside=beside)


def unfounded(verifier: Verifier, rotations: Sequence[tuple[int, Mapping[str, Json]]]) -> list[str]:
    """Former keys that no entry gave up: what is wrong, in sentences.

    ``rotations`` are the entries of kind ``key/1``, index and detail. Each former key must have
    been followed by the next by such an entry, below its last size.
    """
    followers = [verifier, *(one.key for one in verifier.former)]
    wrong = []
    for follower, (key, last) in zip(followers, verifier.former, strict=False):
        said = {"current": str(follower), "former": str(key)}
        if not any(index < last and said.items() <= detail.items() for index, detail in rotations):
            wrong.append(
                f"log/{VKEYS} says that {key} was followed by {follower} at {last} entries; no entry says so"
            )
    return wrong
