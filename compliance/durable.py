"""The narrow place where bytes of the evidence store meet the disk.

Everything that the log writes outside its database goes through ``write_file`` and ``rename``, so
that durability is decided, and faults are injected, in one place. What fails here is
StoreUnavailable with a sentence that says what a person can do.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compliance.errors import StoreUnavailable

READ_ONLY = 0o444
PUBLIC = 0o644
SECRET = 0o600
LOCK_SECONDS = 30.0
"""How long an append waits for another process to finish its own."""
_POLL_SECONDS = 0.001

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, then try again",
    errno.EDQUOT: "the disk quota is used up; raise it, then try again",
    errno.EFBIG: "a limit on file sizes is in force; raise it, then try again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "this user has no right to it; run as the user that owns the store",
    errno.EPERM: "this user has no right to it; run as the user that owns the store",
    errno.EIO: "the disk reports an input/output error; check the disk",
    errno.EMFILE: "too many files are open; raise the limit, then try again",
}


def unavailable(error: OSError, doing: str) -> StoreUnavailable:
    """The refusal for an operating system's error: what was tried, what is wrong, what to do."""
    reason = _REASONS.get(error.errno or 0, (error.strerror or "unknown error").lower())
    return StoreUnavailable(f"{doing} failed: {reason}.")


@contextmanager
def refusing(doing: str) -> Iterator[None]:
    """Turn errors of the operating system into StoreUnavailable, chained."""
    try:
        yield
    except OSError as error:
        raise unavailable(error, doing) from error


def write_file(path: str | Path, body: bytes, *, mode: int, sync: bool, dated: int | None = None) -> None:
    """Write a whole new file that nobody reads yet; with ``sync`` its bytes are on the disk at return.

    ``mode``, less the process's umask, is that of a file which is not there yet; ``dated`` its
    modification time, in microseconds since 1970, UTC.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        written = os.write(handle, body)
        while written < len(body):
            written += os.write(handle, memoryview(body)[written:])
        if dated is not None:
            os.utime(handle, ns=(dated * 1000, dated * 1000))
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def staged_in(folder: Path) -> Path:
    """A name in a folder that no other thread, process or crash has used, for a file to be renamed."""
    return folder / f".staged-{secrets.token_hex(8)}"


def rename(staged: str | Path, final: str | Path) -> None:
    """Put a finished file in its place at once; a reader sees the old one or the new one, whole."""
    os.replace(staged, final)  # noqa: PTH105 - this is the one place


def listed(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing if it is not there, or goes while it is listed."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def sync_file(path: Path) -> None:
    """Make what was written to a file durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, *, mode: int = 0o755) -> None:
    """Make a folder and those above it; their names are durable at return."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def put_file(path: Path, body: bytes, *, mode: int) -> None:
    """Write a file and put it in its place, replacing what is there; durable at return."""
    make_folder(path.parent)
    staged = staged_in(path.parent)
    try:
        write_file(staged, body, mode=mode, sync=True)
        rename(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(path.parent)


class FileLock:
    """A lock across threads and processes, held on an open file; it goes when its process ends."""

    def __init__(self, path: Path) -> None:
        with refusing("Opening the append lock"):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PUBLIC)

    def close(self) -> None:
        """Let go of the file, and of the lock with it."""
        os.close(self._handle)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises StoreUnavailable if another holds it for longer than LOCK_SECONDS.

        One thread at a time may hold it through this object; others need objects of their own.
        """
        self._acquire(time.monotonic() + LOCK_SECONDS)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _acquire(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    message = f"Another process has held the append lock for {LOCK_SECONDS:g} s; see what it is doing."
                    raise StoreUnavailable(message) from error
                time.sleep(_POLL_SECONDS)
            else:
                return


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of a file once."""
    lock = FileLock(path)
    try:
        with lock.held():
            yield
    finally:
        lock.close()
