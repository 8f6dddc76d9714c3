"""The evidence log: append observations, read entries and payloads, prove them.

A C2SP tlog-tiles log in ``<home>/log``, payloads in ``<home>/payloads``, keys in ``<home>/keys``
(CONTRACT section 5). ``create`` and ``open`` are different calls. What ``append`` returned is on
the disk and published; what it refused with StoreUnavailable may be sent again. Every read is
verified against the signed checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from itertools import compress
from pathlib import Path
from typing import Self

from compliance.bounds import Bound, Bounds
from compliance.commit import Committer, Draft
from compliance.content import Content, entry_of
from compliance.drafting import Drafter, Keeps, keep_longest
from compliance.durable import PUBLIC, make_folder, put_file, refusing
from compliance.errors import (
    Forbidden,
    NotFound,
    StoreExists,
    StoreMissing,
    StoreTampered,
    StoreUnavailable,
)
from compliance.evidence import Entry, Observation
from compliance.groupcommit import GroupCommit
from compliance.head import HeadFile
from compliance.headport import HeadPlace
from compliance.keyring import Keyring
from compliance.logfiles import verifier_of
from compliance.logkeys import VKEYS, followed, keys_text
from compliance.merkle import EMPTY_ROOT, NodeReader, consistency_proof, inclusion_proof, tree_root
from compliance.note import Checkpoint, ProofFile, SigningKey, Verifier, check_origin, join_note, split_note
from compliance.objects import Payloads
from compliance.place import FolderPlace, Place
from compliance.published import PublishedLog
from compliance.sealing import DataKeys
from compliance.signing import forget_others

LOG = "log"
PAYLOADS = "payloads"
KEYS = "keys"
DATA_KEYS = "data"
HEAD = "head.db"
ROTATED = "rotated"


class EvidenceLog:
    """One store's log. Safe from many threads; any number of processes may have it open.

    ``read_only`` needs no more than the right to read: the published bytes for entries and proofs
    at the published size, the keys for sealed payloads and for checkpoints of former sizes.
    """

    def __init__(
        self,
        home: Path,
        clock: Callable[[], datetime],
        *,
        read_only: bool,
        head: HeadPlace | None = None,
        place: Place | None = None,
        keeps: Keeps = keep_longest,
    ) -> None:
        self._clock = clock
        self.after_append: Callable[[], None] = lambda: None
        """Called by each thread whose entries are in the log; the anchor is told so."""
        self._place = place or FolderPlace(home)
        self._keeps = keeps
        files = self._place.files
        self._published = PublishedLog(files, verifier_of(files, str(self._place)))
        self._payloads = self._place.payloads
        self._bounds = Bounds(
            lambda start, stop: self._published.leaves(self._published.snapshot(), start, stop)
        )
        self._content = Content(self._payloads, self._bounds, lambda: self.data_keys, lambda: self.size)
        self._data_keys_folder = home / KEYS / DATA_KEYS
        self._keys_folder = home / KEYS
        self._keys, self._no_keys = _open_keys(
            self._keys_folder, self._published.verifier, needed=not read_only
        )
        self._closed = ExitStack()
        self._writer: GroupCommit[Sequence[Draft]] | None = None
        if self._keys is not None:
            self._data_keys = DataKeys(self._data_keys_folder, self._keys.masters)
            self._refuse_foreign_key(self._keys)
        if not read_only:
            self._open_writer(home / LOG, head or HeadFile(home / LOG / HEAD))
        self._published.snapshot()

    @classmethod
    def create(
        cls,
        home: Path,
        *,
        origin: str,
        clock: Callable[[], datetime],
        head: HeadPlace | None = None,
        place: Place | None = None,
        keeps: Keeps = keep_longest,
    ) -> Self:
        """Make the keys and an empty log, and open it.

        ``head`` lies in the log's folder, log and payloads in ``home``, unless given. ``keeps`` says
        how long the payloads of a kind of entry are kept.

        Raises StoreExists where any of it is there already, InputRefused for an unfit origin.
        """
        check_origin(origin)
        for name in (LOG, PAYLOADS, KEYS):
            if (home / name).exists() and (not (home / name).is_dir() or any((home / name).iterdir())):
                message = (
                    f"There is a store, or part of one, in {home} already ({name}); use it, choose another "
                    "MUNIMENT_HOME, or, if init was cut short there, remove that folder first."
                )
                raise StoreExists(message)
        keys = Keyring.create(home / KEYS, origin)
        with refusing("Creating the store"):
            make_folder(home / LOG)
            (head or HeadFile(home / LOG / HEAD)).create()
            note = keys.signer.signed(Checkpoint(origin, 0, EMPTY_ROOT).text())
            # Last: without a verifier key there is no log, so a creation cut short is none.
            (place or FolderPlace(home)).begin(note, f"{keys.signer.verifier}\n")
        return cls(home, clock, read_only=False, head=head, place=place, keeps=keeps)

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        clock: Callable[[], datetime],
        read_only: bool = False,
        head: HeadPlace | None = None,
        place: Place | None = None,
        keeps: Keeps = keep_longest,
    ) -> Self:
        """Open a log that is there. Raises StoreMissing, or StoreTampered saying what contradicts what.

        Opening for writing finishes a publication that a crash cut short. It reads the right edge
        of the tree, not the log.
        """
        return cls(home, clock, read_only=read_only, head=head, place=place, keeps=keeps)

    def close(self) -> None:
        """Let go of the store. A commit under way is finished first."""
        self._writer = None
        self._closed.close()
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what it is ----------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """The name of the log and of its key."""
        return self._published.verifier.name

    @property
    def vkey(self) -> str:
        """The verifier key, ``name+hash+base64``."""
        return str(self._published.verifier)

    @property
    def verifier(self) -> Verifier:
        """The verifier key, with the former ones and those beside it."""
        return self._published.verifier

    @property
    def size(self) -> int:
        """The number of entries that are durable and published."""
        return self._published.snapshot().size

    @property
    def dedupe_key(self) -> bytes:
        """The secret under which digests of known items are made. Raises Forbidden without right to it."""
        return self._secret().dedupe

    # --- append --------------------------------------------------------------------------------

    def append(self, observations: Sequence[Observation]) -> list[int | None]:
        """Append observations next to each other, all or none; returns the index of each.

        None stands for one all of whose ``known`` digests were in the log already, which appends
        nothing. At return the entries are on the disk and published. Raises TooLarge, InputRefused,
        StoreTampered, or StoreUnavailable (locked, full): then nothing was applied, unless it says so
        or the disk failed in the very act of committing. Sending again is safe with ``known`` items.
        """
        writer = self._writer
        if writer is None:
            raise StoreUnavailable("This log is closed or was opened for reading only; open it for writing.")
        received_at = max(self._clock(), self._committer.last_received)
        # What is known already costs no payload; the transaction decides about the rest.
        novel = [not (o.known and self._head.are_known(o.known)) for o in observations]
        drafts = self._drafter.draft(list(compress(observations, novel)), received_at)
        if drafts:
            writer.submit(drafts)
            self.after_append()
        indexes = iter(drafts)
        return [next(indexes).index if new else None for new in novel]

    def adopt(self, leaves: Sequence[bytes]) -> None:
        """Append entries of a predecessor byte for byte, whose payloads are there already.

        For recovery alone, before anything of its own is appended. Raises InputRefused where one is no entry.
        """
        writer = self._writer
        if writer is None:
            raise StoreUnavailable("This log is closed or was opened for reading only; open it for writing.")
        writer.submit([Draft(Entry.from_bytes(leaf), leaf, timed=True, known=()) for leaf in leaves])

    # --- read ----------------------------------------------------------------------------------

    def leaf(self, index: int) -> bytes:
        """The bytes of one entry, as hashed. Raises NotFound, StoreTampered."""
        return self._published.leaf(self._published.snapshot(), index)

    def entry(self, index: int) -> Entry:
        """One entry. Raises NotFound, StoreTampered."""
        return entry_of(index, self.leaf(index))

    def entries(self, start: int, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Entries from ``start`` up to ``stop`` (or the size now), each with its index."""
        snapshot = self._published.snapshot()
        end = snapshot.size if stop is None else min(stop, snapshot.size)
        for index, leaf in self._published.leaves(snapshot, max(start, 0), end):
            yield index, entry_of(index, leaf)

    def stored_bytes(self, entry: Entry, index: int | None = None) -> bytes | None:
        """An entry's payload as stored, sealed if it is; None if it has none.

        Raises StoreTampered naming the digest if the bytes are missing or not those of the entry, and
        ContentGone where a later entry says that the content of entry ``index`` has expired.
        """
        return self._content.stored(entry, index)

    def body(self, entry: Entry, index: int | None = None) -> bytes | None:
        """An entry's payload as received, unsealed.

        Raises ContentGone where it is gone, naming the entry that says so if the entry's index is given.
        """
        return self._content.body(entry, index)

    def bounds(self) -> tuple[Bound, ...]:
        """Every entry by which content was erased or has expired, in their order."""
        return self._bounds.up_to(self.size)

    @property
    def payloads(self) -> Payloads:
        """Where its payloads lie: for retention and holds."""
        return self._payloads

    @property
    def data_keys(self) -> DataKeys:
        """Its data keys: for erasure. Raises Forbidden without right to them."""
        self._secret()
        return self._data_keys

    def keep_by(self, keeps: Keeps) -> None:
        """From now on keep the payloads of each kind of entry for as long as ``keeps`` says."""
        self._drafter.keeps = keeps

    def published(self, path: str) -> bytes:
        """A file of the log by its C2SP path: ``checkpoint``, ``vkey``, ``tile/…``. Raises NotFound."""
        return self._published.file(path)

    # --- prove ---------------------------------------------------------------------------------

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        return tree_root(size, self._nodes(size))

    def checkpoint(self, size: int | None = None) -> str:
        """The signed checkpoint of a size (default: the published one). Equal sizes give equal bytes."""
        snapshot = self._published.snapshot()
        if size in (None, snapshot.size):
            return snapshot.note
        return self._secret().signer.signed(Checkpoint(self.origin, size, self.root(size)).text())

    def prove(self, index: int, size: int | None = None) -> str:
        """The C2SP tlog-proof of an entry, against the checkpoint of a size (default: the published one)."""
        size = self.size if size is None else size
        if index >= size:
            raise NotFound(f"There is no entry {index} among the first {size}.", field="id")
        return ProofFile(index, self.inclusion(index, size), self.checkpoint(size)).text()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The RFC 6962 audit path of an entry in the log of ``size`` entries; needs no key."""
        return inclusion_proof(index, size, self._nodes(size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The RFC 6962 proof that the log of ``old`` entries is a prefix of that of ``new``."""
        return consistency_proof(old, new, self._nodes(new))

    # --- keys ----------------------------------------------------------------------------------

    def rotate(self, signer: SigningKey, observation: Observation) -> int:
        """Have the log signed by another key from here on; returns the index of the entry that says so.

        ``signer`` is one that ``signing.create_signing_key`` made in the store's ``keys/``. In order:

        1. Append the observation, whose detail names the ``current`` and the ``former`` key.
        2. Under the append lock, sign the published checkpoint by both keys; keep that as ``rotated/SIZE``.
        3. Publish the list of keys, that checkpoint, and last the new verifier key.
        4. Destroy the former signing key. Its proofs stay good: the log says up to which size it signed.

        Cut short before the verifier key is published, nothing has changed; after it, all has but step 4.
        """
        # 1.
        index = self.append([observation])[0]
        if index is None:
            raise StoreUnavailable("The entry of a rotation was known already; nothing was changed.")
        # 2. and 3.
        self._committer.rotate(lambda checkpoint: self._signed_by_both(signer, checkpoint))
        # 4.
        with refusing("Destroying the former signing key"):
            forget_others(self._keys_folder, signer.verifier)
        return index

    def _signed_by_both(self, signer: SigningKey, checkpoint: Checkpoint) -> SigningKey:
        keys, former = self._secret(), self._published.verifier
        text = checkpoint.text()
        lines = [line for key in (keys.signer, signer) for line in split_note(key.signed(text))[1]]
        verifier = followed(former, signer.verifier, checkpoint.size)
        note = join_note(text, lines).encode()
        # In this order, so that what a crash leaves opens by the one key or by the other.
        with refusing("Keeping the checkpoint that both keys signed"):
            put_file(self._keys_folder.parent / LOG / ROTATED / str(checkpoint.size), note, mode=PUBLIC)
        self._place.replace(f"{ROTATED}/{checkpoint.size}", note)
        self._place.replace(VKEYS, keys_text(verifier).encode())
        self._place.replace("checkpoint", note)
        self._place.replace("vkey", f"{verifier}\n".encode())
        self._published.verifier = verifier
        self._keys = replace(keys, signer=signer)
        return signer

    def _present_signer(self) -> SigningKey:
        """The key that signs now: another process may have rotated it."""
        keys = self._secret()
        self._published.renew()
        if keys.signer.verifier != self._published.verifier:
            self._keys = keys = Keyring.open(self._keys_folder, self.origin, self._published.verifier)
            self._refuse_foreign_key(keys)
        return keys.signer

    # --- inside --------------------------------------------------------------------------------

    def _nodes(self, size: int) -> NodeReader:
        snapshot = self._published.snapshot()
        if not 0 <= size <= snapshot.size:
            raise NotFound(f"The log has no size {size}; it has {snapshot.size} entries.", field="log_size")
        return lambda level, index: self._published.node(snapshot, level, index)

    def _secret(self) -> Keyring:
        if self._keys is None:
            message = f"This needs the store's keys: {self._no_keys} Run as a user with read right on them."
            raise Forbidden(message)
        return self._keys

    def _refuse_foreign_key(self, keys: Keyring) -> None:
        if keys.signer.verifier != self._published.verifier:
            message = "keys/log-signing.pem is not the key of log/vkey; restore the store from one backup."
            raise StoreTampered(message, field="vkey")

    def _open_writer(self, folder: Path, head: HeadPlace) -> None:
        keys = self._secret()
        self._head = head.open()
        self._committer = Committer(folder, self._head, keys.signer, self._published, self._place.publication)
        self._committer.refresh = self._present_signer
        try:
            self._committer.take_up()
        except BaseException:
            self._head.close()
            raise
        self._drafter = Drafter(self._payloads, self._data_keys, self._keeps)
        self._closed.callback(self._committer.close)
        self._writer = GroupCommit(self._committer.commit)


def _open_keys(folder: Path, verifier: Verifier, *, needed: bool) -> tuple[Keyring | None, str]:
    """The keys, or why there are none where they are not needed."""
    try:
        return Keyring.open(folder, verifier.name, verifier), ""
    except (StoreMissing, StoreUnavailable) as error:
        if needed:
            raise
        return None, error.message
