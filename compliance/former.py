"""What a log signed before, wherever that is kept: the material against which its tree is held.

Part of verification (``compliance.verify``). Every signature and time-stamp is verified here; that the
roots are those of the tree is for ``compliance.rederive`` to see.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from compliance.anchor import AnchorPlace, checkpoint_at
from compliance.errors import StoreTampered, StoreUnavailable
from compliance.note import Verifier
from compliance.past_checkpoints import KeptCheckpoint, read_past, recorded
from compliance.rotations import handovers
from compliance.timestamps import Stamp, all_stamps
from compliance.vouched import Vouched, vouched_by
from compliance.witnessing import Witnessed, all_witnessed

Told = Callable[[StoreTampered], None]


class Former:
    """The former checkpoints of the log in a folder, as they are kept at this moment."""

    def __init__(self, folder: Path, verifier: Verifier, anchor: AnchorPlace | None, told: Told) -> None:
        """``told`` is given what is wrong with what is kept."""
        self._folder = folder
        self._told = told
        # Noted before the checkpoint is read: what is published meanwhile is none of its past.
        self._recorded = recorded(folder)
        self._vouched: dict[int, Vouched] = {}
        others = [*self._cosigned(verifier), *self._stamped(verifier), *self._anchored(verifier, anchor)]
        others += self._rotated(verifier)
        self._others = sorted(others)

    def ordered(self) -> Iterator[KeptCheckpoint]:
        """All of them by size."""
        return heapq.merge(self._past(), self._others)

    def vouched_by(self, size: int) -> str:
        """Who beside the log's own key vouches for the log of that size, and up to which entry."""
        newest = max(self._vouched, default=None)
        return vouched_by(None if newest is None else self._vouched[newest], size)

    def _past(self) -> Iterator[KeptCheckpoint]:
        for found in read_past(self._folder, self._recorded):
            if isinstance(found, KeptCheckpoint):
                yield found
            else:
                self._told(found)

    def _cosigned(self, verifier: Verifier) -> Iterator[KeptCheckpoint]:
        for found in all_witnessed(self._folder, verifier):
            if isinstance(found, Witnessed):
                size, by = found.checkpoint.size, [(one.at, f"witness {one.witness}") for one in found.by]
                self._vouch(Vouched(found.checkpoint, found.note, by))
                yield KeptCheckpoint(size, found.checkpoint.root, f"cosigned: log/cosigned/{size}")
            else:
                self._told(found)

    def _stamped(self, verifier: Verifier) -> Iterator[KeptCheckpoint]:
        for found in all_stamps(self._folder, verifier):
            if isinstance(found, Stamp):
                by = [(found.at, f"time-stamp authority {found.authority}")]
                self._vouch(Vouched(found.checkpoint, found.note, by, [found]))
                size = found.checkpoint.size
                yield KeptCheckpoint(size, found.checkpoint.root, f"time-stamped: log/stamped/{size}.note")
            else:
                self._told(found)

    def _rotated(self, verifier: Verifier) -> Iterator[KeptCheckpoint]:
        for found in handovers(self._folder, verifier):
            if isinstance(found, StoreTampered):
                self._told(found)
            else:
                yield KeptCheckpoint(found.size, found.root, f"signed by two keys: log/rotated/{found.size}")

    def _vouch(self, found: Vouched) -> None:
        """Keep who vouches for a size: of two with the same root, both."""
        size = found.checkpoint.size
        other = self._vouched.get(size)
        by: list[tuple[datetime, str]] = sorted([*(other.by if other else ()), *found.by])
        self._vouched[size] = Vouched(found.checkpoint, found.note, by, found.stamps)

    def _anchored(self, verifier: Verifier, anchor: AnchorPlace | None) -> Iterator[KeptCheckpoint]:
        try:
            known = None if anchor is None else checkpoint_at(anchor, verifier.name)
        except StoreTampered as error:
            self._told(error)
        except StoreUnavailable as error:
            self._told(StoreTampered(error.message, field="evidence.anchor"))
        else:
            if known is not None and anchor is not None:
                yield KeptCheckpoint(known.size, known.root, anchor.named)
