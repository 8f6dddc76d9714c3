"""What is kept of key rotations beside the log: ``rotated/<size>``, the checkpoint that both keys signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from compliance.canonical import Json
from compliance.errors import InputRefused, StoreTampered
from compliance.logkeys import VKEYS, unfounded
from compliance.note import Checkpoint, Former, Verifier, open_checkpoint, split_note

ROTATED = "rotated"
_TWO_TEXTS = InputRefused("its two signatures are of different checkpoints.")


def rotated_note(folder: Path, former: Former, follower: Verifier) -> tuple[Checkpoint, str]:
    """The checkpoint by which a former key handed over, signed by it and by its follower.

    Raises StoreTampered where it is not there or not that.
    """
    name = f"{ROTATED}/{former.last}"
    try:
        note = (folder / name).read_bytes().decode()
        checkpoint = open_checkpoint(note, former.key)
        if checkpoint != open_checkpoint(note, Verifier(follower.name, follower.public)):
            raise _TWO_TEXTS
    except (OSError, UnicodeDecodeError, InputRefused) as error:
        message = f"log/{name} cannot be relied on: {error} Restore it from a backup."
        raise StoreTampered(message, index=former.last, field=name) from error
    if checkpoint.size != former.last or checkpoint.text() != split_note(note)[0]:
        raise StoreTampered(f"log/{name} is of {checkpoint.size} entries.", index=former.last, field=name)
    return checkpoint, note


def handovers(folder: Path, verifier: Verifier) -> Iterator[Checkpoint | StoreTampered]:
    """The checkpoints by which former keys handed over; what is wrong with one stands in its place."""
    followers = [verifier, *(one.key for one in verifier.former)]
    for follower, former in zip(followers, verifier.former, strict=False):
        try:
            yield rotated_note(folder, former, follower)[0]
        except StoreTampered as error:
            yield error


def without_entry(
    verifier: Verifier, rotations: Sequence[tuple[int, Mapping[str, Json]]]
) -> list[StoreTampered]:
    """Former keys that no entry of the log gave up (``rotations``: index and detail of those that are ``key/1``)."""
    return [StoreTampered(f"{wrong}.", field=VKEYS) for wrong in unfounded(verifier, rotations)]
