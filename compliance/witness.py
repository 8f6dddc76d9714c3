"""A witness: it remembers the last size and root of each log, and cosigns only what continues them.

It is run by somebody else than the log (a second department, the auditor) and needs nothing of the
store but the log's verifier key. Protocol: c2sp.org/tlog-witness, ``add-checkpoint``. Its state is
a folder: ``key.pem`` (mode 0600), ``vkey``, and for each log ``logs/<name>/`` with ``vkeys`` (the
log's keys that it trusts, one on a line), ``checkpoint`` (the last one cosigned) and ``refused/``
(signed checkpoints that contradict it: proof of a log that forked or went back).

What it does with a checkpoint:

1. Read the request: the old size, the consistency proof, the checkpoint.
2. The log's origin is known, and one of its trusted keys signed the checkpoint.
3. The old size is not above the new one, and is that of the last checkpoint cosigned.
4. The same size has the same root; a larger one continues the old, as the proof shows.
5. Keep the checkpoint, durably, then answer with the cosignature.

Steps 3 to 5 are one, under a lock across processes: two requests cannot pass each other.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from compliance.canonical import format_time, sha256_hex
from compliance.cosignature import Cosigner, cosignatures
from compliance.durable import PUBLIC, SECRET, exclusive, listed, make_folder, put_file, refusing
from compliance.errors import (
    InputRefused,
    MunimentError,
    NotFound,
    StoreExists,
    StoreMissing,
    StoreUnavailable,
)
from compliance.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from compliance.note import (
    KEY_ID_BYTES,
    Checkpoint,
    Verifier,
    from_base64,
    join_note,
    open_checkpoint,
    split_note,
    to_base64,
)

MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 64 * 1024
REFUSED_KEPT = 100
"""Contradicting checkpoints kept for each log; the first ones are proof enough."""
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class Refused(InputRefused):
    """A checkpoint that is not cosigned. ``code`` is the HTTP status that the protocol gives it."""

    def __init__(
        self, code: int, message: str, *, size: int | None = None, contradicts: bool = False
    ) -> None:
        super().__init__(message, field="checkpoint")
        self.code = code
        self.size = size
        """The size last cosigned, where the protocol answers with it."""
        self.contradicts = contradicts
        """Whether the checkpoint itself is evidence against the log, and is kept."""


class Submission(NamedTuple):
    """What is submitted: the size that the sender takes for the last one, the proof, the signed note."""

    old: int
    path: Sequence[bytes]
    note: str

    def text(self) -> str:
        """The body of an ``add-checkpoint`` request."""
        lines = [f"old {self.old}", *(to_base64(step) for step in self.path)]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Step 1. Raises Refused (400) where it is no request."""
        try:
            head, gap, note = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            old = _OLD.fullmatch(first)
            path = [from_base64(line, "A line of the proof") for line in lines]
        except (UnicodeDecodeError, InputRefused) as error:
            raise Refused(400, "This is no request: old size, proof, an empty line, checkpoint.") from error
        if (
            not gap
            or old is None
            or len(path) > MAX_PROOF_LINES
            or any(len(step) != HASH_BYTES for step in path)
        ):
            raise Refused(
                400, "This is no request: old size, proof of 32-byte hashes, an empty line, checkpoint."
            )
        return cls(int(old[1]), path, note)


def decide(checkpoint: Checkpoint, submitted: Submission, seen: Checkpoint | None) -> None:
    """Steps 3 and 4. Raises Refused saying, in a sentence, what contradicts what."""
    last = seen.size if seen else 0
    if submitted.old > checkpoint.size:
        raise Refused(
            400,
            f"{checkpoint.origin}: a log of {checkpoint.size} entries cannot continue one of {submitted.old}.",
        )
    if seen and checkpoint.size < seen.size:
        message = (
            f"{checkpoint.origin} went back: it had {seen.size} entries when last cosigned and now signs"
            f" {checkpoint.size}. Entries were dropped, or the store was restored from an old backup."
        )
        raise Refused(409, message, size=last)
    if seen and checkpoint.size == seen.size and checkpoint.root != seen.root:
        message = f"{checkpoint.origin} forked: {_two_roots(seen, checkpoint)}."
        raise Refused(409, message, size=last, contradicts=True)
    if submitted.old != last:
        message = f"{checkpoint.origin}: the last checkpoint cosigned has {last} entries, not {submitted.old}; prove from there."
        raise Refused(409, message, size=last)
    old_root = seen.root if seen else EMPTY_ROOT
    if not verify_consistency(submitted.old, checkpoint.size, old_root, checkpoint.root, submitted.path):
        message = (
            f"{checkpoint.origin}: no proof that the log of {checkpoint.size} entries continues the one of {last}"
            " that was cosigned. Either the proof is wrong or the log was rewritten."
        )
        raise Refused(422, message, contradicts=True)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Refused(
            422, f"{checkpoint.origin} signs a root of an empty log that is not that of an empty log."
        )


def _two_roots(seen: Checkpoint, now: Checkpoint) -> str:
    return (
        f"at {seen.size} entries it had the root {to_base64(seen.root)} and now signs {to_base64(now.root)}"
    )


@dataclass(frozen=True)
class LogState:
    """What the witness holds of one log."""

    origin: str
    size: int
    root: str
    """In base64, as a checkpoint writes it; empty before the first one."""
    cosigned_at: str
    refused: int


class WitnessStore:
    """A witness with its folder. Any number of threads and processes may use one folder."""

    def __init__(self, folder: Path, cosigner: Cosigner, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._cosigner = cosigner
        self._clock = clock
        self._one = threading.Lock()

    @classmethod
    def create(cls, folder: Path, *, name: str, clock: Callable[[], datetime]) -> Self:
        """Make a witness with a new key. Raises StoreExists where there is one, InputRefused for an unfit name."""
        private = Ed25519PrivateKey.generate()
        cosigner = Cosigner(name, private)
        if (folder / "key.pem").exists():
            raise StoreExists(
                f"There is a witness in {folder} already; a witness keeps its key and its memory."
            )
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with refusing("Writing the state of the witness"):
            make_folder(folder, mode=0o700)
            put_file(folder / "key.pem", pem, mode=SECRET)
            put_file(folder / "vkey", f"{cosigner.witness}\n".encode(), mode=PUBLIC)
        return cls(folder, cosigner, clock)

    @classmethod
    def open(cls, folder: Path, *, clock: Callable[[], datetime]) -> Self:
        """Open a witness. Raises StoreMissing, or StoreUnavailable where its key cannot be used."""
        try:
            name = (folder / "vkey").read_text().partition("+")[0]
            private = load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
        except FileNotFoundError as error:
            message = (
                f"There is no witness in {folder}; make one with muniment witness init --state {folder}."
            )
            raise StoreMissing(message) from error
        except (OSError, ValueError) as error:
            raise StoreUnavailable(f"The key of the witness in {folder} cannot be read: {error}.") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise StoreUnavailable(f"{folder}/key.pem holds no Ed25519 key; restore it from a backup.")
        return cls(folder, Cosigner(name, private), clock)

    @property
    def vkey(self) -> str:
        """The verifier key to hand to the log and to whoever verifies, ``name+hash+base64``."""
        return str(self._cosigner.witness)

    def trust(self, vkey: str) -> str:
        """Take on a log by its verifier key, or a further key of a known one; returns its origin."""
        verifier = Verifier.parse(vkey.strip())
        folder = self._of(verifier.name)
        keys = self._trusted(verifier.name)
        if verifier not in keys:
            lines = "".join(f"{key}\n" for key in (*keys, verifier))
            with refusing("Writing the state of the witness"):
                put_file(folder / "vkeys", lines.encode(), mode=PUBLIC)
        return verifier.name

    def last(self, origin: str) -> Checkpoint | None:
        """The last checkpoint cosigned of a log, or None."""
        note = self._note(origin)
        return None if note is None else Checkpoint.parse(split_note(note)[0])

    def logs(self) -> list[LogState]:
        """The logs it watches, in the order of their origins."""
        origins = [
            Verifier.parse(path.read_text().split("\n")[0]).name for path in self._folder.glob("logs/*/vkeys")
        ]
        return [self._state(origin) for origin in sorted(origins)]

    def add_checkpoint(self, body: bytes) -> str:
        """Steps 1 to 5: the signature line for a request. Raises Refused, NotFound for an unknown log."""
        # 1.
        submitted = Submission.parse(body)
        # 2.
        checkpoint, note = self._opened(submitted.note)
        # 3. to 5.
        with self._one, exclusive(self._of(checkpoint.origin) / "lock"):
            try:
                decide(checkpoint, submitted, self.last(checkpoint.origin))
            except Refused as refused:
                if refused.contradicts:
                    self._keep_refused(checkpoint.origin, submitted)
                raise
            line = self._cosigner.line(checkpoint.text(), self._clock())
            with refusing("Writing the state of the witness"):
                put_file(self._of(checkpoint.origin) / "checkpoint", (note + line).encode(), mode=PUBLIC)
        return line

    def _opened(self, note: str) -> tuple[Checkpoint, str]:
        """Step 2: the checkpoint, and its note with the lines of trusted keys alone."""
        try:
            text, lines = split_note(note)
            checkpoint = Checkpoint.parse(text)
        except InputRefused as error:
            raise Refused(400, f"This is no checkpoint: {error.message}") from error
        keys = self._trusted(checkpoint.origin)
        if not keys:
            message = f"This witness does not know the log {checkpoint.origin}; muniment witness trust VKEY adds it."
            raise NotFound(message)
        ids = {key.key_id for key in keys if _signed(note, key)}
        if not ids or text != checkpoint.text():
            message = f"No trusted key of {checkpoint.origin} signed this as a checkpoint of three lines."
            raise Refused(403, message)
        return checkpoint, join_note(text, [line for line in lines if line[1][:KEY_ID_BYTES] in ids])

    # --- the folder ------------------------------------------------------------------------------

    def _of(self, origin: str) -> Path:
        return self._folder / "logs" / sha256_hex(origin.encode())[:32]

    def _trusted(self, origin: str) -> list[Verifier]:
        path = self._of(origin) / "vkeys"
        return [Verifier.parse(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _note(self, origin: str) -> str | None:
        path = self._of(origin) / "checkpoint"
        return path.read_text() if path.exists() else None

    def _state(self, origin: str) -> LogState:
        note = self._note(origin)
        refused = len(listed(self._of(origin) / "refused"))
        if note is None:
            return LogState(origin, 0, "", "", refused)
        checkpoint = Checkpoint.parse(split_note(note)[0])
        (stated,) = cosignatures(note, [self._cosigner.witness])
        return LogState(origin, checkpoint.size, to_base64(checkpoint.root), format_time(stated.at), refused)

    def _keep_refused(self, origin: str, submitted: Submission) -> None:
        folder = self._of(origin) / "refused"
        path = folder / sha256_hex(submitted.note.encode())
        if len(listed(folder)) < REFUSED_KEPT and not path.exists():
            # That the proof cannot be kept changes nothing about the refusal.
            with suppress(OSError, MunimentError):
                put_file(path, submitted.note.encode(), mode=PUBLIC)


def _signed(note: str, key: Verifier) -> bool:
    """Whether a key signed a checkpoint of its own log."""
    try:
        open_checkpoint(note, key)
    except InputRefused:
        return False
    return True
