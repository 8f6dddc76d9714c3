"""The store's side of witnessing: checkpoints submitted, cosignatures verified and kept.

Beside the log lie ``log/witnesses`` (the verifier keys of all witnesses that ever cosigned, one on
a line) and ``log/cosigned/<size>``: the checkpoint of that size with the log's signature and the
cosignatures. Nothing is kept that was not verified; nothing kept is trusted before it is verified
again. A witness is asked outside the append lock: appends never wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import httpx

from compliance.cosignature import Cosignature, Witness, cosignatures
from compliance.durable import PUBLIC, exclusive, listed, put_file, refusing
from compliance.errors import InputRefused, MunimentError, SourceFailed, StoreTampered
from compliance.note import KEY_ID_BYTES, Checkpoint, Verifier, join_note, open_checkpoint, split_note
from compliance.witness import SIZE_TYPE, Submission

WITNESSES = "witnesses"
COSIGNED = "cosigned"
LOCK = "vouching.lock"
TIMEOUT_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Provable(Protocol):
    """What submitting needs of a log."""

    def checkpoint(self, size: int | None = None) -> str:
        """The signed checkpoint of a size."""
        ...

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The consistency proof between two sizes."""
        ...


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that was cosigned, as kept: its note, and who stated it when."""

    checkpoint: Checkpoint
    note: str
    by: Sequence[Cosignature]


# --- asking --------------------------------------------------------------------------------------


def submit(log: Provable, folder: Path, *, url: str, vkey: str) -> Cosignature:
    """Have a witness cosign the published checkpoint, and keep that in the log's folder.

    Raises SourceFailed where the witness cannot be reached, StoreTampered where it states, in a
    sentence, that the log went back or forked.
    """
    witness = Witness.parse(vkey)
    note = log.checkpoint()
    checkpoint = Checkpoint.parse(split_note(note)[0])
    old = max((size for size, one in _last_of(folder, witness) if size <= checkpoint.size), default=0)
    answer = _posted(url, Submission(old, log.consistency(old, checkpoint.size), note))
    if answer.status_code == HTTPStatus.CONFLICT and answer.headers.get("content-type", "") == SIZE_TYPE:
        known = _known_size(answer.text, witness)
        _refuse_contradiction(known, old, checkpoint, witness)
        answer = _posted(url, Submission(known, log.consistency(known, checkpoint.size), note))
    if answer.status_code != HTTPStatus.OK:
        raise _refusal(answer, witness)
    return _kept(folder, note, answer.text, witness)


def _posted(url: str, submission: Submission) -> httpx.Response:
    try:
        return httpx.post(
            f"{url.rstrip('/')}/add-checkpoint", content=submission.text(), timeout=TIMEOUT_SECONDS
        )
    except httpx.HTTPError as error:
        raise SourceFailed(
            f"The witness at {url} cannot be reached: {type(error).__name__} {error}."
        ) from error


def _known_size(text: str, witness: Witness) -> int:
    if not _SIZE.fullmatch(text.strip()):
        raise SourceFailed(f"The witness {witness.name} answers 409 without the size that it knows.")
    return int(text)


def _refuse_contradiction(known: int, asked: int, checkpoint: Checkpoint, witness: Witness) -> None:
    if known > checkpoint.size:
        message = (
            f"The witness {witness.name} cosigned {known} entries, but this log has {checkpoint.size}: the store went"
            " back. Restore it from the newest backup; do not go on with this one."
        )
        raise StoreTampered(message, index=checkpoint.size, field="checkpoint")
    if known == asked:
        message = (
            f"The witness {witness.name} cosigned another root for {known} entries: this log forked. Compare both"
            " checkpoints, and restore the store that the witness knows."
        )
        raise StoreTampered(message, index=known, field="checkpoint")


def _refusal(answer: httpx.Response, witness: Witness) -> MunimentError:
    said = answer.text[:300].strip()
    if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
        message = f"The witness {witness.name} refuses the checkpoint: this log does not continue what it cosigned. {said}"
        return StoreTampered(message, field="checkpoint")
    return SourceFailed(f"The witness {witness.name} answers {answer.status_code}: {said}")


def _kept(folder: Path, note: str, answer: str, witness: Witness) -> Cosignature:
    text, lines = split_note(note)
    try:
        answered = split_note(text + "\n" + answer)[1] if len(answer) <= MAX_ANSWER_BYTES else []
        found = witness.verified(text, answered)
    except InputRefused as error:
        raise SourceFailed(
            f"The witness {witness.name} answers with no cosignature: {error.message}"
        ) from error
    if found is None:
        raise SourceFailed(f"The witness {witness.name} answers with no cosignature under its key {witness}.")
    own = [line for line in answered if line[0] == witness.name and line[1][:KEY_ID_BYTES] == witness.key_id]
    size = Checkpoint.parse(text).size
    with refusing("Keeping a cosignature"), exclusive(folder / LOCK):
        path = folder / COSIGNED / str(size)
        held = split_note(path.read_text())[1] if path.exists() else lines
        put_file(
            path, join_note(text, [*held, *(line for line in own if line not in held)]).encode(), mode=PUBLIC
        )
        keys = known_witnesses(folder)
        if witness not in keys:
            put_file(
                folder / WITNESSES, "".join(f"{key}\n" for key in (*keys, witness)).encode(), mode=PUBLIC
            )
    return found


# --- what is kept --------------------------------------------------------------------------------


def known_witnesses(folder: Path) -> list[Witness]:
    """The witnesses that ever cosigned, by ``log/witnesses``. Raises StoreTampered where it is malformed."""
    try:
        return _keys((folder / WITNESSES).read_bytes().decode())
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, InputRefused) as error:
        message = f"log/{WITNESSES} cannot be read: {error}. Restore it from a backup."
        raise StoreTampered(message, field=WITNESSES) from error


def _keys(text: str) -> list[Witness]:
    # What follows the last newline is nothing, or no key.
    *lines, rest = text.split("\n")
    return [Witness.parse(line) for line in (*lines, rest) if line or line is not rest]


def cosigned_sizes(folder: Path) -> list[int]:
    """The sizes of which a cosigned checkpoint is kept, ascending, unverified."""
    return sorted(int(path.name) for path in listed(folder / COSIGNED) if _SIZE.fullmatch(path.name))


def witnessed(folder: Path, size: int, verifier: Verifier, witnesses: Sequence[Witness]) -> Witnessed:
    """A cosigned checkpoint that is kept, all its signatures verified.

    Every line must be the log's or a known witness's, so that no byte of it goes unchecked. Raises
    StoreTampered saying what is wrong.
    """
    name = f"{COSIGNED}/{size}"
    try:
        return _witnessed((folder / name).read_bytes().decode(), size, verifier, witnesses)
    except (OSError, UnicodeDecodeError, InputRefused) as error:
        message = f"log/{name} cannot be relied on: {error} Restore it from a backup."
        raise StoreTampered(message, index=size, field=name) from error


def _witnessed(note: str, size: int, verifier: Verifier, witnesses: Sequence[Witness]) -> Witnessed:
    checkpoint = open_checkpoint(note, verifier)
    text, lines = split_note(note)
    stated = cosignatures(note, witnesses)
    known = {(key.name, key.key_id) for key in verifier.all_keys()}
    known |= {(key.name, key.key_id) for key in witnesses}
    if strange := [name for name, raw in lines if (name, raw[:KEY_ID_BYTES]) not in known]:
        raise InputRefused(f"it bears a signature of {strange[0]} under an unknown key.")
    if checkpoint.size != size or not stated or checkpoint.text() != text:
        raise InputRefused("it is not the cosigned checkpoint of the size that it is named by.")
    return Witnessed(checkpoint, note, stated)


def all_witnessed(folder: Path, verifier: Verifier) -> Iterator[Witnessed | StoreTampered]:
    """Every cosigned checkpoint that is kept, by size; what is wrong with one stands in its place.

    Their roots remain to be compared with the tree: this reads no tile.
    """
    try:
        witnesses = known_witnesses(folder)
    except StoreTampered as error:
        yield error
        return
    for path in listed(folder / COSIGNED):
        if _SIZE.fullmatch(path.name):
            yield _found(folder, int(path.name), verifier, witnesses)
        else:
            message = f"log/{COSIGNED}/{path.name} lies among the cosigned checkpoints; expected sizes alone."
            yield StoreTampered(message, field=COSIGNED)


def _found(
    folder: Path, size: int, verifier: Verifier, witnesses: Sequence[Witness]
) -> Witnessed | StoreTampered:
    try:
        return witnessed(folder, size, verifier, witnesses)
    except StoreTampered as error:
        return error


def _last_of(folder: Path, witness: Witness) -> Iterator[tuple[int, Cosignature]]:
    """The last size that a witness is known to have cosigned, if any; a file that is unfit is passed over."""
    for size in reversed(cosigned_sizes(folder)):
        try:
            stated = cosignatures((folder / COSIGNED / str(size)).read_text(), [witness])
        except (OSError, UnicodeDecodeError, InputRefused):
            continue
        if stated:
            yield size, stated[0]
            return
