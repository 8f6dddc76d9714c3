"""Writing a bundle: entries with their payloads, proofs, and all that vouches for the log they are in.

1. Of every size up to the one exported, take what others vouch for, verified and of this tree; and of
   each former key the entry and the checkpoint by which it handed over to the next.
2. Prove each entry against the checkpoint that most vouch for, of these the earliest; where nobody
   vouches for one that covers it, against the checkpoint of the size exported.
3. Add the keys, those checkpoints with cosignatures and time-stamps, and the consistency proofs
   from each to the next.
4. Add entries, proofs and payloads; a payload that is gone is listed with the reason.
5. Add MANIFEST, the SHA-256 of each other file, in the order of their names.

A time-stamp proves when the log had its root; the proofs, that it had these entries then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from compliance.bundle.archives import MANIFEST, SCRIPT, FolderTarget, Target, ZipTarget
from compliance.canonical import Json, sha256_hex
from compliance.durable import rename, unavailable
from compliance.errors import ContentGone, InputRefused, NotFound, StoreExists, StoreTampered
from compliance.evidence import Entry
from compliance.log import EvidenceLog
from compliance.logkeys import ROTATION, keys_text
from compliance.note import (
    KEY_ID_BYTES,
    Checkpoint,
    Former,
    ProofFile,
    Verifier,
    join_note,
    open_checkpoint,
    split_note,
    to_base64,
)
from compliance.rotations import rotated_note
from compliance.timestamps import DIGITS, certificates_pem, kept_certificates
from compliance.vouched import Vouched, vouched, vouched_sizes
from compliance.witnessing import known_witnesses

READ_ME = "READ-ME.txt"
_READ_ME = """This folder holds entries of the evidence log {origin}, with proofs.

Check it with nothing of the program that made it, only sh, openssl (3.0 or newer) and sha256sum:

    sh verify.sh                 with the keys in vkeys/
    sh verify.sh VERIFIER-KEY    with the log's key as you noted it before

entries/INDEX.json               the entry, byte for byte as it is hashed into the log
proofs/INDEX.tlog-proof          its proof (C2SP tlog-proof) and the checkpoint that it leads to
payloads/GONE, payloads/ABSENT   whose content was erased or has expired, by which entry; which payloads are not here
payloads/sha256/                 what the entries speak of, as stored, by SHA-256; small ones ride in the entry
checkpoints/SIZE                 a signed checkpoint of the log, with cosignatures of witnesses where there are any
checkpoints/SIZE.*.tsr           RFC 3161 time-stamps of checkpoints/SIZE.note
consistency/OLD-NEW              proof that the log of NEW entries continues that of OLD
checkpoint                       the newest of these checkpoints; keep it
report/                          a report, with statuses and findings as data, where one was asked for
vkeys/                           keys of the log, of witnesses, certificates of time-stamp authorities
selection.json                   what was asked for
MANIFEST                         SHA-256 of every file, for sha256sum -c
"""


@dataclass(frozen=True)
class Bundle:
    """What was written."""

    size: int
    """The log size that was exported at."""
    entries: int
    payloads: int
    absent: int
    bytes: int
    manifest: str
    """SHA-256 of MANIFEST: whoever notes it can tell the bundle from any other."""


@dataclass
class _Held:
    """What others vouch for, by size, and how an entry finds its checkpoint."""

    log: EvidenceLog
    size: int
    by_size: dict[int, Vouched] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    def checkpoint_of(self, index: int) -> int:
        """Step 2: the size of the checkpoint that the entry is proven against."""
        covering = [found for size, found in self.by_size.items() if size > index]
        best = max(covering, key=lambda found: (len(found.by), -found.checkpoint.size), default=None)
        return self.use(self.size if best is None or not best.by else best.checkpoint.size)

    def use(self, size: int) -> int:
        """Take the checkpoint of a size into the bundle."""
        self.used.add(size)
        return size

    def note(self, size: int) -> str:
        """The checkpoint of a size with all its signature lines."""
        found = self.by_size.get(size)
        return self.log.checkpoint(size) if found is None else found.note


def write_bundle(
    log: EvidenceLog,
    folder: Path,
    out: Path,
    *,
    indexes: Iterable[int],
    size: int,
    selection: Mapping[str, Json],
    more: Mapping[str, bytes] | None = None,
    since: str | None = None,
) -> Bundle:
    """Write a bundle of entries, from the log whose published files lie in ``folder``.

    ``out`` is a folder, new or empty, or a file that ends in ``.zip``; ``more`` are further files,
    under ``report/``; ``since`` is an earlier checkpoint (signed note) that the bundle is to prove that
    the log continues. Raises NotFound for an entry that is not among the first ``size``, StoreExists
    for a target that is there, StoreTampered where the store or what vouches for it contradicts itself.
    """
    wanted = sorted(set(indexes))
    if not 0 < size <= log.size:
        raise InputRefused(
            f"The log has {log.size} entries; a bundle cannot be made of {size}.", field="log_size"
        )
    if wanted and not 0 <= wanted[0] <= wanted[-1] < size:
        missing = wanted[0] if wanted[0] < 0 else wanted[-1]
        raise NotFound(f"There is no entry {missing} among the first {size}.", field="id")
    with _opened(out) as target:
        writing = _Writing(log, folder, size, target)
        if since is not None:
            writing.continue_from(since)
        return writing.run(wanted, selection, more or {})


class _Writing:
    def __init__(self, log: EvidenceLog, folder: Path, size: int, target: Target) -> None:
        self._log = log
        self._folder = folder
        self._target = target
        self._verifier = log.verifier
        self._held = _Held(log, size)
        self._files: dict[str, Callable[[], bytes]] = {}
        self._absent: dict[str, str] = {}
        self._gone: dict[int, str] = {}

    def run(self, wanted: Sequence[int], selection: Mapping[str, Json], more: Mapping[str, bytes]) -> Bundle:
        # 1.
        for size in vouched_sizes(self._folder):
            if size <= self._held.size:
                self._held.by_size[size] = self._vouched(size)
        self._handed_over()
        # 2. and 4.
        for index in wanted:
            self._entry(index)
        entries = sum(name.startswith("entries/") for name in self._files)
        # 3.
        self._checkpoints(newest=not wanted)
        self._keys()
        self._add("selection.json", (json.dumps(selection, indent=1, sort_keys=True) + "\n").encode())
        self._add(READ_ME, _READ_ME.format(origin=self._log.origin).encode())
        self._add(SCRIPT, (files("compliance.bundle") / SCRIPT).read_bytes())
        for name, body in more.items():
            self._add(f"report/{name}", body)
        if self._absent:
            self._add(
                "payloads/ABSENT", "".join(f"{d} {why}\n" for d, why in sorted(self._absent.items())).encode()
            )
        if self._gone:
            self._add(
                "payloads/GONE", "".join(f"{n} {why}\n" for n, why in sorted(self._gone.items())).encode()
            )
        return self._write(entries)

    def continue_from(self, note: str) -> None:
        """Take an earlier checkpoint of the log into the bundle.

        Raises InputRefused where it is none of this log, StoreTampered where the log does not continue it.
        """
        checkpoint = open_checkpoint(note, self._verifier)
        if checkpoint.size == 0:
            return  # every log continues the empty one
        if checkpoint.size > self._held.size:
            message = f"The checkpoint given is of {checkpoint.size} entries; the bundle is of the first {self._held.size}."
            raise StoreTampered(message, index=self._held.size, field="since")
        self._require_root(checkpoint)
        text, lines = split_note(note)
        ids = {key.key_id for key in self._verifier.all_keys()}
        own = join_note(text, [line for line in lines if line[1][:KEY_ID_BYTES] in ids])
        self._held.by_size[checkpoint.size] = Vouched(checkpoint, own, ())
        self._held.use(checkpoint.size)

    def _vouched(self, size: int) -> Vouched:
        found = vouched(self._folder, size, self._verifier)
        self._require_root(found.checkpoint)
        return found

    def _require_root(self, checkpoint: Checkpoint) -> None:
        if checkpoint.root != self._log.root(checkpoint.size):
            message = f"What was signed of {checkpoint.size} entries is another root than this log has: the log was rewritten."
            raise StoreTampered(message, index=checkpoint.size, field="checkpoint")

    def _handed_over(self) -> None:
        """Former keys, each with the entry and the doubly signed checkpoint by which it handed over."""
        followers = [self._verifier, *(one.key for one in self._verifier.former)]
        for follower, one in zip(followers, self._verifier.former, strict=False):
            checkpoint, note = rotated_note(self._folder, one, follower)
            self._require_root(checkpoint)
            held = self._held.by_size.get(one.last, Vouched(checkpoint, note, ()))
            text, lines = split_note(held.note)
            lines += [line for line in split_note(note)[1] if line not in lines]
            self._held.by_size[one.last] = replace(held, note=join_note(text, lines))
            self._entry(self._index_of(one, follower), one.last)

    def _index_of(self, former: Former, follower: Verifier) -> int:
        """The entry that says that a key follows another: as a rule the last one below its last size."""
        said = {"former": str(former.key), "current": str(follower)}
        for index in range(former.last - 1, -1, -1):
            entry = self._log.entry(index)
            if entry.kind == ROTATION and said.items() <= entry.detail.items():
                return index
        raise StoreTampered(f"No entry says that {follower} followed {former.key}.", index=former.last)

    def _add(self, name: str, body: bytes) -> None:
        self._files[name] = lambda: body

    def _entry(self, index: int, against: int | None = None) -> None:
        if f"entries/{index}.json" in self._files:
            return
        size = self._held.checkpoint_of(index) if against is None else self._held.use(against)
        self._files[f"entries/{index}.json"] = lambda: self._log.leaf(index)
        self._files[f"proofs/{index}.tlog-proof"] = lambda: self._proof(index, size)
        entry = self._log.entry(index)
        self._say_gone(index, entry)
        if entry.payload is None or entry.payload.inline is not None:
            return
        digest = entry.payload.sha256
        try:
            self._log.stored_bytes(entry, index)
        except ContentGone as error:
            self._absent[digest] = error.message
        else:
            self._files[f"payloads/sha256/{digest[:2]}/{digest}"] = lambda: (
                self._log.stored_bytes(entry, index) or b""
            )

    def _say_gone(self, index: int, entry: Entry) -> None:
        """Of content that was erased or has expired, the bundle says by which entry, and holds that too."""
        bound = next((one for one in self._log.bounds() if one.concerns(index, entry)), None)
        if bound is not None:
            self._gone[index] = bound.sentence
            if bound.index < self._held.size:
                self._entry(bound.index)

    def _proof(self, index: int, size: int) -> bytes:
        return ProofFile(index, self._log.inclusion(index, size), self._held.note(size)).text().encode()

    def _checkpoints(self, *, newest: bool) -> None:
        if newest:
            self._held.used.add(self._held.size)
        sizes = sorted(self._held.used)
        self._add("checkpoints/SIZES", "".join(f"{size}\n" for size in sizes).encode())
        self._add("checkpoint", self._held.note(sizes[-1]).encode())
        for size in sizes:
            self._add(f"checkpoints/{size}", self._held.note(size).encode())
            found = self._held.by_size.get(size)
            for stamp in found.stamps if found else ():
                self._add(f"checkpoints/{size}.note", stamp.note.encode())
                self._add(f"checkpoints/{size}.{sha256_hex(stamp.response)[:DIGITS]}.tsr", stamp.response)
        for old, new in pairwise(sizes):
            path = self._log.consistency(old, new)
            self._add(f"consistency/{old}-{new}", "".join(f"{to_base64(step)}\n" for step in path).encode())

    def _keys(self) -> None:
        self._add("vkeys/log", keys_text(self._verifier).encode())
        witnesses, certificates = known_witnesses(self._folder), kept_certificates(self._folder)
        if witnesses:
            self._add("vkeys/witnesses", "".join(f"{witness}\n" for witness in witnesses).encode())
        if certificates:
            self._add("vkeys/tsa.pem", certificates_pem(certificates))

    def _write(self, entries: int) -> Bundle:
        # 5. The manifest's own name comes before the small letters of all others but READ-ME.txt.
        digests, total = {}, 0
        for name, body in self._files.items():
            digests[name] = hashlib.sha256(content := body()).hexdigest()
            total += len(content)
        manifest = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()
        self._files[MANIFEST] = lambda: manifest
        for name in sorted(self._files):
            self._target.put(name, self._files[name]())
        payloads = sum(name.startswith("payloads/sha256/") for name in digests)
        return Bundle(
            self._held.size, entries, payloads, len(self._absent), total + len(manifest), sha256_hex(manifest)
        )


@contextmanager
def _opened(out: Path) -> Iterator[Target]:
    """Where to write; a ZIP gets its name only when it is whole."""
    if out.suffix.lower() != ".zip":
        yield FolderTarget(out)
        return
    if out.exists():
        raise StoreExists(f"{out} is there already; name a new file.", field=str(out))
    staged = out.with_name(f".{out.name}.part")
    try:
        with staged.open("wb") as file, closing(ZipTarget(file)) as target:
            yield target
        rename(staged, out)
    except OSError as error:
        raise unavailable(error, f"Writing {out}") from error
    finally:
        staged.unlink(missing_ok=True)
