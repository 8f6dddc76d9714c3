"""What can still be read of a log after a loss: the longest beginning of it that is certain.

The folder is a backup, or what is left of a store. Part of recovery (``compliance.recovery``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from compliance.errors import MunimentError, StoreTampered
from compliance.head import copied_head
from compliance.note import Checkpoint, Verifier
from compliance.past_checkpoints import KeptCheckpoint, read_past
from compliance.published import open_note, read_note, read_verifier
from compliance.rederive import Problems, Rederivation

CHUNK = 2048
"""Entries handed on at once."""


@dataclass(frozen=True)
class Remains:
    """What is left of a log: its key, its last checkpoint there, and how many entries are certain."""

    folder: Path
    verifier: Verifier
    checkpoint: Checkpoint
    note: str
    certain: int
    """Of the published entries."""
    unpublished: Sequence[bytes]
    """Entries that the head holds behind them, as after a crash."""

    @property
    def size(self) -> int:
        """How many entries can be recovered."""
        return self.certain + len(self.unpublished)

    def hand_on(self, each: Callable[[Sequence[bytes]], None]) -> None:
        """Give all certain entries, in order and in chunks."""
        chunk: list[bytes] = []

        def take(index: int, leaf: bytes) -> None:
            if index < self.certain:
                chunk.append(leaf)
            if len(chunk) == CHUNK:
                each(chunk)
                chunk.clear()

        Rederivation(self.folder, self.checkpoint.size, self.checkpoint.root, Problems()).leaves(take)
        chunk.extend(self.unpublished)
        if chunk:
            each(chunk)


def remains(source: Path) -> Remains:
    """What is left of the log in a folder. Raises StoreMissing, StoreTampered where nothing can be told."""
    folder = source / "log"
    verifier = read_verifier(folder)
    checkpoint, note = open_note(read_note(folder), verifier)
    certain = _certain(folder, checkpoint)
    whole = certain == checkpoint.size
    return Remains(
        folder, verifier, checkpoint, note, certain, _unpublished(folder, checkpoint) if whole else ()
    )


def _certain(folder: Path, checkpoint: Checkpoint) -> int:
    """How many entries from the first on hash to what was signed."""
    missing = checkpoint.size
    last = -1

    def seen(index: int, _: bytes) -> None:
        nonlocal last, missing
        if index != last + 1:
            missing = min(missing, last + 1)
        last = index

    past = (found for found in read_past(folder) if isinstance(found, KeptCheckpoint))
    derived = Rederivation(folder, checkpoint.size, checkpoint.root, Problems(), past)
    derived.leaves(seen)
    certain = min(missing, last + 1)
    if derived.edge.root() == checkpoint.root:
        return certain
    if derived.agreed == 0:
        message = f"The entries in {folder} hash to no root that was signed; nothing of them is certain."
        raise StoreTampered(message, field="checkpoint")
    return min(certain, derived.agreed)


def _unpublished(folder: Path, checkpoint: Checkpoint) -> Sequence[bytes]:
    """Entries that the head holds beyond the checkpoint, if it can be read and continues it."""
    with suppress(MunimentError, OSError):
        state, tip, leaves = copied_head(folder / "head.db")
        if state.base <= checkpoint.size <= state.size:
            shared = checkpoint.size - state.base
            tip.extend(leaves[:shared])
            if tip.edge.root() == checkpoint.root:
                tip.extend(leaves[shared:])
                return leaves[shared:] if tip.edge.root() == state.root else ()
    return ()
