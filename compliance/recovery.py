"""Recovery: after a loss, a successor log that goes on from what is left, and says what is missing.

A log that lost entries must not go on under its own name: who holds a later checkpoint would see it
fork. Its successor has a name and a signing key of its own. It begins with the entries that are left,
byte for byte and at their old indexes, so that every old proof and every checkpoint up to there still
holds against its tree. The first entry of its own, of kind ``recovery/1``, states the predecessor's
last known checkpoint, how much of it was recovered, what is lost, and, sealed, who decided and why.

The procedure:

1. Find the longest beginning of the old log that is certain, and the last checkpoint known of it: its
   own, the anchor's, one that somebody kept.
2. Make the new log beside its place, with the old keys but for a new signing key.
3. Copy the payloads of these entries, each verified; note those that are missing.
4. Append the entries. Refuse if their tree is not that of a known checkpoint.
5. Append the recovery entry, with the old digests of known items if they are of this very size.
6. Put the new store into its place. A recovery cut short before leaves nothing there.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compliance.canonical import Json, canonical, sha256_hex
from compliance.durable import listed, make_folder, refusing, sync_folder
from compliance.errors import InputRefused, MunimentError, StoreExists, StoreTampered
from compliance.evidence import CollectorName, Entry, Observation
from compliance.head import connect
from compliance.keyring import DEDUPE
from compliance.log import DATA_KEYS, KEYS, EvidenceLog
from compliance.note import Checkpoint
from compliance.objects import place_of
from compliance.salvage import Remains, remains

RECOVERY = "recovery/1"
SAMPLE = "/sample"
MISSING_NAMED = 50
"""Digests of missing payloads that the entry names; all are counted."""
_SUCCESSOR = re.compile(r"(?P<first>.+)/successor-(?P<number>[1-9][0-9]*)")


@dataclass
class Recovered:
    """What a recovery did."""

    origin: str
    predecessor: str
    entries: int
    last_known: int
    index: int = 0
    """Of the recovery entry."""
    payloads: int = 0
    missing_payloads: list[str] = field(default_factory=list)
    keys: bool = True

    @property
    def lost(self) -> int:
        """How many entries are known to have been signed and are not there."""
        return max(0, self.last_known - self.entries)

    def as_json(self) -> dict[str, Json]:
        """As the command prints it."""
        return {
            "origin": self.origin, "predecessor": self.predecessor, "entries": self.entries,
            "last_known": self.last_known, "lost": self.lost, "index": self.index, "payloads": self.payloads,
            "missing_payloads": len(self.missing_payloads), "keys": self.keys,
        }  # fmt: skip


def successor_of(origin: str) -> str:
    """The name of the log that follows one: ``…/successor-1``, then ``-2``; sample data stays named so."""
    base, sample = (origin.removesuffix(SAMPLE), SAMPLE) if origin.endswith(SAMPLE) else (origin, "")
    match = _SUCCESSOR.fullmatch(base)
    first, number = (match["first"], int(match["number"]) + 1) if match else (base, 1)
    return f"{first}/successor-{number}{sample}"


@dataclass(frozen=True)
class Decision:
    """Who decided to recover, and why; None where no reason was given."""

    decided_by: str
    reason: str | None


def recover(
    source: Path,
    home: Path,
    decision: Decision,
    *,
    known: Sequence[Checkpoint] = (),
    collector: CollectorName,
    clock: Callable[[], datetime],
) -> Recovered:
    """Start a successor in ``home`` of the log whose remains, or backup, lie in ``source``.

    ``known`` are checkpoints of it that are kept elsewhere. Raises StoreExists where there is a store
    in ``home``, StoreMissing and StoreTampered where nothing can be recovered.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        message = (
            f"There is something in {home} already; move what is left of the store aside, name that folder, and"
            " recover into an empty MUNIMENT_HOME."
        )
        raise StoreExists(message)
    # 1.
    found = remains(source)
    for checkpoint in known:
        _refuse_another_log(checkpoint, found)
    aside = home.with_name(f".{home.name}.recovering")
    with refusing("Recovering the store"):
        make_folder(home.parent)
        shutil.rmtree(aside, ignore_errors=True)
    # 2. to 5.
    done = _Recovery(source, aside, found, [*known, found.checkpoint]).run(decision, collector, clock)
    # 6.
    with refusing("Putting the recovered store into its place"):
        if home.is_dir():
            home.rmdir()
        aside.rename(home)
        sync_folder(home.parent)
    return done


def _refuse_another_log(checkpoint: Checkpoint, found: Remains) -> None:
    if checkpoint.origin != found.verifier.name:
        message = (
            f"A checkpoint of {checkpoint.origin} was given; the log that is left is {found.verifier.name}."
        )
        raise InputRefused(message, field="checkpoint")


class _Recovery:
    def __init__(self, source: Path, home: Path, found: Remains, known: Sequence[Checkpoint]) -> None:
        self._source = source
        self._home = home
        self._found = found
        self._known = known
        predecessor, last = found.verifier.name, max(found.size, *(one.size for one in known))
        self._done = Recovered(successor_of(predecessor), predecessor, found.size, last)

    def run(self, decision: Decision, collector: CollectorName, clock: Callable[[], datetime]) -> Recovered:
        """Steps 2 to 5."""
        # 2.
        EvidenceLog.create(self._home, origin=self._done.origin, clock=clock).close()
        self._done.keys = _copy_keys(self._source, self._home)
        _copy_operations(self._source, self._home)
        with EvidenceLog.open(self._home, clock=clock) as log:
            # 3. and 4.
            self._found.hand_on(lambda leaves: self._adopt(log, leaves))
            for checkpoint in self._known:
                _refuse_another_tree(checkpoint, log)
            # 5.
            (index,) = log.append([self._entry(decision, collector)])
            self._done.index = self._found.size if index is None else index
        return self._done

    def _adopt(self, log: EvidenceLog, leaves: Sequence[bytes]) -> None:
        for digest in _files_of(leaves):
            _copy_payload(self._source, self._home, digest, self._done)
        log.adopt(leaves)

    def _entry(self, decision: Decision, collector: CollectorName) -> Observation:
        """What is stated openly holds no name of a person; who decided and why is sealed."""
        done, newest = self._done, max(self._known, key=lambda checkpoint: checkpoint.size)
        detail = {
            "predecessor": done.predecessor, "predecessor_vkey": str(self._found.verifier),
            "last_checkpoint": self._found.note if newest == self._found.checkpoint else newest.text(),
            "last_known": done.last_known, "recovered": done.entries, "lost": done.lost,
            "payloads": done.payloads, "missing_payloads": len(done.missing_payloads),
            "missing": done.missing_payloads[:MISSING_NAMED], "keys": done.keys,
        }  # fmt: skip
        return Observation(
            RECOVERY, "muniment", collector,
            canonical({"decided_by": decision.decided_by, "reason": decision.reason}),
            detail=detail, sealed=True,
            known=tuple(_known_items(self._source, done.entries)) if done.keys else (),
        )  # fmt: skip


def _refuse_another_tree(checkpoint: Checkpoint, log: EvidenceLog) -> None:
    if checkpoint.size <= log.size and log.root(checkpoint.size) != checkpoint.root:
        message = (
            f"What is left is not the log that was signed: its first {checkpoint.size} entries have another root than"
            " the checkpoint that is known. Take an older backup, or find out which of both was changed."
        )
        raise StoreTampered(message, index=checkpoint.size, field="checkpoint")


# --- what is copied ----------------------------------------------------------------------------


def _copy_keys(source: Path, home: Path) -> bool:
    """Copy all keys but those that sign; False where they are not all there, so that sealed content is gone."""
    old, new = source / KEYS, home / KEYS
    masters = [path for path in listed(old) if path.name.startswith("master")]
    if not masters or not (old / DEDUPE).is_file():
        return False
    with refusing("Copying the keys"):
        for path in (path for path in listed(new) if path.name.startswith("master")):
            path.unlink()
        for path in (*masters, old / DEDUPE):
            shutil.copy2(path, new / path.name)
        if (old / DATA_KEYS).is_dir():
            shutil.copytree(old / DATA_KEYS, new / DATA_KEYS, dirs_exist_ok=True)
    return True


def _copy_operations(source: Path, home: Path) -> None:
    """Tokens and runs, where the backup has them; without, they are made anew."""
    if (source / "operations.db").is_file():
        with refusing("Copying the operational tables"):
            shutil.copy2(source / "operations.db", home / "operations.db")


def _files_of(leaves: Sequence[bytes]) -> Iterator[str]:
    for leaf in leaves:
        payload = Entry.from_bytes(leaf).payload
        if payload is not None and payload.inline is None:
            yield payload.sha256


def _copy_payload(source: Path, home: Path, digest: str, done: Recovered) -> None:
    """Copy one payload, verified. One that is missing or changed is noted: its entry still proves its digest."""
    old, new = source / "payloads" / place_of(digest), home / "payloads" / place_of(digest)
    if new.exists():
        return
    try:
        body = old.read_bytes()
    except OSError:
        body = b""
    if sha256_hex(body) != digest:
        done.missing_payloads.append(digest)
        return
    with refusing("Copying a payload"):
        make_folder(new.parent)
        shutil.copy2(old, new)
    done.payloads += 1


def _known_items(source: Path, size: int) -> list[bytes]:
    """The digests of known items, if they are those of the recovered entries and of no lost ones."""
    with (
        suppress(sqlite3.Error, MunimentError),
        closing(connect(source / "log" / "head.db", mode="ro")) as head,
    ):
        if head.execute("SELECT size FROM head").fetchone() == (size,):
            return [digest for (digest,) in head.execute("SELECT digest FROM known")]
    return []
