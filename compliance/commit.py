"""How entries get into the log: one transaction on the head, then the publication of the new size.

Only this module advances the head. A batch goes through these steps, holding the append lock of
the store's folder across processes:

1. Take up the log where it is. If the last publication did not finish, finish it. If head and
   checkpoint contradict each other otherwise, one of them comes from another time: refuse.
2. Begin the transaction; drop observations all of whose items are known; give each other one an
   index and a receipt that is not before the last one's.
3. Stage the tiles, bundles and the signed checkpoint of the new size.
4. Advance the head and commit. From here on the entries are in the log, whatever happens.
5. Release the publication: rename everything into its place, the checkpoint last; then note the
   checkpoint among those that were published.

A failure up to step 4 applies nothing. One in step 5 is reported, and step 1 of the next append,
or of opening the log, redoes the publication from the head.

Step 4 waits for the disk. Step 5 does where it completes a tile; otherwise a power cut may leave an
older checkpoint behind, or an empty one, which step 1 replaces from the head: ``published`` in the
head is the last size whose checkpoint is certainly on the disk, and any between that and the head's
own size may be found there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from compliance import headseal
from compliance.canonical import EPOCH, from_micros, micros
from compliance.durable import FileLock, refusing
from compliance.errors import MunimentError, StoreTampered, StoreUnavailable
from compliance.evidence import Entry
from compliance.headport import HeadPort, HeadState, TransactionPort
from compliance.note import Checkpoint, SigningKey
from compliance.pacing import Pacer
from compliance.past_checkpoints import PastCheckpoints
from compliance.publication import Publication, PublicationPort
from compliance.published import PublishedLog, Snapshot, open_note
from compliance.tiles import ENTRIES, WIDTH, Tile, Tip


@dataclass
class Draft:
    """An entry on its way into the log. ``index`` is set when it is there, and stays None if it was known.

    ``timed`` says that the source stated the time of observation; otherwise it is the receipt.
    """

    entry: Entry
    leaf: bytes
    timed: bool
    known: Sequence[bytes]
    index: int | None = None

    def received(self, at: datetime) -> bytes:
        """The leaf of the entry when it was received at that time."""
        if at != self.entry.received_at:
            observed_at = self.entry.observed_at if self.timed else at
            self.entry = replace(self.entry, received_at=at, observed_at=observed_at)
            self.leaf = self.entry.to_bytes()
        return self.leaf


@dataclass(frozen=True)
class _Batch:
    """What one transaction adds."""

    leaves: Sequence[bytes]
    known: frozenset[bytes]
    received_at: int
    indexes: Sequence[tuple[Draft, int]]


class _Taken(NamedTuple):
    """The log as it was taken up or left: its head, its tip and its published checkpoint."""

    state: HeadState
    tip: Tip
    stamp: tuple[int, int, int]
    """Tells the published checkpoint file from any other."""


class Committer:
    """Appends batches of drafts. Any number of them may stand on one store, in any number of processes."""

    def __init__(
        self,
        folder: Path,
        head: HeadPort,
        signer: SigningKey,
        published: PublishedLog,
        publication: PublicationPort | None = None,
    ) -> None:
        """``folder`` holds the append lock, and the published log too unless ``publication`` is given."""
        self._head = head
        self._signer = signer
        self.refresh: Callable[[], SigningKey] = lambda: signer
        """The key that signs now, asked whenever another process may have rotated it."""
        self._published = published
        self._publication = publication or Publication(folder)
        self._folder = folder
        self._past = PastCheckpoints(folder)
        self._pacer = Pacer(self.publish)
        self._lock = FileLock(folder / "append.lock")
        self._one = threading.Lock()
        self._taken: _Taken | None = None
        self._reached = 0
        """The largest size that this process has seen published."""
        self.last_received = EPOCH
        """The receipt of the last entry that this process knows of."""

    def take_up(self) -> None:
        """Step 1 alone: bring the log into order, or raise StoreTampered saying why it cannot be."""
        with self._one, self._held():
            self._take_up()
            self._pace()

    def commit(self, drafts: Sequence[Sequence[Draft]]) -> None:
        """Append drafts of several callers, each caller's in their order. Steps 1 to 5."""
        ordered = [draft for part in sorted(drafts, key=_first_receipt) for draft in part]
        with self._one, self._held():
            if not self._append(ordered) and not self._append(ordered):
                raise StoreUnavailable("The log grew twice beneath an append that held its lock; try again.")
            self._pace()

    def rotate(self, swap: Callable[[Checkpoint], SigningKey]) -> None:
        """Have ``swap`` sign the checkpoint of the last size by another key, and go on with that one."""
        with self._one, self._held():
            state, _, _ = self._take_up()
            self._publication.publish()
            self._taken = None
            signer = swap(Checkpoint(self._signer.name, state.size, state.root))
            self.refresh, refresh = (lambda: signer), self.refresh
            try:
                self._take_up()
            finally:
                self.refresh = refresh

    def _pace(self) -> None:
        if self._publication.pending:
            self._pacer.within(self._publication.due_in())

    def publish(self) -> None:
        """Publish what is committed but not published yet, as a bucket is written to at most once a second."""
        with self._one, self._held():
            if self._publication.pending:
                if self._taken is None or self._head.state() != self._taken.state:
                    self._take_up()
                self._publish()

    def _publish(self) -> None:
        taken = self._taken_up()
        self._head.confirm_held()
        self._publication.publish()
        self._past.note(taken.state.size, taken.state.root)
        if taken.state.published != taken.state.size:
            self._unseal()
            self._head.mark_published(taken.state)

    def close(self) -> None:
        """Wait for a commit under way, note that all is published, and close the head."""
        self._pacer.stop()
        with self._one:
            try:
                # Without the mark the head is as a crash leaves it, which opening can deal with;
                # what is wrong with the store was raised by what met it, or is by opening it.
                with suppress(MunimentError), self._held():
                    self._take_up()
                    self._publish()
            finally:
                self._past.close()
                self._head.close()
                with suppress(MunimentError), self._lock.held():
                    headseal.seal(self._folder)
                self._lock.close()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep other processes out: by a lock in the folder, and where the head is shared further by the head's own."""
        with self._lock.held(), self._head.held():
            yield

    def _append(self, drafts: Sequence[Draft]) -> bool:
        """Append; False where another process had appended since this one took up the log."""
        # 1.
        state, tip, _ = taken = self._taken_up()
        # Whatever goes wrong from here on is found out by taking the log up afresh.
        self._taken = None
        self._unseal()
        with self._head.transaction() as transaction:
            # 2.
            batch = _decide(state, drafts, transaction)
            if not batch.leaves:
                self._taken = taken
                return True
            # 3.
            grown = tip.copy()
            files = grown.extend(batch.leaves)
            new = state.follow(grown.edge.size, grown.edge.root(), batch.received_at)
            if not self._publication.settled:
                new = replace(new, published=state.published, published_root=state.published_root)
            note = self._note(new)
            self._publication.stage(files, note)
            # 4.
            if not transaction.advance(state, new, batch.leaves):
                return False
            transaction.add_known(batch.known)
            if new.base != state.base:
                transaction.set_edge(tip.edge.rows[1:])
        for draft, index in batch.indexes:
            draft.index = index
        # 5.
        self._release(len(batch.leaves), state.size)
        if not self._publication.pending:
            self._past.note(new.size, new.root)
        self._accept(new, grown, note)
        return True

    def _unseal(self) -> None:
        with refusing("Opening the log head for writing"):
            headseal.unseal(self._folder)

    def _note(self, state: HeadState) -> str:
        return self._signer.signed(Checkpoint(self._signer.name, state.size, state.root).text())

    def _release(self, count: int, first: int) -> None:
        try:
            self._head.confirm_held()
            self._publication.release()
        except StoreUnavailable as error:
            message = (
                f"{error.message} {count} entries from index {first} on are in the log but not published; "
                "the next append, or opening the log, publishes them."
            )
            raise StoreUnavailable(message) from error

    def _accept(self, state: HeadState, tip: Tip, note: str) -> _Taken:
        self._taken = taken = _Taken(state, tip, self._stamp())
        self.last_received = max(self.last_received, from_micros(state.received_at))
        if not self._publication.pending:
            self._reached = state.size
        checkpoint = Checkpoint(self._signer.name, state.size, state.root)
        self._published.follow(Snapshot(checkpoint, note, [list(row) for row in tip.edge.rows]))
        return taken

    def _stamp(self) -> tuple[int, int, int]:
        with refusing("Looking for the published checkpoint"):
            return self._published.files.stamp()

    # --- step 1 --------------------------------------------------------------------------------

    def _taken_up(self) -> _Taken:
        """The log as this process left it, if its checkpoint still lies there; else taken up afresh."""
        if self._taken is not None and self._taken.stamp == self._stamp():
            return self._taken
        return self._take_up()

    def _take_up(self) -> _Taken:
        self._signer = self.refresh()
        state = self._head.state()
        tip, leaves = self._head.tip(state)
        checkpoint, note = self._last_note(state)
        refuse_other_times(state, tip, leaves, checkpoint, self._head.named)
        self._refuse_missing(state.base)
        files = tip.extend(leaves) | dict(tip.partials())
        if (tip.edge.size, tip.edge.root()) != (state.size, state.root):
            message = f"{self._head.named} does not hold the entries that its root speaks for; restore the store from one backup."
            raise StoreTampered(message, index=state.base, field="head.db")
        self._publication.clear()
        finished = checkpoint.size == state.size and note != ""
        wanted = self._publication.torn(files) if finished else files
        if wanted or not finished:
            note = self._note(state)
            self._publication.stage(wanted, note)
            self._publication.release()
        self._publication.sweep([tile for tile in files if tile.width == WIDTH])
        if not self._publication.pending:
            self._past.take_up(state.size, state.root)
        return self._accept(state, tip, note)

    def _last_note(self, state: HeadState) -> tuple[Checkpoint, str]:
        """The published checkpoint; where a power cut left its file empty, the last one that is certain."""
        raw = self._published.files.fresh_note()
        if raw.strip(b"\0"):
            checkpoint, note = open_note(raw, self._signer.verifier)
        else:
            checkpoint, note = Checkpoint(self._signer.name, state.published, state.published_root), ""
        if checkpoint.size < self._reached:
            # No power was cut while this process ran: only somebody can have done that.
            message = (
                f"The published log is back at {checkpoint.size} entries, after {self._reached}: its files were"
                " restored from an older backup. Restore the whole store from one backup."
            )
            raise StoreTampered(message, index=checkpoint.size, field="checkpoint")
        return checkpoint, note

    def _refuse_missing(self, base: int) -> None:
        """The last full files before ``base`` must be there: the head no longer holds their entries."""
        number = base // WIDTH - 1
        for tile in (Tile(0, number), Tile(ENTRIES, number)) if base else ():
            if self._publication.lacks(tile):
                message = f"log/{tile.path} is missing, though the head counts on it; restore the store from one backup."
                raise StoreTampered(message, index=number * WIDTH, field=tile.path)


def are_of_one_time(state: HeadState, tip: Tip, leaves: Sequence[bytes], checkpoint: Checkpoint) -> bool:
    """Whether a head and a published checkpoint are of one log at one time.

    The checkpoint is of the head's size, or one that was published since the last that is certain.
    ``tip`` and ``leaves`` are the head's, and stay as they are.
    """
    signed = {(state.size, state.root), (state.published, state.published_root)}
    if (checkpoint.size, checkpoint.root) in signed:
        return True
    if not max(state.published, state.base) <= checkpoint.size <= state.size:
        return False
    then = tip.copy()
    then.extend(leaves[: checkpoint.size - state.base])
    return then.edge.root() == checkpoint.root


def refuse_other_times(
    state: HeadState,
    tip: Tip,
    leaves: Sequence[bytes],
    checkpoint: Checkpoint,
    named: str = "log/head.db",
) -> None:
    """Refuse a head and a published log that are not of the same time, rather than fork the log."""
    if are_of_one_time(state, tip, leaves, checkpoint):
        return
    if checkpoint.size > state.size:
        message = (
            f"The published checkpoint speaks for {checkpoint.size} entries, {named} for {state.size}: the head was "
            "restored from an older backup. Restore the whole store from one backup."
        )
    elif checkpoint.size < state.published:
        message = (
            f"{named} has signed {state.published} entries, but the published log is back at {checkpoint.size}: its "
            "files were restored from an older backup. Restore the whole store from one backup."
        )
    else:
        message = (
            f"The published checkpoint and {named} have different roots for {checkpoint.size} entries: they are of two "
            "different logs. Restore the whole store from one backup."
        )
    raise StoreTampered(message, index=min(checkpoint.size, state.size), field="checkpoint")


# --- step 2 ------------------------------------------------------------------------------------


def _decide(state: HeadState, drafts: Sequence[Draft], transaction: TransactionPort) -> _Batch:
    """Which drafts are appended, where, and as received when."""
    leaves: list[bytes] = []
    known: set[bytes] = set()
    indexes: list[tuple[Draft, int]] = []
    last = state.received_at
    transaction.foresee([digest for draft in drafts for digest in draft.known])
    for draft in drafts:
        fresh = [digest for digest in draft.known if digest not in known]
        if draft.known and (not fresh or transaction.are_known(fresh)):
            continue
        received = micros(draft.entry.received_at)
        leaves.append(draft.received(from_micros(last)) if received < last else draft.leaf)
        last = max(last, received)
        indexes.append((draft, state.size + len(indexes)))
        known.update(draft.known)
    return _Batch(leaves, frozenset(known), last, indexes)


def _first_receipt(drafts: Sequence[Draft]) -> datetime:
    return drafts[0].entry.received_at
