"""Verification of a whole store from bytes alone: no private key, no database of ours but the head.

The procedure:

1. The verifier key in ``log/vkey`` is well-formed; it is the one the caller trusts, if one is given.
2. What was signed before is gathered: every checkpoint ever published, those that witnesses cosigned
   and authorities time-stamped, each signature and stamp verified, and the one that the anchor holds.
3. The checkpoint is well-formed and signed by that key.
4. Every file among the payloads is a regular file whose SHA-256 is its name.
5. Every entry bundle is read and every entry hashed. Each entry is a record of ours; its payload is
   there, of the stated size, and (by step 4, or inline) of the stated SHA-256. What a later entry says
   has expired may be missing, and what one says was erased cannot be read: both are told.
6. Every tile is derived from the entries and compared with the file, full and partial, those
   included that a wider one has superseded.
7. The tree continues every checkpoint of step 2: it has their root at their size, and is no smaller.
8. The root derived from the entries is the checkpoint's.
9. The head holds entries that hash to its own root, agrees with the published log where both
   speak, and has signed no size that the published log falls short of. As long as nobody opened the
   store since it was closed, no byte of the head has changed.
10. Nothing else lies among the tiles.
11. Every lock is as it should be, where the store has locks (``locks``).
12. With projections: they equal a rebuild (``compliance.standing``, as it needs the store's readers).

Nothing is raised for corrupt bytes: everything wrong is listed, and the first bad index is named.
Memory is bounded by one entry bundle and one level of tiles. A store that is being served may be
verified: what is appended meanwhile is not looked at.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance import headseal
from compliance.anchor import AnchorPlace
from compliance.canonical import Json
from compliance.commit import are_of_one_time
from compliance.errors import MunimentError, StoreMissing, StoreTampered
from compliance.evidence import Entry, Payload
from compliance.former import Former
from compliance.gone import Gone
from compliance.head import HeadFile
from compliance.headport import HeadPlace, HeadState
from compliance.logkeys import ROTATION
from compliance.note import Checkpoint, Verifier
from compliance.objects import PayloadFolder, Payloads
from compliance.published import open_note, read_note, read_verifier
from compliance.rederive import Problem, Problems, Rederivation
from compliance.rotations import without_entry
from compliance.tiles import Tip
from compliance.vouched import OWN_KEY

GIVEN_KEY = "vouched for by the verifier key that was given"
MISSING = "is missing"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TRIES = 5
"""How often head and checkpoint are read again until they are of one moment, on a store being served."""


@dataclass(frozen=True)
class Verification:
    """What verification found. ``problems`` are the first thousand, by index; ``problem_count`` counts all."""

    ok: bool
    size: int
    root: str
    """The checkpoint's root as it writes it, in base64; empty where there is none."""
    problems: tuple[Problem, ...]
    problem_count: int
    first_bad_index: int | None
    entries: int
    payloads: int
    bytes: int
    checkpoints: int
    """How many former checkpoints the tree was held against."""
    vouched_by: str
    gone: tuple[str, ...] = ()
    """What is gone by entries that say so, with the number of entries that had it."""


def verify_store(
    home: Path,
    *,
    vkey: str | None = None,
    head_required: bool = True,
    head: HeadPlace | None = None,
    anchor: AnchorPlace | None = None,
    locks: Callable[[], Iterable[Problem]] = tuple,
    payloads: Payloads | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Verify the store in ``home``; see the procedure above.

    ``vkey`` is a verifier key known from elsewhere: without it the store's own is used, which who
    rewrote the whole store could have replaced. ``head_required=False`` takes a copy of the
    published bytes alone, ``head`` is where it lies if not beside them. ``anchor`` is the second place that knows the last signed size. ``locks``
    looks at the locks of payloads and tiles; ``payloads`` are elsewhere than in ``home``. ``progress`` gets entries done and in all. Raises
    StoreMissing only.
    """
    if not (home / "log").is_dir():
        message = f"There is no evidence log in {home}; name the folder that holds log/ and payloads/."
        raise StoreMissing(message)
    place = head or HeadFile(home / "log" / "head.db")
    kept = payloads or PayloadFolder(home / "payloads")
    return _Procedure(home, place, head_required, anchor, locks, kept, progress).run(vkey)


class _Procedure:
    def __init__(
        self,
        home: Path,
        head: HeadPlace,
        head_required: bool,
        anchor: AnchorPlace | None,
        locks: Callable[[], Iterable[Problem]],
        payloads: Payloads,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._log = home / "log"
        self._payloads = payloads
        self._place = head
        self._named = head.named
        self._head_required = head_required
        self._anchor = anchor
        self._locks = locks
        self._progress = progress
        self._problems = Problems()
        self._bad: set[str] = set()
        self._gone = Gone()
        self._rotations: list[tuple[int, Mapping[str, Json]]] = []
        self._entries = self._payload_count = self._bytes = self._size = self._checkpoints = 0

    def run(self, vkey: str | None) -> Verification:
        verifier = self._verifier(vkey)
        former = None if verifier is None else Former(self._log, verifier, self._anchor, self._tell)
        checkpoint = self._checkpoint(verifier) if verifier else None
        self._payload_files()
        if verifier and former and checkpoint:
            self._tree(verifier, checkpoint, former)
        for problem in self._locks():
            self._problems.add(problem.index, problem.what, problem.expected)
        return Verification(
            ok=self._problems.count == 0,
            size=checkpoint.size if checkpoint else 0,
            root=base64.b64encode(checkpoint.root).decode() if checkpoint else "",
            problems=self._problems.ordered(),
            problem_count=self._problems.count,
            first_bad_index=self._problems.first_index,
            entries=self._entries,
            payloads=self._payload_count,
            bytes=self._bytes,
            checkpoints=self._checkpoints,
            vouched_by=self._vouched_by(vkey, former, checkpoint),
            gone=self._gone.told(),
        )

    def _vouched_by(self, vkey: str | None, former: Former | None, checkpoint: Checkpoint | None) -> str:
        if former is None or checkpoint is None or self._problems.count:
            return GIVEN_KEY if vkey else OWN_KEY
        others = former.vouched_by(checkpoint.size)
        return GIVEN_KEY if vkey and others == OWN_KEY else others

    # 1.

    def _verifier(self, given: str | None) -> Verifier | None:
        try:
            found = read_verifier(self._log)
            trusted = Verifier.parse(given.strip()) if given else found
        except MunimentError as error:
            self._problems.add(None, error.message, "a verifier key name+hash+base64")
            return None
        if trusted in (one.key for one in found.former):
            # Its last checkpoint and an entry hand over to the next: steps 2 and 5 see to that.
            return found
        if found != trusted:
            self._problems.add(None, f"log/vkey is {found}", f"the trusted key {trusted}")
        return found if found == trusted else trusted

    # 2.

    def _tell(self, fault: StoreTampered) -> None:
        self._problems.add(fault.index, fault.message.rstrip("."), "what the log signed, as it was kept")

    # 3.

    def _checkpoint(self, verifier: Verifier) -> Checkpoint | None:
        try:
            checkpoint, _ = open_note(read_note(self._log), verifier)
        except StoreTampered as error:
            self._problems.add(None, error.message, f"a checkpoint signed by {verifier.name}")
            return None
        return checkpoint

    # 4.

    def _payload_files(self) -> None:
        for place in self._payloads.names():
            name = place.rpartition("/")[2]
            expected = f"sha256/{name[:2]}/{name}"
            if not _DIGEST.fullmatch(name) or place != expected or not self._payloads.is_plain(place):
                what = f"payloads/{place} lies among the payloads"
                self._problems.add(None, what, "only payloads, by their SHA-256")
                continue
            found = self._hashed(place)
            if found != name:
                self._bad.add(name)
                what = f"payloads/{place} has the SHA-256 {found or 'of nothing readable'}"
                self._problems.add(None, what, "its name")

    def _hashed(self, place: str) -> str | None:
        found = self._payloads.hashed(place)
        if found is None:
            return None
        self._payload_count += 1
        self._bytes += found[1]
        return found[0]

    # 5. to 8., and 10.

    def _tree(self, verifier: Verifier, checkpoint: Checkpoint, former: Former) -> None:
        self._size = checkpoint.size
        derived = Rederivation(self._log, checkpoint.size, checkpoint.root, self._problems, former.ordered())
        derived.leaves(self._entry)
        for index, what, expected in self._gone.unexplained():
            self._problems.add(index, what, expected)
        self._bytes += derived.bytes
        self._checkpoints = derived.checkpoints
        for fault in without_entry(verifier, self._rotations):
            self._tell(fault)
        if derived.edge.root() != checkpoint.root:
            found = base64.b64encode(derived.edge.root()).decode()
            expected = f"the signed {base64.b64encode(checkpoint.root).decode()}"
            self._problems.add(None, f"the entries hash to the root {found}", expected)
        derived.unexpected(max(checkpoint.size, self._head(verifier, checkpoint)), self._reaches)

    def _entry(self, index: int, leaf: bytes) -> None:
        self._entries += 1
        if self._progress is not None and (self._entries % 1000 == 0 or self._entries == self._size):
            self._progress(self._entries, self._size)
        try:
            entry = Entry.from_bytes(leaf)
            self._gone.pass_by(index, entry)
        except (MunimentError, LookupError, ValueError, TypeError) as error:
            self._problems.add(index, str(error), "an evidence record")
            return
        if entry.kind == ROTATION:
            self._rotations.append((index, entry.detail))
        payload = entry.payload
        wrong = None if payload is None else self._payload_fault(payload)
        if payload is not None and wrong:
            fault = index, f"the payload {payload.sha256} {wrong}", f"{payload.size} bytes of that SHA-256"
            (self._gone.missed if wrong == MISSING else self._problems.add)(*fault)

    def _payload_fault(self, payload: Payload) -> str | None:
        """What is wrong with an entry's payload, or None."""
        digest = str(payload.sha256)
        if not _DIGEST.fullmatch(digest):
            return "is no SHA-256"
        if payload.inline is not None:
            same = hashlib.sha256(payload.inline).hexdigest() == digest
            return (
                None
                if same and len(payload.inline) == payload.size
                else "is not the bytes that ride in the entry"
            )
        size = self._payloads.size(digest)
        if size is None:
            return MISSING
        if digest in self._bad:
            return "was changed"
        return None if size == payload.size else f"has {size} bytes"

    # 9.

    def _head(self, verifier: Verifier, verified: Checkpoint) -> int:
        """Check the head; returns how far it says that the log reaches."""
        if sealed := headseal.fault(self._log):
            self._problems.add(None, sealed, "the bytes that were there when the store was closed")
        try:
            return self._head_beside(verifier, verified)
        except StoreMissing:
            if self._head_required:
                self._problems.add(None, f"{self._named} is missing", "the head of the log")
            return 0
        except MunimentError as error:
            self._problems.add(None, error.message, "a readable head")
            return 0

    def _reaches(self) -> int:
        """How far the log reaches by now, as far as that can be told."""
        try:
            return self._place.read()[0].size
        except MunimentError:
            return 0

    def _head_beside(self, verifier: Verifier, verified: Checkpoint) -> int:
        # Appends may go on meanwhile: head and checkpoint are of one moment if the latter stayed.
        checkpoint, _ = open_note(read_note(self._log), verifier)
        for _ in range(_TRIES):
            state, tip, leaves = self._place.read()
            again, _ = open_note(read_note(self._log), verifier)
            if again == checkpoint:
                self._of_one_moment(state, tip, leaves, checkpoint)
                break
            checkpoint = again
        self._contents(state, tip, leaves, verified)
        return max(state.size, checkpoint.size)

    def _of_one_moment(self, state: HeadState, tip: Tip, leaves: list[bytes], checkpoint: Checkpoint) -> None:
        if not are_of_one_time(state, tip, leaves, checkpoint):
            what = f"{self._named} has signed {state.published} and holds {state.size} entries"
            expected = f"one of them to be the published {checkpoint.size}, with its root"
            self._problems.add(min(state.size, checkpoint.size), what, expected)

    def _contents(self, state: HeadState, tip: Tip, leaves: list[bytes], verified: Checkpoint) -> None:
        shared = verified.size - state.base
        if 0 <= shared <= len(leaves):
            tip.extend(leaves[:shared])
            leaves = leaves[shared:]
            if tip.edge.root() != verified.root:
                what = f"{self._named} holds other entries than the published log"
                self._problems.add(state.base, what, f"the root of {verified.size} entries that was verified")
        tip.extend(leaves)
        if (tip.edge.size, tip.edge.root()) != (state.size, state.root):
            expected = f"the {state.size} entries and the root that it states"
            self._problems.add(
                state.base, f"{self._named} holds {tip.edge.size} entries of another root", expected
            )


__all__ = ["GIVEN_KEY", "OWN_KEY", "Problem", "Verification", "verify_store"]
