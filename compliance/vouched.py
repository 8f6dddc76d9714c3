"""Who vouches for a log beside its own key: the witnesses and time-stamps kept with it, in one view.

A vouched-for checkpoint of M entries vouches for its first M entries, and so for what was shown of
any smaller log: the tree only grows, and ``verify`` proves that each kept checkpoint is of this tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compliance.canonical import format_time
from compliance.errors import InputRefused, StoreTampered
from compliance.note import Checkpoint, Verifier, open_checkpoint
from compliance.timestamps import Stamp, stamped_sizes, stamps
from compliance.witnessing import cosigned_sizes, known_witnesses, witnessed

OWN_KEY = "vouched for by this machine's key only"


@dataclass(frozen=True)
class Vouched:
    """One checkpoint that others vouch for: its note with all signature lines, and its stamps."""

    checkpoint: Checkpoint
    note: str
    by: Sequence[tuple[datetime, str]]
    """When, by the voucher's own clock, and who, earliest first."""
    stamps: Sequence[Stamp] = ()

    def sentence(self) -> str:
        """Who vouches, and since when."""
        said = ", ".join(f"{who} ({format_time(at)})" for at, who in self.by)
        return f"vouched for up to entry {self.checkpoint.size - 1} by {said}"


def vouched_sizes(folder: Path) -> list[int]:
    """The sizes of which a cosignature or a time-stamp is kept in a log's folder, ascending, unverified."""
    return sorted({*cosigned_sizes(folder), *stamped_sizes(folder)} - {0})


def vouched(folder: Path, size: int, verifier: Verifier) -> Vouched:
    """What others state of a size, verified. Raises StoreTampered where it does not verify.

    The root remains to be compared with that of the tree.
    """
    stamped = stamps(folder, size, verifier)
    by = [(one.at, f"time-stamp authority {one.authority}") for one in stamped]
    checkpoint, note = (stamped[0].checkpoint, stamped[0].note) if stamped else (None, "")
    if size in cosigned_sizes(folder):
        found = witnessed(folder, size, verifier, known_witnesses(folder))
        if checkpoint not in (None, found.checkpoint):
            message = f"log/cosigned/{size} and log/stamped/{size}.note have different roots: the log forked."
            raise StoreTampered(message, index=size, field=f"cosigned/{size}")
        checkpoint, note = found.checkpoint, found.note
        by += [(one.at, f"witness {one.witness}") for one in found.by]
    if checkpoint is None:
        raise StoreTampered(f"Nobody vouches for {size} entries.", index=size)
    return Vouched(checkpoint, note, sorted(by), stamped)


def vouched_for(folder: Path, size: int, verifier: Verifier, root: Callable[[int], bytes]) -> Vouched | None:
    """Who vouches for the first ``size`` entries: the smallest vouched-for checkpoint that covers them all.

    Where there is none, the largest, which covers some; None where nobody vouches. ``root`` is the
    tree's root at a size. Raises StoreTampered where a kept checkpoint is not of this tree.
    """
    sizes = vouched_sizes(folder)
    wanted = min((one for one in sizes if one >= size), default=max(sizes, default=None))
    if wanted is None:
        return None
    found = vouched(folder, wanted, verifier)
    if found.checkpoint.root != root(wanted):
        message = (
            f"Others vouch for another root of {wanted} entries than this log has: the log was rewritten."
        )
        raise StoreTampered(message, index=wanted, field="checkpoint")
    return found


def not_continued(verifier: Verifier, size: int, root: Callable[[int], bytes], note: str) -> list[str]:
    """What contradicts a checkpoint that somebody kept (a signed note), in a log of that size with these roots."""
    try:
        kept = open_checkpoint(note, verifier)
    except InputRefused as error:
        return [f"the checkpoint given is none of this log: {error.message}"]
    if kept.size > size:
        return [f"the log went back: the checkpoint given is of {kept.size} entries, the log has {size}"]
    if root(kept.size) != kept.root:
        return [f"the log was rewritten: the checkpoint given has another root for {kept.size} entries"]
    return []


def vouched_by(found: Vouched | None, size: int) -> str:
    """The sentence for an answer from the first ``size`` entries, given the newest that others vouch for."""
    if found is None:
        return OWN_KEY
    if found.checkpoint.size >= size:
        return found.sentence()
    return f"{found.sentence()}; from entry {found.checkpoint.size} on {OWN_KEY}"
