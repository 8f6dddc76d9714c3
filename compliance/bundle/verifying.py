"""Verifying a bundle from its bytes alone: no store, no network, no key but those given or in it.

The procedure is that of ``verify.sh``, which lies in every bundle:

1. Every file is listed in MANIFEST with its SHA-256, and no file lies beside them. A ZIP is byte for
   byte what is written from its members.
2. The keys are well-formed; one of the log's is the one that was given, if one was; and each former
   key signed a checkpoint that proves the entry by which the next one followed.
3. Every checkpoint is signed by the log's key, and each continues the one before it.
4. Cosignatures and time-stamps belong to their checkpoints.
5. Every entry hashes, by its proof, to the root of one of these checkpoints.
6. Every payload has the SHA-256 that its entry states; one that is not there is listed as gone.
7. A report that lies in the bundle is the one that an entry says was issued.

Nothing is raised for bytes that are wrong: everything wrong is listed.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from compliance.bundle.archives import MANIFEST, FolderSource, Source, ZipSource, is_as_written
from compliance.canonical import Json, format_time
from compliance.cosignature import Witness, cosignatures
from compliance.errors import InputRefused, MunimentError, NotFound
from compliance.evidence import Entry
from compliance.logkeys import ROTATION, unfounded, with_keys
from compliance.merkle import check_inclusion, leaf_hash, verify_consistency
from compliance.note import (
    Checkpoint,
    Former,
    ProofFile,
    Verifier,
    from_base64,
    open_checkpoint,
    split_note,
    to_base64,
)
from compliance.timestamps import verified_stamp
from compliance.vouched import OWN_KEY

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_SIZE = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
SHOWN_AT_MOST = 1000
REPORT = "report/report.html"


@dataclass(frozen=True)
class BundleVerification:
    """What verification found."""

    ok: bool
    origin: str
    size: int
    root: str
    entries: int
    payloads: int
    bytes: int
    first_bad_index: int | None
    vouched_by: str
    problems: tuple[str, ...]


@dataclass
class _Proven:
    """A checkpoint of the bundle that was verified, who vouches for it, and for how many entries it is used."""

    checkpoint: Checkpoint
    note: str
    by: list[str]
    used: int = 0


def verify_bundle(path: Path, *, vkey: str | None = None, since: str | None = None) -> BundleVerification:
    """Verify the bundle in a folder or ZIP. Raises NotFound where there is none.

    ``vkey`` is the log's key, ``since`` a checkpoint of it (signed note), both as known from elsewhere.
    """
    if path.is_dir():
        return _Procedure(FolderSource(path)).run(vkey, since)
    try:
        with zipfile.ZipFile(path) as archive:
            procedure = _Procedure(ZipSource(archive))
            if not is_as_written(path, archive):
                procedure.problem(f"{path.name} is not byte for byte what is written from its members")
            return procedure.run(vkey, since)
    except FileNotFoundError as error:
        raise NotFound(f"There is no bundle at {path}.", field="path") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        procedure = _Procedure(_Nothing())
        procedure.problem(f"{path.name} is no ZIP that can be read: {error}")
        return procedure.result()


class _Nothing:
    def names(self) -> list[str]:
        return []

    def read(self, name: str) -> bytes:
        raise NotFound(f"{name} is missing from the bundle.", field=name)


class _Procedure:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems: list[str] = []
        self._bad_indexes: list[int] = []
        self._proven: dict[int, _Proven] = {}
        self._verifier: Verifier | None = None
        self._rotations: list[tuple[int, int, Mapping[str, Json]]] = []
        """Index, size proven against, and detail of the entries that say which key follows which."""
        self._issued: set[Json] = set()
        self._entries = self._payloads = self._bytes = 0

    def problem(self, what: str) -> None:
        """Note what is wrong."""
        if len(self._problems) < SHOWN_AT_MOST:
            self._problems.append(what)

    def run(self, vkey: str | None, since: str | None) -> BundleVerification:
        """Steps 1 to 7."""
        # 1.
        self._tried(self._manifest)
        # 2.
        self._tried(lambda: self._log_keys(vkey))
        # 3. and 4.
        if self._verifier:
            self._tried(self._checkpoints)
        if since is not None:
            self._tried(lambda: self._continues_kept(Checkpoint.parse(split_note(since)[0])))
        # 5. and 6.
        names = self._source.names()
        for name in names:
            if name.startswith("entries/"):
                self._tried(lambda name=name: self._entry(name))  # type: ignore[misc]
        if sum(name.startswith("proofs/") for name in names) != sum(
            name.startswith("entries/") for name in names
        ):
            self.problem("there is not one proof for each entry")
        # 2., for which the entries had to be proven.
        if self._verifier:
            self._handed_over(self._verifier)
        # 7.
        if REPORT in names:
            self._tried(self._report)
        return self.result()

    def result(self) -> BundleVerification:
        """What was found so far."""
        newest = self._proven[max(self._proven)].checkpoint if self._proven else None
        return BundleVerification(
            ok=not self._problems, origin=newest.origin if newest else "", size=newest.size if newest else 0,
            root=to_base64(newest.root) if newest else "", entries=self._entries, payloads=self._payloads,
            bytes=self._bytes, first_bad_index=min(self._bad_indexes, default=None),
            vouched_by=self._vouched_by(), problems=tuple(self._problems),
        )  # fmt: skip

    def _tried(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (MunimentError, UnicodeDecodeError, ValueError) as error:
            self.problem(str(error))

    # 1.

    def _manifest(self) -> None:
        text = self._source.read(MANIFEST).decode()
        lines = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
        if not text.endswith("\n") or None in lines:
            raise InputRefused("MANIFEST has a line that is not a SHA-256 and a name.", field=MANIFEST)
        stated = {match[2]: match[1] for match in lines if match}
        names = [name for name in self._source.names() if name != MANIFEST]
        if sorted(stated) != names or len(stated) != len(lines):
            odd = sorted({*stated} ^ {*names}) or ["a file listed twice"]
            self.problem(f"MANIFEST and the files do not agree: {', '.join(odd[:5])}")
        for name in names:
            body = self._source.read(name)
            self._bytes += len(body)
            if hashlib.sha256(body).hexdigest() != stated.get(name):
                self.problem(f"{name} has not the SHA-256 that MANIFEST states")

    # 2.

    def _log_keys(self, given: str | None) -> None:
        text = self._source.read("vkeys/log").decode()
        keys = with_keys(Verifier.parse(text.partition("\n")[0]), text)
        if given is not None and given.strip() not in [str(keys), *(str(one.key) for one in keys.former)]:
            raise InputRefused(
                f"The log's key in the bundle is not the one given, {given.strip()}.", field="vkey"
            )
        self._verifier = keys

    def _lines(self, name: str) -> list[str]:
        text = self._source.read(name).decode()
        if text and not text.endswith("\n"):
            raise InputRefused(f"{name} is cut short.", field=name)
        return text.split("\n")[:-1]

    def _handed_over(self, verifier: Verifier) -> None:
        """Each former key signed a checkpoint of its last size that proves the entry by which it handed over."""
        for fault in unfounded(verifier, [(index, detail) for index, _, detail in self._rotations]):
            self.problem(fault)
        for former in verifier.former:
            self._tried(lambda former=former: self._hand_over(former))  # type: ignore[misc]

    def _hand_over(self, former: Former) -> None:
        proven = self._proven.get(former.last)
        sizes = [size for _, size, detail in self._rotations if detail.get("former") == str(former.key)]
        if proven is None or former.last not in sizes:
            message = (
                f"The key {former.key} did not hand over: no checkpoint of {former.last} entries proves it."
            )
            raise InputRefused(message, field="vkeys/log")
        Verifier(former.key.name, former.key.public).verified(proven.note)

    # 3. and 4.

    def _checkpoints(self) -> None:
        names = set(self._source.names())
        witnesses = (
            [Witness.parse(line) for line in self._lines("vkeys/witnesses")]
            if "vkeys/witnesses" in names
            else []
        )
        roots = (
            x509.load_pem_x509_certificates(self._source.read("vkeys/tsa.pem"))
            if "vkeys/tsa.pem" in names
            else []
        )
        before: Checkpoint | None = None
        for line in self._lines("checkpoints/SIZES"):
            if not _SIZE.fullmatch(line) or (before and int(line) <= before.size):
                raise InputRefused(
                    f"checkpoints/SIZES holds {line!r}, which does not follow.", field="checkpoints/SIZES"
                )
            proven = self._checkpoint(int(line), witnesses)
            proven.by += self._stamps(proven, roots, names)
            if before is not None:
                self._continues(before, proven.checkpoint)
            before = proven.checkpoint
            self._proven[before.size] = proven
        if before is None or self._source.read("checkpoint").decode() != self._proven[before.size].note:
            raise InputRefused("checkpoint is not the newest of those in checkpoints/.", field="checkpoint")

    def _continues_kept(self, kept: Checkpoint) -> None:
        newest = max(self._proven, default=0)
        held = self._proven.get(kept.size)
        if kept.size > newest:
            raise InputRefused(
                f"The log went back: the checkpoint given is of {kept.size} entries, this of {newest}."
            )
        if held is None:
            message = f"Nothing in the bundle is about {kept.size} entries; ask for one made with --since and that checkpoint."
            raise InputRefused(message, field="since")
        if held.checkpoint != kept:
            raise InputRefused(
                f"The log was rewritten: the checkpoint given has another root for {kept.size} entries."
            )

    def _checkpoint(self, size: int, witnesses: list[Witness]) -> _Proven:
        note = self._source.read(f"checkpoints/{size}").decode()
        checkpoint = self._opened(note)
        if checkpoint.size != size or checkpoint.text() != split_note(note)[0]:
            raise InputRefused(f"checkpoints/{size} is of {checkpoint.size} entries.", field="checkpoints")
        stated = cosignatures(note, witnesses)
        return _Proven(checkpoint, note, [f"witness {one.witness} ({format_time(one.at)})" for one in stated])

    def _opened(self, note: str) -> Checkpoint:
        if self._verifier is None:
            raise InputRefused("The bundle holds no key of the log.", field="vkeys/log")
        return open_checkpoint(note, self._verifier)

    def _stamps(self, proven: _Proven, roots: list[x509.Certificate], names: set[str]) -> list[str]:
        size = proven.checkpoint.size
        found = []
        for name in sorted(names):
            if re.fullmatch(rf"checkpoints/{size}\.[0-9a-f]{{16}}\.tsr", name):
                note = self._source.read(f"checkpoints/{size}.note").decode()
                if split_note(note)[0] != proven.checkpoint.text():
                    raise InputRefused(
                        f"checkpoints/{size}.note is another checkpoint than checkpoints/{size}."
                    )
                at, _ = verified_stamp(self._source.read(name), note, roots)
                found.append(f"time-stamp authority ({format_time(at)})")
        return found

    def _continues(self, old: Checkpoint, new: Checkpoint) -> None:
        name = f"consistency/{old.size}-{new.size}"
        path = [from_base64(line, f"A hash in {name}") for line in self._lines(name)]
        if not verify_consistency(old.size, new.size, old.root, new.root, path):
            self.problem(f"the checkpoint of {new.size} entries does not continue that of {old.size}")

    # 5. and 6.

    def _entry(self, name: str) -> None:
        index = name.removeprefix("entries/").removesuffix(".json")
        if not re.fullmatch(r"0|[1-9][0-9]{0,17}", index):
            raise InputRefused(f"{name} lies among the entries.", field=name)
        self._entries += 1
        try:
            self._proven_entry(int(index), self._source.read(name))
        except (MunimentError, UnicodeDecodeError):
            self._bad_indexes.append(int(index))
            raise

    def _proven_entry(self, index: int, leaf: bytes) -> None:
        proof = ProofFile.parse(self._source.read(f"proofs/{index}.tlog-proof").decode())
        size = Checkpoint.parse(split_note(proof.note)[0]).size
        proven = self._proven.get(size)
        if proven is None or proven.note != proof.note or proof.index != index:
            raise InputRefused(
                f"The proof of entry {index} leads to no checkpoint of the bundle.", field="proof"
            )
        check_inclusion(index, size, leaf_hash(leaf), proof.path, proven.checkpoint.root)
        proven.used += 1
        entry = Entry.from_bytes(leaf)
        if entry.kind == ROTATION:
            self._rotations.append((index, size, entry.detail))
        if entry.kind == "report/1":
            self._issued.add(entry.detail.get("sha256"))
        self._payload(index, entry)

    def _payload(self, index: int, entry: Entry) -> None:
        payload = entry.payload
        if payload is None:
            return
        name = f"payloads/sha256/{payload.sha256[:2]}/{payload.sha256}"
        try:
            body = self._source.read(name) if payload.inline is None else payload.inline
        except NotFound:
            if any(line.startswith(f"{payload.sha256} ") for line in self._lines("payloads/ABSENT")):
                return
            raise
        if hashlib.sha256(body).hexdigest() != payload.sha256 or len(body) != payload.size:
            raise InputRefused(f"The payload of entry {index} is not the one that it states.", field=name)
        self._payloads += 1

    # 7.

    def _report(self) -> None:
        if hashlib.sha256(self._source.read(REPORT)).hexdigest() not in self._issued:
            raise InputRefused(
                f"{REPORT} is not a report that an entry of the bundle says was issued.", field=REPORT
            )

    def _vouched_by(self) -> str:
        used = [one for _, one in sorted(self._proven.items()) if one.used]
        said = [", ".join(one.by) for one in used if one.by]
        bare = sum(one.used for one in used if not one.by)
        if not said:
            return OWN_KEY
        rest = f"; {bare} of the entries by this machine's key only" if bare else ""
        return f"vouched for by {'; '.join(said)}{rest}"
