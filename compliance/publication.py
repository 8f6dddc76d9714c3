"""Publishing: tiles, entry bundles and the checkpoint put in their places in the log's folder.

What a size needs is staged before the head is advanced, so that a full disk is met while nothing
has happened yet; afterwards it only has to be renamed. Full tiles, full bundles and the checkpoint
are on the disk when ``release`` returns, if it completes a tile. Partial tiles, and the checkpoint
of a size that completes none, are not waited for: the head holds their entries, and opening the log
writes those again that a power cut tore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from compliance.durable import (
    PUBLIC,
    READ_ONLY,
    listed,
    make_folder,
    refusing,
    rename,
    sync_file,
    sync_folder,
    write_file,
)
from compliance.merkle import HASH_BYTES
from compliance.tiles import ENTRIES, WIDTH, Tile, bundle, unbundle


class PublicationPort(Protocol):
    """Publishes the files of a log, under the append lock; in a folder at once, in a bucket when it is due."""

    @property
    def pending(self) -> bool:
        """Whether the last size that was released is not published yet."""
        ...

    @property
    def settled(self) -> bool:
        """Whether the last size that was released here is published for certain, whatever happens."""
        ...

    def stage(self, files: Mapping[Tile, bytes], note: str) -> None:
        """Prepare a new size. Raises StoreUnavailable; nothing is published yet."""
        ...

    def release(self) -> None:
        """Publish it, or all of it that cannot wait. Raises StoreUnavailable; it can be redone."""
        ...

    def publish(self) -> None:
        """Publish what is pending now. Raises StoreUnavailable; it can be redone."""
        ...

    def due_in(self) -> float:
        """Seconds until what is pending may be published."""
        ...

    def sweep(self, full: list[Tile]) -> None:
        """Remove the partial tiles of tiles that are full and published."""
        ...

    def torn(self, files: Mapping[Tile, bytes]) -> dict[Tile, bytes]:
        """Those of the files that should be there and are not, or are cut short."""
        ...

    def lacks(self, tile: Tile) -> bool:
        """Whether a tile is not there."""
        ...

    def clear(self) -> None:
        """Remove what an interrupted publication staged. Needed once before anything is staged."""
        ...


class Publication:
    """Files of one new size: staged by ``stage``, published by ``release``, under the append lock."""

    pending = False
    """In a folder every size is published at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = folder / "staging"
        self._files: list[tuple[str, str]] = []
        self._full: list[Tile] = []
        self._made: set[str] = set()
        self.settled = False
        """Whether the checkpoint that was released last is on the disk, and not only handed to it."""

    def stage(self, files: Mapping[Tile, bytes], note: str) -> None:
        """Write everything beside its place. Raises StoreUnavailable; nothing is published yet."""
        self._files, self._full = [], [tile for tile in files if tile.width == WIDTH]
        self.settled = False
        with refusing("Preparing the publication of the log"):
            for tile, body in files.items():
                self._put(tile.path, body, mode=READ_ONLY, sync=tile.width == WIDTH)
            self._put("checkpoint", note.encode(), mode=PUBLIC, sync=bool(self._full))

    def release(self) -> None:
        """Put everything in its place, the checkpoint last. Raises StoreUnavailable; it can be redone."""
        *tiles, checkpoint = self._files
        with refusing("Publishing the log"):
            for staged, final in tiles:
                rename(staged, final)
            for folder in {(self.folder / tile.path).parent for tile in self._full}:
                sync_folder(folder)
            rename(*checkpoint)
            if self._full:
                sync_folder(self.folder)
                self.settled = True
        self.sweep(self._full)

    def publish(self) -> None:
        """Wait until the checkpoint that ``release`` published is on the disk."""
        if not self.settled:
            with refusing("Publishing the log"):
                sync_file(self.folder / "checkpoint")
                sync_folder(self.folder)
            self.settled = True

    def due_in(self) -> float:
        """At once."""
        return 0.0

    def lacks(self, tile: Tile) -> bool:
        """Whether a tile is not there."""
        return not (self.folder / tile.path).is_file()

    def sweep(self, full: list[Tile]) -> None:
        """Remove the partial tiles of tiles that are full and published."""
        for tile in full:
            # One that stays is still right; it goes when the log is opened again.
            with suppress(OSError):
                _remove(self.folder / f"{tile.path}.p")
            self._made.discard(f"{tile.path}.p")

    def torn(self, files: Mapping[Tile, bytes]) -> dict[Tile, bytes]:
        """Those of the files, and of the narrower ones beside them, that are missing or cut short.

        Files of the right length are left out whatever they hold: changed ones are for verification
        to find, not for opening to cover up.
        """
        expected = {part: body for tile in files for part, body in self.with_narrower(tile, files[tile])}
        return {tile: body for tile, body in expected.items() if self._length(tile) != len(body)}

    def with_narrower(self, tile: Tile, body: bytes) -> Iterator[tuple[Tile, bytes]]:
        """The tile, and what each narrower one that still lies beside it must hold."""
        yield tile, body
        for path in listed((self.folder / tile.path).parent) if tile.width < WIDTH else ():
            if path.name.isdigit() and 0 < int(path.name) < tile.width:
                yield narrowed(tile, body, int(path.name))

    def clear(self) -> None:
        """Remove what an interrupted publication staged. Needed once before anything is staged."""
        with refusing("Preparing the publication of the log"):
            self._staging.mkdir(exist_ok=True)
            for path in self._staging.iterdir():
                path.unlink()
        self._made.clear()

    def _put(self, path: str, body: bytes, *, mode: int, sync: bool) -> None:
        folder, _, _ = path.rpartition("/")
        if folder not in self._made:
            self._make(folder, sync=sync)
        staged = f"{self._staging}/{len(self._files)}"
        write_file(staged, body, mode=mode, sync=sync)
        self._files.append((staged, f"{self.folder}/{path}"))

    def _make(self, folder: str, *, sync: bool) -> None:
        """Make a folder; that of full tiles durably. It is made once: no other process removes it."""
        path = self.folder / folder
        make_folder(path if sync else path.parent)
        path.mkdir(exist_ok=True)
        self._made.add(folder)

    def _length(self, tile: Tile) -> int | None:
        try:
            return (self.folder / tile.path).stat().st_size
        except FileNotFoundError:
            return None


def narrowed(tile: Tile, body: bytes, width: int) -> tuple[Tile, bytes]:
    """The partial tile or bundle of a smaller width that the same tree had before."""
    if tile.level == ENTRIES:
        return tile._replace(width=width), bundle(unbundle(body)[:width])
    return tile._replace(width=width), body[: width * HASH_BYTES]


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
