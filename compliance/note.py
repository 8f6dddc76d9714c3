"""C2SP signed notes, checkpoints, verifier keys and proof files, with Ed25519.

Pure. Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof@v1. Parsing is
strict: text that would be written differently from the same values is refused, so that no byte of
a stored checkpoint or verifier key can change unnoticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.errors import InputRefused
from compliance.merkle import HASH_BYTES

ED25519 = b"\x01"
"""Signature type of a plain Ed25519 note signature."""
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
KEY_ID_BYTES = 4
MAX_ORIGIN_CHARS = 255
MAX_NOTE_CHARS = 1_000_000
"""Longer texts are refused unread; a note with 16 post-quantum signatures has a tenth of this."""

_ORIGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_~-]*[A-Za-z0-9])?(?:/[A-Za-z0-9._~%-]+)*")
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def check_origin(origin: str) -> str:
    """The origin, if it is a schema-less URL that can name a log and its key.

    Raises InputRefused for an empty one, a scheme, a space, a ``+`` or a closing slash.
    """
    if len(origin) > MAX_ORIGIN_CHARS or "://" in origin or not _ORIGIN.fullmatch(origin):
        message = (
            f"The origin {origin!r} is no schema-less URL; write it like compliance.example.org/log, "
            "without scheme, spaces, + or a closing slash."
        )
        raise InputRefused(message, field="evidence.origin")
    return origin


class LineKey(Protocol):
    """A public key of whatever type that signs lines of notes."""

    @property
    def name(self) -> str:
        """The name in its signature lines."""
        ...

    @property
    def key_id(self) -> bytes:
        """The first four bytes of its signatures."""
        ...

    def check(self, signature: bytes, text: str) -> None:
        """Raises InputRefused where the signature, without key id, does not belong to the text."""
        ...


class Former(NamedTuple):
    """A key that a log no longer signs with, and the last size that it signed."""

    key: Verifier
    last: int


@dataclass(frozen=True)
class Verifier:
    """A public key under the name by which its signatures are known (a *vkey*).

    That of a log whose key was rotated knows the ``former`` ones, newest first: what each signed up
    to its last size still counts. Keys ``beside`` sign further lines, which must verify where they are.
    """

    name: str
    public: bytes
    former: tuple[Former, ...] = field(default=(), compare=False, repr=False)
    beside: tuple[LineKey, ...] = field(default=(), compare=False, repr=False)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, signature type and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+hash+base64``. Raises InputRefused where it is none, or its hash is another's."""
        name, _, rest = text.partition("+")
        _, _, key = rest.partition("+")
        material = from_base64(key, "The verifier key")
        if not name or material[:1] != ED25519 or len(material) != 1 + HASH_BYTES:
            raise InputRefused("The verifier key is not name+hash+base64 of an Ed25519 key.", field="vkey")
        verifier = cls(name, material[1:])
        if str(verifier) != text:
            raise InputRefused("The verifier key's hash does not belong to its name and key.", field="vkey")
        return verifier

    def all_keys(self) -> tuple[LineKey, ...]:
        """All keys of the log: this one, those beside it, the former ones."""
        return (self, *self.beside, *(former.key for former in self.former))

    def verified(self, note: str) -> str:
        """The text of a note that this key signed. Raises InputRefused where it did not.

        A former key counts on checkpoints up to its last size. Signatures of other keys are left
        alone; one of these keys that fails refuses the note.
        """
        text, signatures = split_note(note)
        signed = {key.key_id for key in self.all_keys() if _signs(key, signatures, text)}
        if self.key_id in signed:
            return text
        former = [one for one in self.former if one.key.key_id in signed]
        if not former:
            raise InputRefused(f"The note bears no signature of {self.name}.", field="note")
        size = Checkpoint.parse(text).size
        if size > max(one.last for one in former):
            message = (
                f"The checkpoint of {size} entries is signed by a key that {self.name} had given up by then."
            )
            raise InputRefused(message, field="note")
        return text

    def check(self, signature: bytes, text: str) -> None:
        """Raises InputRefused where the signature does not belong to the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            message = f"The signature of {self.name} does not belong to the text of the note."
            raise InputRefused(message, field="note") from error


def _signs(key: LineKey, signatures: Sequence[tuple[str, bytes]], text: str) -> bool:
    """Whether a key signed; every line that claims so must verify."""
    own = [
        raw[KEY_ID_BYTES:] for name, raw in signatures if (name, raw[:KEY_ID_BYTES]) == (key.name, key.key_id)
    ]
    for signature in own:
        key.check(signature, text)
    return bool(own)


class SigningKey(Protocol):
    """What signs the checkpoints of a log."""

    @property
    def name(self) -> str:
        """The log's name."""
        ...

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        ...

    def signed(self, text: str) -> str:
        """The note of a text."""
        ...


@dataclass(frozen=True)
class Signer:
    """A private key under the name by which its signatures are known. Its notes are deterministic."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def signed(self, text: str) -> str:
        """The note of a text, which ends in a newline."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise InputRefused("A note's text ends in a newline and has no other control character.")
        signature = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {to_base64(signature)}\n"


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its ``(key name, key id and signature)`` lines, unverified.

    Raises InputRefused where it has not the form of a signed note.
    """
    text, gap, lines = note.rpartition("\n\n")
    if len(note) > MAX_NOTE_CHARS or not gap or not lines.endswith("\n") or _CONTROL.search(note):
        raise InputRefused("This is no signed note: text, an empty line, signature lines.", field="note")
    return text + "\n", [_signature(line) for line in lines[:-1].split("\n")]


def join_note(text: str, lines: Sequence[tuple[str, bytes]]) -> str:
    """The note of a text and signature lines as ``split_note`` gives them."""
    return text + "\n" + "".join(f"\u2014 {name} {to_base64(raw)}\n" for name, raw in lines)


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, signature = rest.partition(" ")
    raw = from_base64(signature, "A signature line of the note")
    if dash != "\u2014" or not name or "+" in name or len(raw) <= KEY_ID_BYTES:
        message = "A signature line is not an em dash, a key name and base64."
        raise InputRefused(message, field="note")
    return name, raw


# --- checkpoints -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """What a log states of itself: its origin, its size and its root at that size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed: three lines, no extension lines."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note. Raises InputRefused where it is no checkpoint."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < len(fields(cls)) or not all(lines) or not _SIZE.fullmatch(lines[1]):
            message = "The checkpoint is not origin, size and root on a line each."
            raise InputRefused(message, field="checkpoint")
        root = from_base64(lines[2], "The checkpoint's root")
        if len(root) != HASH_BYTES:
            raise InputRefused(f"The checkpoint's root has {len(root)} bytes, not 32.", field="checkpoint")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint of a note that the log's key signed, its origin being the key's name.

    Raises InputRefused where form, signature or origin are wrong.
    """
    checkpoint = Checkpoint.parse(verifier.verified(note))
    if checkpoint.origin != verifier.name:
        message = f"The checkpoint is of {checkpoint.origin}; expected {verifier.name}."
        raise InputRefused(message, field="checkpoint")
    return checkpoint


# --- proof files -------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProofFile:
    """A ``.tlog-proof``: an entry's index, its audit path and the signed checkpoint it leads to."""

    index: int
    path: Sequence[bytes]
    note: str

    def text(self) -> str:
        """The file's text."""
        lines = [PROOF_HEADER, f"index {self.index}", *(to_base64(step) for step in self.path)]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a proof file without extra data. Raises InputRefused where it is none."""
        head, gap, note = text.partition("\n\n")
        lines = head.split("\n")
        number = lines[1].removeprefix("index ") if len(lines) > 1 else ""
        if (
            not gap
            or lines[0] != PROOF_HEADER
            or lines[1:2] != [f"index {number}"]
            or not _SIZE.fullmatch(number)
        ):
            raise InputRefused(f"This is no proof file: expected {PROOF_HEADER} and an index.", field="proof")
        _refuse_trailing(note)
        path = [from_base64(line, "A hash of the proof") for line in lines[2:]]
        if any(len(step) != HASH_BYTES for step in path):
            raise InputRefused("A hash of the proof has not 32 bytes.", field="proof")
        return cls(int(number), path, note)


def _refuse_trailing(note: str) -> None:
    """Refuse what follows the last signature line of a note at the end of a proof file."""
    _, gap, lines = note.partition("\n\n")
    if gap and not all(line.startswith("\u2014 ") for line in lines.removesuffix("\n").split("\n")):
        message = (
            "Bytes follow the checkpoint; a proof file ends with the last signature line of its checkpoint."
        )
        raise InputRefused(message, field="proof")


def to_base64(raw: bytes) -> str:
    """Standard base64, padded."""
    return base64.b64encode(raw).decode()


def from_base64(text: str, what: str) -> bytes:
    """Base64 as it would be written. A different last character for the same bytes is refused too."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise InputRefused(f"{what} is not base64.") from error
    if to_base64(raw) != text:
        raise InputRefused(f"{what} is not base64 in its one canonical form.")
    return raw
