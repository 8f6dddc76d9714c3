"""The log as it is published: checkpoint, tiles and entry bundles, read from files and verified.

Nothing is taken on trust: the checkpoint bears the log's signature, the tiles of the right edge
hash to its root, every full tile to its place in the tile above, every entry to its place in a
tile. What does not is StoreTampered, naming the first index it speaks for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from compliance.errors import InputRefused, NotFound, StoreMissing, StoreTampered
from compliance.logfiles import LogFiles, LogFolder, verifier_of
from compliance.merkle import HASH_BYTES, leaf_hash, root_of
from compliance.note import Checkpoint, Verifier, open_checkpoint
from compliance.tiles import ENTRIES, HEIGHT, WIDTH, Edge, Tile, hashes_of, rightmost, unbundle, width_at

T = TypeVar("T")
TILES_KEPT = 2048
"""Full tiles kept in memory once verified (8 KiB each)."""
BUNDLES_KEPT = 4
"""Entry bundles kept in memory (at most 16 MiB each, 300 KiB as a rule)."""


@dataclass(frozen=True)
class Snapshot:
    """The published log at one size: its signed checkpoint and the rows of its right edge."""

    checkpoint: Checkpoint
    note: str
    rows: Sequence[Sequence[bytes]]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.checkpoint.size


class _Recent(Generic[T]):
    """The values used last, up to a number of them. Safe from many threads."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values: OrderedDict[Tile, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tile: Tile, make: Callable[[], T]) -> T:
        with self._lock:
            if tile in self._values:
                self._values.move_to_end(tile)
                return self._values[tile]
        value = make()
        with self._lock:
            self._values[tile] = value
            while len(self._values) > self._kept:
                self._values.popitem(last=False)
        return value


def read_verifier(folder: Path) -> Verifier:
    """The verifier key that lies in a log's folder. Raises StoreMissing, or StoreTampered where it is malformed."""
    try:
        return verifier_of(LogFolder(folder), str(folder))
    except OSError as error:
        raise StoreTampered(
            f"log/vkey cannot be read: {error}. Restore it from a backup.", field="vkey"
        ) from error


def read_note(folder: Path) -> bytes:
    """The bytes of the published checkpoint, unverified. Raises StoreTampered where there are none."""
    return LogFolder(folder).note()


def open_note(raw: bytes, verifier: Verifier) -> tuple[Checkpoint, str]:
    """The checkpoint in these bytes, and their text. Raises StoreTampered where the log did not sign it."""
    try:
        note = raw.decode()
        return open_checkpoint(note, verifier), note
    except (UnicodeDecodeError, InputRefused) as error:
        message = f"log/checkpoint cannot be relied on: {error} Restore the store from one backup."
        raise StoreTampered(message, field="checkpoint") from error


class PublishedLog:
    """Reads a published log. It follows the checkpoint: a larger one is seen at the next call."""

    def __init__(self, files: LogFiles | Path, verifier: Verifier) -> None:
        self.files = LogFolder(files) if isinstance(files, Path) else files
        self.verifier = verifier
        self._tiles = _Recent[list[bytes]](TILES_KEPT)
        self._bundles = _Recent[list[bytes]](BUNDLES_KEPT)
        self._seen: tuple[bytes, Snapshot] | None = None

    # --- what is published ---------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The log as published now. Raises StoreTampered where checkpoint and right edge disagree."""
        # What was seen is taken first: the file can only be as new or newer, never older.
        seen = self._seen
        raw = self.files.note()
        if seen is None or seen[0] != raw:
            checkpoint, note = self._opened(raw)
            if seen is not None and checkpoint.size < seen[1].size:
                message = (
                    f"The published checkpoint went back from {seen[1].size} to {checkpoint.size} entries."
                )
                raise StoreTampered(message, field="checkpoint")
            self._seen = seen = (raw, Snapshot(checkpoint, note, self._edge(checkpoint)))
        return seen[1]

    def renew(self) -> bool:
        """Take over the key that followed ours, if the log was given one meanwhile."""
        try:
            found = verifier_of(self.files, "this place")
        except StoreMissing as error:
            message = "log/vkey cannot be read, though this log is open: it is gone. Restore the store from one backup."
            raise StoreTampered(message, field="vkey") from error
        if self.verifier not in (one.key for one in found.former):
            return False
        self.verifier = found
        return True

    def _opened(self, raw: bytes) -> tuple[Checkpoint, str]:
        try:
            return open_note(raw, self.verifier)
        except StoreTampered:
            if not self.renew():
                raise
            return open_note(raw, self.verifier)

    def follow(self, snapshot: Snapshot) -> None:
        """Take over what this process has just published."""
        self._seen = (snapshot.note.encode(), snapshot)

    def _edge(self, checkpoint: Checkpoint) -> list[list[bytes]]:
        rows: list[list[bytes]] = []
        for tile in rightmost(checkpoint.size):
            if tile.level != ENTRIES:
                rows += [[] for _ in range(tile.level - len(rows))]
                rows.append(_hashes(tile, self.read(tile)))
        try:
            root = Edge.at(checkpoint.size, rows).root()
        except InputRefused as error:
            raise StoreTampered(f"The tiles of the right edge are wrong: {error.message}") from error
        if root != checkpoint.root:
            message = (
                f"The tiles of the right edge hash to another root than the checkpoint of {checkpoint.size}."
            )
            raise StoreTampered(message, index=checkpoint.size // WIDTH * WIDTH)
        return rows

    # --- files ---------------------------------------------------------------------------------

    def file(self, path: str) -> bytes:
        """The bytes of ``checkpoint``, ``vkey`` or a tile by its path. Raises NotFound."""
        if path not in {"checkpoint", "vkey"} and Tile.parse(path) is None:
            raise NotFound(f"{path!r} is no file of the log; expected checkpoint, vkey or tile/…")
        body = self.files.read(path)
        if body is None:
            raise NotFound(f"The log has no {path}.")
        return body

    def read(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle, unverified; of a partial one that was swept, those of the full one."""
        for path in (tile.path, tile._replace(width=WIDTH).path):
            body = self.files.read(path)
            if body is not None:
                return body if tile.level == ENTRIES else body[: tile.width * HASH_BYTES]
        start = tile.number << HEIGHT * (tile.row + 1)
        raise StoreTampered(
            f"log/{tile.path} is missing; restore it from a backup.", index=start, field=tile.path
        )

    # --- verified content ----------------------------------------------------------------------

    def hash_at(self, snapshot: Snapshot, level: int, index: int) -> bytes:
        """Hash ``index`` of the row of tiles at ``level``: a leaf's at 0, a full tile's root above."""
        return self._tile(snapshot, Tile(level, index >> HEIGHT))[index % WIDTH]

    def node(self, snapshot: Snapshot, level: int, index: int) -> bytes:
        """The hash of a complete subtree, as a ``merkle.NodeReader`` gives it."""
        row, height = divmod(level, HEIGHT)
        if height == 0:
            return self.hash_at(snapshot, row, index)
        start = index << height
        return root_of(self._tile(snapshot, Tile(row, start >> HEIGHT))[start % WIDTH :][: 1 << height])

    def leaf(self, snapshot: Snapshot, index: int) -> bytes:
        """One entry's bytes. Raises NotFound beyond the size, StoreTampered where they are not the proven ones."""
        if not 0 <= index < snapshot.size:
            raise NotFound(f"The log has no entry {index}; it has {snapshot.size} entries.", field="id")
        tile = Tile(ENTRIES, index // WIDTH)
        return self._checked(snapshot, index, self._bundle(snapshot, tile))

    def leaves(self, snapshot: Snapshot, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Entries in order, each with its index."""
        for first in range(start // WIDTH * WIDTH, stop, WIDTH):
            held = self._bundle(snapshot, Tile(ENTRIES, first // WIDTH))
            for index in range(max(start, first), min(stop, first + WIDTH)):
                yield index, self._checked(snapshot, index, held)

    def _checked(self, snapshot: Snapshot, index: int, held: list[bytes]) -> bytes:
        at = index % WIDTH
        if at >= len(held) or leaf_hash(held[at]) != self.hash_at(snapshot, 0, index):
            message = f"Entry {index} was changed: its bytes do not hash to the leaf that the log proves."
            raise StoreTampered(message, index=index)
        return held[at]

    def _bundle(self, snapshot: Snapshot, tile: Tile) -> list[bytes]:
        wanted = tile._replace(width=width_at(tile, snapshot.size))
        return self._bundles.get(wanted, lambda: _entries(wanted, self.read(wanted)))

    def _tile(self, snapshot: Snapshot, tile: Tile) -> Sequence[bytes]:
        if width_at(tile, snapshot.size) < WIDTH:
            return snapshot.rows[tile.level]
        return self._tiles.get(tile, lambda: self._verified(snapshot, tile))

    def _verified(self, snapshot: Snapshot, tile: Tile) -> list[bytes]:
        hashes = _hashes(tile, self.read(tile))
        if len(hashes) != WIDTH or root_of(hashes) != self.hash_at(snapshot, tile.level + 1, tile.number):
            message = f"log/{tile.path} was changed: its hashes do not lead to the signed root."
            raise StoreTampered(message, index=tile.number << HEIGHT * (tile.level + 1), field=tile.path)
        return hashes


def _entries(tile: Tile, body: bytes) -> list[bytes]:
    try:
        return unbundle(body)
    except InputRefused as error:
        message = f"log/{tile.path} was changed: {error.message}"
        raise StoreTampered(message, index=tile.number * WIDTH, field=tile.path) from error


def _hashes(tile: Tile, body: bytes) -> list[bytes]:
    try:
        return hashes_of(body)
    except InputRefused as error:
        message = f"log/{tile.path} was changed: {error.message}"
        raise StoreTampered(message, index=tile.number << HEIGHT * (tile.row + 1), field=tile.path) from error
