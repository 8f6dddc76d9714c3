"""The head of the log as a port: the one row in which every append is decided, whatever engine keeps it.

It holds the size and root of the log, the last size known to be published, the right edge of the
tree as of ``base`` (the last multiple of 256 whose tiles are safely published), the entries from
``base`` on, and the digests of known items. A transaction that has committed is durable;
publication can be redone from what it wrote. The digests of known items exist nowhere else: with
the head they are lost, and items sent again would be appended again.

An index is the size before the append, never a sequence's next value: a sequence leaves a gap
where a transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from compliance.errors import InputRefused, StoreTampered
from compliance.merkle import EMPTY_ROOT
from compliance.tiles import WIDTH, Tip, bundle, hashes_of, unbundle


@dataclass(frozen=True)
class HeadState:
    """What the head row says. ``received_at`` is the last receipt, in microseconds since 1970, UTC."""

    size: int
    root: bytes
    published: int
    published_root: bytes
    received_at: int
    base: int

    def follow(self, size: int, root: bytes, received_at: int) -> HeadState:
        """The head after an append, this one having been published in full."""
        return HeadState(size, root, self.size, self.root, received_at, self.size // WIDTH * WIDTH)

    @property
    def values(self) -> tuple[int, bytes, int, bytes, int, int]:
        """The columns, in order."""
        return self.size, self.root, self.published, self.published_root, self.received_at, self.base


EMPTY = HeadState(0, EMPTY_ROOT, 0, EMPTY_ROOT, 0, 0)


class TransactionPort(Protocol):
    """What can be asked and written while the head is locked."""

    def foresee(self, digests: Sequence[bytes]) -> None:
        """Name the digests that will be asked for: an engine far away asks for all of them at once."""
        ...

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests were recorded; there must be at least one."""
        ...

    def advance(self, old: HeadState, new: HeadState, leaves: Sequence[bytes]) -> bool:
        """Compare-and-swap the head, adding the entries; False, and nothing done, if it is not at ``old``."""
        ...

    def set_edge(self, rows: Sequence[Sequence[bytes]]) -> None:
        """Record the rows of the edge above the lowest, as of ``base``."""
        ...

    def add_known(self, digests: Iterable[bytes]) -> None:
        """Record digests of items that this transaction appends."""
        ...


class HeadPort(Protocol):
    """An open head. One thread at a time writes, while the head is held; any thread may ask what is known."""

    @property
    def named(self) -> str:
        """What it is called in a message."""
        ...

    def close(self) -> None:
        """Let go of it. Nothing may be under way."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Keep every other process that has this head from appending and publishing."""
        ...

    def confirm_held(self) -> None:
        """Raises StoreUnavailable where the hold was lost meanwhile: then nothing may be published."""
        ...

    def state(self) -> HeadState:
        """The head row. Raises StoreTampered where there is none."""
        ...

    def tip(self, state: HeadState) -> tuple[Tip, list[bytes]]:
        """The tip at ``base`` and the entries that follow it."""
        ...

    def are_known(self, digests: Sequence[bytes]) -> bool:
        """Whether all digests were recorded, asked outside of any transaction."""
        ...

    def mark_published(self, state: HeadState) -> None:
        """Record that the publication of this state is complete, which an append does only afterwards."""
        ...

    def transaction(self) -> AbstractContextManager[TransactionPort]:
        """One writing transaction: durable if the block ends, and nothing of it applied if it raises."""
        ...


class HeadPlace(Protocol):
    """Where a head lies: made once, then opened by any number of processes."""

    @property
    def named(self) -> str:
        """What it is called in a message."""
        ...

    def create(self) -> None:
        """Make the head of an empty log. Raises StoreExists where there is one."""
        ...

    def open(self) -> HeadPort:
        """Open it. Raises StoreMissing, StoreUnavailable."""
        ...

    def read(self) -> tuple[HeadState, Tip, list[bytes]]:
        """Head row, tip at ``base`` and entries after it, of one moment, without writing anything.

        Raises StoreMissing, StoreTampered, StoreUnavailable.
        """
        ...


def checked_state(row: Sequence[object] | None, named: str) -> HeadState:
    """The state in a row. Raises StoreTampered where there is no row, or not one of such values."""
    if row is None:
        raise StoreTampered(f"{named} has no head row; restore the store from one backup.", field="head.db")
    state = HeadState(*row)  # type: ignore[arg-type]  # checked next
    numbers = (state.size, state.published, state.received_at, state.base)
    sound = all(isinstance(number, int) and number >= 0 for number in numbers)
    if not sound or not all(isinstance(root, bytes) for root in (state.root, state.published_root)):
        raise StoreTampered(
            f"{named} has a damaged head row; restore the store from one backup.", field="head.db"
        )
    return state


def checked_tip(
    state: HeadState, edge: Iterable[tuple[int, bytes]], pending: Iterable[bytes], named: str
) -> tuple[Tip, list[bytes]]:
    """The tip at ``base`` and the entries that follow it. Raises StoreTampered where they cannot be.

    ``edge`` are the rows by level, ``pending`` the parts of bundles, both in order.
    """
    try:
        rows = list(_in_order(edge))
        leaves = [leaf for entries in pending for leaf in unbundle(entries)]
        return Tip.at(state.base, rows), leaves
    except InputRefused as error:
        message = f"{named} contradicts itself: {error.message} Restore the store from one backup."
        raise StoreTampered(message, field="head.db") from error


def _in_order(edge: Iterable[tuple[int, bytes]]) -> Iterator[list[bytes]]:
    for expected, (level, hashes) in enumerate(edge, start=1):
        if level != expected:
            raise InputRefused(f"row {level} of the edge follows row {expected - 1}.")
        yield hashes_of(hashes)


def in_bundles(size: int, leaves: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The new entries cut where bundles end, each part encoded, with the index of its first entry."""
    at = 0
    while at < len(leaves):
        end = min(len(leaves), at + WIDTH - (size + at) % WIDTH)
        yield size + at, bundle(leaves[at:end])
        at = end
