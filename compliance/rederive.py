"""The published tree, derived again from its entries and compared with every file that lies there.

Part of verification (``compliance.verify``): it works from bytes alone, in bounded memory, and
reports what is wrong instead of raising.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from compliance.durable import listed
from compliance.merkle import HASH_BYTES, leaf_hash, root_of
from compliance.past_checkpoints import KeptCheckpoint
from compliance.tiles import ENTRIES, HEIGHT, WIDTH, Edge, Tile, width_at


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the first log index it speaks for, what was found, what was expected."""

    index: int | None
    what: str
    expected: str

    def __str__(self) -> str:
        where = "" if self.index is None else f"index {self.index}: "
        return f"{where}{self.what}; expected {self.expected}"


@dataclass
class Problems:
    """Problems as they are found: the first thousand are kept, all are counted."""

    found: list[Problem] = field(default_factory=list)
    count: int = 0
    first_index: int | None = None
    KEPT = 1000

    def add(self, index: int | None, what: str, expected: str) -> None:
        """Note one problem."""
        self.count += 1
        if index is not None:
            self.first_index = index if self.first_index is None else min(index, self.first_index)
        if len(self.found) < self.KEPT:
            self.found.append(Problem(index, what, expected))

    def ordered(self) -> tuple[Problem, ...]:
        """By index, those without one last."""
        return tuple(sorted(self.found, key=lambda p: (p.index is None, p.index or 0)))


class Rederivation:
    """Re-derives the tree of ``size`` entries, signed under ``root``, in a log's folder.

    ``kept`` are checkpoints that were published, by size: the tree must have their roots on its way.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        root: bytes,
        problems: Problems,
        kept: Iterable[KeptCheckpoint] = (),
    ) -> None:
        self.edge = Edge(0, [], [])
        self.bytes = 0
        self.checkpoints = 0
        """How many kept checkpoints were compared."""
        self.agreed = 0
        """The largest size of which a kept checkpoint has the root that was derived."""
        self._kept = iter(kept)
        self._awaited = next(self._kept, None)
        self._folder = folder
        self._size = size
        self._root = root
        self._problems = problems

    def leaves(self, each: Callable[[int, bytes], None]) -> None:
        """Go through all entries in order: hash them, compare every tile and bundle, hand them on."""
        self._compare_kept()
        for number in range(-(-self._size // WIDTH)):
            self._bundle(number, each)
        for level, row in enumerate(self.edge.rows):
            if row:
                self._compare(Tile(level, self.edge.size >> HEIGHT * (level + 1), len(row)), b"".join(row))
        while self._awaited is not None:
            was, self._awaited = self._awaited, next(self._kept, None)
            what = f"the log has {self._size} entries, but {was.size} were signed ({was.kept})"
            self._problems.add(self._size, what, "a log that never goes back; restore the newest backup")

    def _bundle(self, number: int, each: Callable[[int, bytes], None]) -> None:
        tile = Tile(ENTRIES, number)
        tile = tile._replace(width=width_at(tile, self._size))
        body = self._body(tile)
        self.bytes += len(body)
        leaves, ends = _decoded(body, tile.width)
        found = [leaf_hash(leaf) for leaf in leaves]
        for at, right in enumerate(self._right(tile, found)):
            index = number * WIDTH + at
            if at >= len(leaves):
                self._problems.add(index, f"log/{tile.path} lacks entry {index}", "each entry once, whole")
            elif found[at] != right:
                self._problems.add(
                    index, f"entry {index} was changed", "the bytes that its leaf was hashed from"
                )
            else:
                each(index, leaves[at])
            for full, hashes in self.edge.append(right):
                self._compare(full, hashes)
            if self._awaited is not None and self._awaited.size == self.edge.size:
                self._compare_kept()
        if len(leaves) == tile.width:
            self._siblings(tile, body[: ends[-1]], ends)

    def _compare_kept(self) -> None:
        """Compare the kept checkpoints of the size that the edge now has."""
        root = self.edge.root()
        while self._awaited is not None and self._awaited.size == self.edge.size:
            was, self._awaited = self._awaited, next(self._kept, None)
            self.checkpoints += 1
            if was.root != root:
                what = f"the first {was.size} entries have another root than was signed ({was.kept})"
                self._problems.add(max(0, was.size - 1), what, "the tree to continue every checkpoint")
            else:
                self.agreed = was.size

    def _right(self, tile: Tile, found: list[bytes]) -> list[bytes]:
        """The leaf hashes to go on with: those of the entries, unless the tile's lead to the root instead.

        So a changed entry is told from a changed tile, and what comes after either is still judged.
        """
        stored = self._hashes(tile._replace(level=0))[: tile.width]
        padded = found + stored[len(found) :]
        padded += [bytes(HASH_BYTES)] * (tile.width - len(padded))
        if len(stored) < tile.width or stored == padded:
            return padded
        if tile.width < WIDTH:
            edge = self.edge.copy()
            for each in stored:
                list(edge.append(each))
            return stored if edge.root() == self._root else padded
        above = Tile(1, tile.number // WIDTH)
        hashes = self._hashes(above._replace(width=width_at(above, self._size)))
        return stored if root_of(stored) in hashes[tile.number % WIDTH :][:1] else padded

    def _hashes(self, tile: Tile) -> list[bytes]:
        """What a tile says, as far as it can be read."""
        stored = self._body(tile)
        return [stored[at : at + HASH_BYTES] for at in range(0, len(stored) - HASH_BYTES + 1, HASH_BYTES)]

    def _compare(self, tile: Tile, expected: bytes) -> None:
        self._siblings(tile, expected, range(HASH_BYTES, len(expected) + 1, HASH_BYTES))

    def _body(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle; a partial one may have gone since the full one came."""
        for path in (tile.path, tile._replace(width=WIDTH).path):
            body = _read(self._folder / path)
            if body is not None:
                return body
        return b""

    def _siblings(self, tile: Tile, expected: bytes, ends: range | list[int]) -> None:
        """Compare the tile, and every narrower or wider one that lies beside it, with what was derived."""
        there = dict(self._there(tile))
        if not {tile.width, WIDTH} & set(there):
            self._problems.add(
                _first(tile, 0), f"log/{tile.path} is missing", "the tile or bundle of that size"
            )
        for width, path in there.items():
            body = _read(path)
            if body is None:
                continue  # swept since it was listed, or unreadable: then the walk over the folder reports it
            part = expected if width >= tile.width else expected[: ends[width - 1]]
            same = body.startswith(part) if width > tile.width else body == part
            if not same:
                at = _first_difference(body, part, ends)
                what = f"log/{path.relative_to(self._folder)} does not hold what the entries come to"
                self._problems.add(_first(tile, at), what, "equal bytes: either it or an entry was changed")

    def _there(self, tile: Tile) -> Iterator[tuple[int, Path]]:
        full = self._folder / tile._replace(width=WIDTH).path
        if full.is_file():
            yield WIDTH, full
        for path in listed(full.with_name(f"{full.name}.p")):
            named = Tile.parse(path.relative_to(self._folder).as_posix())
            if named is not None and path.is_file():
                yield named.width, path

    def unexpected(self, reach: int, reaches_now: Callable[[], int]) -> None:
        """Report what lies among the tiles and belongs to no tree of up to ``reach`` entries.

        ``reaches_now`` is asked again where a file lies beyond that: it may have been published meanwhile.
        """
        for folder, _, names in os.walk(self._folder / "tile"):
            for path in (Path(folder) / name for name in names):
                place = path.relative_to(self._folder)
                tile = Tile.parse(place.as_posix())
                if tile is not None and width_at(tile, reach) < tile.width:
                    reach = max(reach, reaches_now())
                if tile is None or width_at(tile, reach) < tile.width or not is_plain(path):
                    expected = f"only the files of a log of {reach} entries"
                    self._problems.add(None, f"log/{place} lies among the tiles", expected)
                elif path.exists() and not os.access(path, os.R_OK):
                    self._problems.add(_first(tile, 0), f"log/{place} cannot be read", "a readable file")


def is_plain(path: Path) -> bool:
    """Whether a name is that of a regular file, or of one that was swept since it was listed."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _decoded(body: bytes, width: int) -> tuple[list[bytes], list[int]]:
    """Up to ``width`` entries, as far as the bundle can be read, and where each ends."""
    leaves: list[bytes] = []
    ends: list[int] = []
    at = 0
    while len(leaves) < width and at + 2 <= len(body):
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        if end > len(body):
            break
        leaves.append(body[at + 2 : end])
        ends.append(end)
        at = end
    return leaves, ends


def _first(tile: Tile, position: int) -> int:
    """The first log index that a position in a tile speaks for."""
    return (tile.number * WIDTH + position) << HEIGHT * tile.row


def _first_difference(body: bytes, expected: bytes, ends: range | list[int]) -> int:
    """The position of the first hash or entry in which two tiles differ."""
    common = min(len(body), len(expected))
    at = next((i for i in range(common) if body[i] != expected[i]), common)
    return sum(1 for end in ends if end <= at) if at < len(expected) else max(0, len(ends) - 1)
