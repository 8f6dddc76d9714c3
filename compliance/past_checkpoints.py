"""Every checkpoint that was ever published: its size and root, a line for each in ``log/checkpoints``.

The log's signature of each can be made again, as Ed25519 is deterministic; what a line pins is that the
log once spoke for this root. Verification holds each against the tree, so that a log which was
rewritten in part contradicts its own past. Whoever rewrites everything rewrites this too: then only
those catch it who keep a checkpoint elsewhere (a witness, a time-stamp, the anchor, an auditor).

A line is written after its checkpoint was published, and is not waited for: a crash may lose the last
ones, and taking the log up notes the present one again. Only an unfinished last line is passed over.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from compliance.durable import PUBLIC
from compliance.errors import StoreTampered
from compliance.merkle import HASH_BYTES

NAME = "checkpoints"
_LINE = re.compile(rb"(0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)\n")
_LONGEST = 19 + 1 + 44
"""Bytes of a line without its newline."""


@dataclass(frozen=True, order=True)
class KeptCheckpoint:
    """A size and root that the log once signed, and where that is kept, for a message."""

    size: int
    root: bytes
    kept: str


class PastCheckpoints:
    """The record of one log, written under its append lock."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._handle: int | None = None
        self._missed: list[bytes] = []
        self._last: bytes | None = None

    def note(self, size: int, root: bytes) -> None:
        """Add a line. A disk that is full or fails keeps nobody from appending: it is made up for later."""
        line = written(size, root)
        if line == self._last:
            return
        self._last = line
        self._missed.append(line)
        with suppress(OSError):
            self._write(b"".join(self._missed))
            self._missed.clear()

    def take_up(self, size: int, root: bytes) -> None:
        """Cut an unfinished last line off, and note the present checkpoint unless it is the last one."""
        with suppress(OSError):
            end = self._opened()
            tail = os.pread(self._opened(), 2 * _LONGEST, max(0, os.fstat(end).st_size - 2 * _LONGEST))
            whole, newline, rest = tail.rpartition(b"\n")
            if rest and len(rest) <= _LONGEST:
                os.ftruncate(end, os.fstat(end).st_size - len(rest))
            self._last = whole.rpartition(b"\n")[2] + newline or None
        self.note(size, root)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def sync(self) -> None:
        """Wait until what was noted is on the disk."""
        with suppress(OSError):
            os.fsync(self._opened())

    def _opened(self) -> int:
        if self._handle is None:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PUBLIC)
        return self._handle

    def _write(self, lines: bytes) -> None:
        handle = self._opened()
        before = os.fstat(handle).st_size
        if os.write(handle, lines) < len(lines):
            os.ftruncate(handle, before)
            raise OSError("cut short")


def written(size: int, root: bytes) -> bytes:
    """The line of a checkpoint."""
    return b"%d %s\n" % (size, base64.b64encode(root))


def recorded(folder: Path) -> int:
    """How many bytes are recorded now: of checkpoints that were published before, all of them."""
    try:
        return (folder / NAME).stat().st_size
    except OSError:
        return 0


def read_past(folder: Path, end: int | None = None) -> Iterator[KeptCheckpoint | StoreTampered]:
    """What is recorded, up to ``end`` or to now, by size; what is wrong with a line stands in its place."""
    end = recorded(folder) if end is None else end
    try:
        file = (folder / NAME).open("rb")
    except OSError as error:
        yield StoreTampered(
            f"log/{NAME} cannot be read: {error.strerror}; expected every checkpoint.", field=NAME
        )
        return
    with file:
        at, last = 0, 0
        for number, line in enumerate(file, start=1):
            at += len(line)
            if at > end:
                return
            found = _parsed(line, number, last, at == end)
            if isinstance(found, KeptCheckpoint):
                last = found.size
            if found is not None:
                yield found


def past_up_to(folder: Path, size: int) -> bytes:
    """The lines of all checkpoints up to a size, as a copy of the log holds them. Raises StoreTampered."""
    lines: list[bytes] = []
    for found in read_past(folder):
        if isinstance(found, StoreTampered):
            raise found
        if found.size > size:
            break
        lines.append(written(found.size, found.root))
    return b"".join(lines)


def _parsed(line: bytes, number: int, last: int, is_last: bool) -> KeptCheckpoint | StoreTampered | None:
    match = _LINE.fullmatch(line)
    if match is None:
        if is_last and not line.endswith(b"\n") and len(line) <= _LONGEST and _begins(line):
            return None
        return StoreTampered(f"log/{NAME}, line {number}, is no size and root.", field=NAME)
    size, root = int(match[1]), base64.b64decode(match[2])
    if size < last or len(root) != HASH_BYTES or written(size, root) != line:
        return StoreTampered(
            f"log/{NAME}, line {number}, goes back to {size} or is not as written.", field=NAME
        )
    return KeptCheckpoint(size, root, f"log/{NAME}, line {number}")


def _begins(line: bytes) -> bool:
    """Whether bytes are the beginning of a line: digits, then a space and base64."""
    return re.fullmatch(rb"[0-9]{0,19}(?: [A-Za-z0-9+/]{0,43}=?)?", line) is not None
