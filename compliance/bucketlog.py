"""The published log in a bucket: full tiles locked and at once, checkpoint and partial tiles when they are due.

A commit is durable in the head before anything of it is published, so publishing can wait: within a
second any number of sizes become one checkpoint. What is not published yet is served to this
process from memory. Full tiles and bundles do not wait, because the head forgets their entries;
they are locked, each by its own mode and date. Checkpoint and partial tiles are replaced, so they
are unlocked; superseded versions of them are swept.

Two processes on one bucket publish in turn, under the lock of the head, and keep to the second
together: the time of the published checkpoint is the bucket's own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from compliance.bucket import Bucket
from compliance.errors import StoreTampered, StoreUnavailable
from compliance.tiles import WIDTH, Tile

LOG = "log/"
"""The prefix of the log's files."""
SECONDS = 1.0
"""At most so often checkpoint and partial tiles are published; so long a checkpoint of others may go unseen."""
CHECKPOINT = "checkpoint"


class LogBucket:
    """The files of one log in a bucket, read and published (``LogFiles`` and ``PublicationPort``)."""

    def __init__(
        self, bucket: Bucket, until: Callable[[], datetime], *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """``until`` says how long a full tile that is written now is kept; ``ticks`` are seconds from anywhere."""
        self._bucket = bucket
        self._until = until
        self._ticks = ticks
        self._lock = threading.Lock()
        self._staged: dict[Tile, bytes] = {}
        self._partials: dict[Tile, bytes] = {}
        """The partial tiles of the size released last."""
        self._unwritten: set[Tile] = set()
        self._memory: dict[str, bytes] = {}
        """What this process released last: read from here, whether published or not."""
        self._note = b""
        self._seen: tuple[float, bytes] | None = None
        self._published_at = ticks() - SECONDS
        self._writes = 0
        self.pending = False

    # --- reading -------------------------------------------------------------------------------

    def note(self) -> bytes:
        """The larger of what this process released last and of what was published a second ago or later."""
        with self._lock:
            own = self._memory.get(CHECKPOINT, b"")
            if self.pending:
                return own
            fresh = self._seen is not None and self._ticks() - self._seen[0] < SECONDS
            seen, writes = (self._seen[1] if fresh and self._seen else None), self._writes
        found = self._look(writes) if seen is None else seen
        return own if _size(own) > _size(found) else found

    def _look(self, writes: int) -> bytes:
        found = self._bucket.read_aged(LOG + CHECKPOINT)
        if found is None:
            message = f"{self._bucket}/log/checkpoint is missing; restore the store from one backup."
            raise StoreTampered(message, field=CHECKPOINT)
        body, age = found
        with self._lock:
            if writes == self._writes:
                self._seen = self._ticks(), body
                self._published_at = max(self._published_at, self._ticks() - age)
                return body
            # Released meanwhile by this process: that is newer.
            return self._memory[CHECKPOINT]

    def fresh_note(self) -> bytes:
        """The checkpoint that lies in the bucket now."""
        with self._lock:
            self._seen = None
            writes = self._writes
        return self._look(writes)

    def read(self, path: str) -> bytes | None:
        """A file by its path, from memory where it was released last."""
        with self._lock:
            held = self._memory.get(path)
        return self._bucket.read(LOG + path) if held is None else held

    def stamp(self) -> tuple[int, int, int]:
        """Always the same: that another process appended is found out by the head."""
        return (1, 0, 0)

    # --- publishing ----------------------------------------------------------------------------

    def stage(self, files: Mapping[Tile, bytes], note: str) -> None:
        """Keep a new size in memory: what is locked cannot be written before it is certain."""
        self._staged, self._note = dict(files), note.encode()

    @property
    def settled(self) -> bool:
        """Whether nothing is pending: what the bucket has taken, it keeps."""
        return not self.pending

    def release(self) -> None:
        """Write the full tiles, locked; publish the rest if that is due."""
        full = [tile for tile in self._staged if tile.width == WIDTH]
        for tile in full:
            self._write_locked(tile, self._staged[tile])
        with self._lock:
            self._take_over()
        self.sweep(full)
        if self._ticks() - self._published_at >= SECONDS:
            self.publish()

    def _write_locked(self, tile: Tile, body: bytes) -> None:
        key = LOG + tile.path
        if not self._bucket.put_locked(key, body, self._until()) and self._bucket.read(key) != body:
            message = (
                f"{self._bucket}/{key} is there with other bytes than this log has: it is of another log."
                " Use a bucket of its own for each log."
            )
            raise StoreTampered(message, index=tile.number * WIDTH, field=tile.path)

    def _take_over(self) -> None:
        """What was staged is from now on what this process knows of the right edge."""
        places = {(tile.level, tile.number) for tile in self._staged}
        for tile in [tile for tile in self._partials if (tile.level, tile.number) in places]:
            del self._partials[tile]
        new = {tile: body for tile, body in self._staged.items() if tile.width < WIDTH}
        self._partials |= new
        self._unwritten = (self._unwritten | set(new)) & set(self._partials)
        self._memory = {tile.path: body for tile, body in self._partials.items()} | {CHECKPOINT: self._note}
        self._staged, self.pending = {}, True
        self._writes += 1

    def publish(self) -> None:
        """Write the partial tiles of the size released last, then its checkpoint."""
        if not self.pending:
            return
        for tile in sorted(self._unwritten):
            self._bucket.put(LOG + tile.path, self._partials[tile])
        self._unwritten.clear()
        self._bucket.put(LOG + CHECKPOINT, self._note)
        with self._lock:
            self._published_at = self._ticks()
            self._seen = self._published_at, self._note
            self._writes += 1
            self.pending = False

    def due_in(self) -> float:
        """Seconds until what is pending may be published."""
        return max(0.0, SECONDS - (self._ticks() - self._published_at))

    # --- keeping in order ----------------------------------------------------------------------

    def sweep(self, full: list[Tile]) -> None:
        """Remove the partial tiles of full ones, and with them the checkpoints that were replaced."""
        try:
            for tile in full:
                self._bucket.sweep(f"{LOG}{tile.path}.p/")
            if full:
                self._bucket.sweep(LOG + CHECKPOINT, but_newest_of=LOG + CHECKPOINT)
        except StoreUnavailable:
            return  # what stays is still right; it goes when the next tile is full

    def torn(self, files: Mapping[Tile, bytes]) -> dict[Tile, bytes]:
        """Those of the files that are missing from the bucket, where nothing is ever cut short."""
        return {tile: body for tile, body in files.items() if self.lacks(tile)}

    def lacks(self, tile: Tile) -> bool:
        """Whether a tile is not in the bucket."""
        return self._bucket.look(LOG + tile.path) is None

    def clear(self) -> None:
        """Forget what was staged or pending: the log is taken up from the head, partial tiles and all."""
        with self._lock:
            self._staged, self._partials, self._unwritten = {}, {}, set()
            self.pending = False


def _size(note: bytes) -> int:
    """The size in the second line of a checkpoint; -1 where there is none."""
    lines = note.split(b"\n", 2)
    return int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else -1
