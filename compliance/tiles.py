"""C2SP tlog-tiles: which tile holds what, where it lies, and how a growing tree fills tiles.

Pure. Format: c2sp.org/tlog-tiles, tile height 8. ``Edge`` is the right edge of a tree: all that is
needed to append to it, at most 255 hashes for each level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from compliance.errors import InputRefused
from compliance.evidence import MAX_ENTRY_BYTES
from compliance.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
LEVELS = 64
ENTRIES = -1
"""The level by which a ``Tile`` names an entry bundle instead of a row of hashes."""

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class Tile(NamedTuple):
    """The name of one tile or entry bundle: its level, its number in the level, how much it holds."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path under the log's prefix: ``tile/0/x001/x234/067.p/8``."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        rest, last = divmod(self.number, 1000)
        digits = f"{last:03d}"
        while rest:
            rest, part = divmod(rest, 1000)
            digits = f"x{part:03d}/{digits}"
        return f"tile/{level}/{digits}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """The tile that a path names; None where it is no path of a tile."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        level = ENTRIES if match["level"] == "entries" else int(match["level"])
        tile = cls(level, int(re.sub("[x/]", "", match["number"])), int(match["width"] or WIDTH))
        return tile if tile.path == path and level < LEVELS and tile.width <= WIDTH else None

    @property
    def row(self) -> int:
        """The level of the hashes that it holds, or whose leaves it holds."""
        return max(self.level, 0)


def width_at(tile: Tile, size: int) -> int:
    """How much of a tile a tree of that size fills: 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * tile.row) - WIDTH * tile.number))


def rightmost(size: int) -> Iterator[Tile]:
    """The partial tiles and the partial entry bundle that a tree of that size must have."""
    row = size
    if size % WIDTH:
        yield Tile(ENTRIES, size // WIDTH, size % WIDTH)
    for level in range(LEVELS):
        if row == 0:
            return
        if row % WIDTH:
            yield Tile(level, row // WIDTH, row % WIDTH)
        row //= WIDTH


# --- entry bundles -----------------------------------------------------------------------------


def bundle(leaves: Iterable[bytes]) -> bytes:
    """Entries behind each other, each after its length in 16 bits, big-endian."""
    return b"".join(part for leaf in leaves for part in (len(leaf).to_bytes(2, "big"), leaf))


def unbundle(body: bytes) -> list[bytes]:
    """The entries of a bundle. Raises InputRefused where it ends within one."""
    leaves, at = [], 0
    while at < len(body):
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        if end > len(body):
            raise InputRefused(f"The entry bundle ends within the entry at byte {at}.", field="bundle")
        leaves.append(body[at + 2 : end])
        at = end
    return leaves


def hashes_of(body: bytes) -> list[bytes]:
    """The hashes in a tile. Raises InputRefused where it is cut within one."""
    if len(body) % HASH_BYTES:
        raise InputRefused(f"The tile has {len(body)} bytes, no whole number of hashes.", field="tile")
    return [body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES)]


# --- the right edge ----------------------------------------------------------------------------


@dataclass
class Edge:
    """The right edge of a tree. ``rows[L]`` are the hashes of the tile being filled at level L.

    ``stack`` holds the roots of the complete subtrees from the left, largest first, so that
    an append costs two hashes on average and the root a few more.
    """

    size: int
    rows: list[list[bytes]]
    stack: list[bytes]

    @classmethod
    def at(cls, size: int, rows: Sequence[Sequence[bytes]]) -> Self:
        """The edge of a tree of that size from its rows. Raises InputRefused where their widths are wrong."""
        kept = [list(row) for row in rows]
        while len(kept) <= HEIGHT and size >> HEIGHT * len(kept):
            kept.append([])
        for level, row in enumerate(kept):
            expected = (size >> HEIGHT * level) % WIDTH
            if len(row) != expected:
                message = (
                    f"Row {level} of the tree's edge has {len(row)} hashes; size {size} needs {expected}."
                )
                raise InputRefused(message, field="edge")
        stack = [root for row in reversed(kept) for root in _complete_subtrees(row)]
        return cls(size, kept, stack)

    def copy(self) -> Edge:
        """An edge that can grow while this one stays."""
        return replace(self, rows=[list(row) for row in self.rows], stack=list(self.stack))

    def root(self) -> bytes:
        """The root of the tree."""
        if not self.stack:
            return EMPTY_ROOT
        found = self.stack[-1]
        for left in reversed(self.stack[:-1]):
            found = node_hash(left, found)
        return found

    def append(self, leaf: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Add one leaf hash; yields each tile that it completes, which then leaves the edge."""
        node, level, count = leaf, 0, self.size
        self._row(0).append(node)
        while count & 1:
            node = node_hash(self.stack.pop(), node)
            level, count = level + 1, count >> 1
            if level % HEIGHT == 0:
                self._row(level // HEIGHT).append(node)
        self.stack.append(node)
        self.size += 1
        if self.size % WIDTH == 0:
            yield from self._completed()

    def partials(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial hash tiles of the tree at this size."""
        for level, row in enumerate(self.rows):
            if row:
                yield Tile(level, self.size >> HEIGHT * (level + 1), len(row)), b"".join(row)

    def _row(self, level: int) -> list[bytes]:
        while len(self.rows) <= level:
            self.rows.append([])
        return self.rows[level]

    def _completed(self) -> Iterator[tuple[Tile, bytes]]:
        for level, row in enumerate(self.rows):
            if len(row) == WIDTH:
                yield Tile(level, (self.size >> HEIGHT * (level + 1)) - 1), b"".join(row)
                row.clear()


def _complete_subtrees(row: Sequence[bytes]) -> Iterator[bytes]:
    at = 0
    for bit in reversed(range(HEIGHT)):
        if len(row) & (1 << bit):
            yield root_of(row[at : at + (1 << bit)])
            at += 1 << bit


@dataclass
class Tip:
    """The right edge together with the entries of the bundle being filled, encoded."""

    edge: Edge
    bundle: bytes

    @classmethod
    def at(cls, base: int, upper_rows: Sequence[Sequence[bytes]]) -> Self:
        """The tip of a tree whose size is a multiple of 256."""
        return cls(Edge.at(base, [[], *upper_rows]), b"")

    def copy(self) -> Tip:
        """A tip that can grow while this one stays."""
        return Tip(self.edge.copy(), self.bundle)

    def extend(self, leaves: Iterable[bytes]) -> dict[Tile, bytes]:
        """Append entries; returns every file that the new size must have and the old one had not."""
        there, files = set(rightmost(self.edge.size)), dict[Tile, bytes]()
        parts = [self.bundle]
        for leaf in leaves:
            if len(leaf) > MAX_ENTRY_BYTES:
                raise InputRefused(f"An entry has {len(leaf)} bytes; at most {MAX_ENTRY_BYTES} fit.")
            parts += [len(leaf).to_bytes(2, "big"), leaf]
            completed = dict(self.edge.append(leaf_hash(leaf)))
            if completed:
                files.update(completed)
                files[Tile(ENTRIES, self.edge.size // WIDTH - 1)] = b"".join(parts)
                parts = []
        self.bundle = b"".join(parts)
        files.update((tile, body) for tile, body in self.partials() if tile not in there)
        return files

    def partials(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial tiles and the partial bundle at this size."""
        if self.bundle:
            yield Tile(ENTRIES, self.edge.size // WIDTH, self.edge.size % WIDTH), self.bundle
        yield from self.edge.partials()
