"""Backup: a consistent copy of a store's evidence, made while it is being served.

What is copied verifies, and can be opened as a store. It includes the keys (signing key, master
key, data keys), so it is as secret as the store itself; the secrets of key spaces are not in the
store and not in the backup. A data key destroyed later lives on in backups made before, and can be
used there for as long as the master key that wraps it can be had: made without it, a backup cannot
open what it holds once the master key was replaced (``masters``).

The order makes it consistent:

1. Under the append lock, note the published checkpoint and pin a reading of the head: both are of
   one size. Appends go on from here.
2. Copy the head as pinned, then the tiles and bundles of that size, which never change. Partial
   tiles may be swept meanwhile; those that the size needs are derived from the head.
3. Copy the payloads. Those of the noted entries are all there; later ones do no harm.
4. Copy the keys. Data keys only come; one that a noted entry needs is there.
5. Write the former checkpoints up to the noted one, then checkpoint and verifier key last: a copy
   cut short is no store.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from compliance.commit import refuse_other_times
from compliance.durable import (
    PUBLIC,
    READ_ONLY,
    exclusive,
    listed,
    make_folder,
    put_file,
    refusing,
    sync_folder,
)
from compliance.errors import StoreExists, StoreMissing
from compliance.head import connect, read_state, read_tip, refusing_database
from compliance.logfiles import verifier_of
from compliance.logkeys import VKEYS, keys_text
from compliance.note import Checkpoint, Verifier
from compliance.objects import PayloadFolder, Payloads
from compliance.past_checkpoints import NAME, past_up_to
from compliance.place import FolderPlace, Place
from compliance.publication import Publication
from compliance.published import PublishedLog, open_note
from compliance.tiles import ENTRIES, HEIGHT, WIDTH, Tile, Tip


@dataclass(frozen=True)
class Backup:
    """What was copied: the size and note of the log, and how much."""

    size: int
    note: str
    files: int
    bytes: int


def backup(home: Path, target: Path, place: Place | None = None, *, master: bool = True) -> Backup:
    """Copy the evidence of the store in ``home`` to ``target``, which must be absent or empty.

    ``place`` is where log and payloads lie if not in ``home``; the copy has them in its folder. Without
    ``master`` it holds data keys wrapped and not the key that opens them. Durable at return.
    Raises StoreMissing, StoreExists for a target that holds something, StoreUnavailable, StoreTampered
    where the store contradicts itself.
    """
    place = place or FolderPlace(home)
    verifier = verifier_of(place.files, str(place))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreExists(f"{target} is there and not empty; name a new folder for the backup.")
    with refusing("Writing the backup"):
        make_folder(target, mode=0o700)
        return _Copy(home, target, verifier, place, master=master).run()


class _Copy:
    def __init__(self, home: Path, target: Path, verifier: Verifier, place: Place, *, master: bool) -> None:
        self._left_out = ("data.lock",) if master else ("data.lock", "master")
        self._home = home
        self._target = target
        self._place = place
        self._published = PublishedLog(place.files, verifier)
        self._publication = Publication(home / "log")
        self._verifier = verifier
        self._files = self._bytes = 0

    def run(self) -> Backup:
        head = self._home / "log" / "head.db"
        if not head.is_file():
            raise StoreMissing(f"There is no log head at {head}; restore it before making a backup.")
        with refusing_database("Copying the log head"), closing(connect(head)) as source:
            # 1.
            with exclusive(self._home / "log" / "append.lock"):
                source.execute("BEGIN")
                state = read_state(source)
                checkpoint, note = open_note(self._place.files.fresh_note(), self._verifier)
            # 2.
            tip, leaves = read_tip(source, state)
            refuse_other_times(state, tip, leaves, checkpoint)
            self._head(source)
        self._tiles(checkpoint, tip, leaves[: checkpoint.size - state.base])
        # 3. and 4.
        if isinstance(self._place, FolderPlace):
            self._tree(self._home / "payloads" / "sha256")
        else:
            self._payloads(self._place.payloads)
        make_folder(self._target / "keys", mode=0o700)
        self._tree(self._home / "keys", self._left_out)
        # 5.
        self._put(f"log/{NAME}", past_up_to(self._home / "log", checkpoint.size), PUBLIC)
        self._vouched(checkpoint.size)
        self._put("log/checkpoint", note.encode(), PUBLIC)
        self._put("log/vkey", f"{self._verifier}\n".encode(), PUBLIC)
        return Backup(checkpoint.size, note, self._files, self._bytes)

    def _vouched(self, size: int) -> None:
        """Former keys, cosignatures and time-stamps, up to the noted size: some may have come meanwhile."""
        for name in ("cosigned", "stamped", "rotated"):
            for path in listed(self._home / "log" / name):
                number = path.name.partition(".")[0]
                if path.suffix == ".pem" or (number.isdigit() and int(number) <= size):
                    self._copy(path)
        if (self._home / "log" / "witnesses").is_file():
            self._copy(self._home / "log" / "witnesses")
        if self._verifier.former or self._verifier.beside:
            self._put(f"log/{VKEYS}", keys_text(self._verifier).encode(), PUBLIC)

    def _head(self, source: sqlite3.Connection) -> None:
        make_folder(self._target / "log")
        copy = self._target / "log" / "head.db"
        with closing(connect(copy, mode="rwc")) as target:
            # In one step, so that it reads what was pinned and no later state.
            source.backup(target, pages=-1)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        self._count(copy.stat().st_size)

    def _tiles(self, checkpoint: Checkpoint, tip: Tip, leaves: list[bytes]) -> None:
        """Full tiles and bundles as they lie there, partial ones from the head."""
        for tile in full_tiles(checkpoint.size):
            self._put(tile.path, self._published.read(tile), READ_ONLY, under="log")
        tip.extend(leaves)
        for tile, body in tip.partials():
            for part, bytes_ in self._publication.with_narrower(tile, body):
                self._put(part.path, bytes_, READ_ONLY, under="log")

    def _payloads(self, payloads: Payloads) -> None:
        """Payloads that lie elsewhere, each with the date until which it is kept."""
        copies = PayloadFolder(self._target / "payloads")
        for name in payloads.names():
            digest = name.rpartition("/")[2]
            body = payloads.get(digest)
            copies.put(body, payloads.lock(digest).until)
            self._count(len(body))

    def _tree(self, folder: Path, left_out: tuple[str, ...] = ()) -> None:
        for place, _, names in os.walk(folder):
            for name in names:
                if not name.startswith((".staged-", *left_out)):
                    self._copy(Path(place) / name)
            if names:
                sync_folder(self._target / Path(place).relative_to(self._home))

    def _copy(self, path: Path) -> None:
        copy = self._target / path.relative_to(self._home)
        make_folder(copy.parent, mode=0o700 if "keys" in copy.parts else 0o755)
        shutil.copy2(path, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        self._count(copy.stat().st_size)

    def _put(self, name: str, body: bytes, mode: int, *, under: str = "") -> None:
        put_file(self._target / under / name, body, mode=mode)
        self._count(len(body))

    def _count(self, size: int) -> None:
        self._files += 1
        self._bytes += size


def full_tiles(size: int) -> Iterator[Tile]:
    """Every full tile and bundle of a tree of that size."""
    for number in range(size // WIDTH):
        yield Tile(ENTRIES, number)
    level = 0
    while size >> HEIGHT * (level + 1):
        for number in range(size >> HEIGHT * (level + 1)):
            yield Tile(level, number)
        level += 1
