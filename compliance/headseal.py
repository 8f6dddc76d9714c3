"""The seal of a head that is closed: the SHA-256 of ``log/head.db``, in ``log/head.sha256``.

What the head says is checked against the published log whenever a store is verified, but a database
file has bytes that say nothing, and digests of known items that nothing else states. While nobody has
the store open none of them may change: the last one to close it writes the seal, and whoever is about
to write to the head takes it away first. After a crash there is none. ``sha256sum -c`` reads it too.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from compliance.durable import PUBLIC, put_file, sync_folder

HEAD = "head.db"
SEAL = "head.sha256"


def seal(folder: Path) -> None:
    """Write the seal, unless another process still has the head open with something to write back.

    Under the append lock, with the own connections closed. A seal that cannot be written is none.
    """
    if (folder / HEAD).is_file() and not _is_open(folder) and not (folder / SEAL).exists():
        with suppress(OSError):
            put_file(folder / SEAL, _line(folder), mode=PUBLIC)


def unseal(folder: Path) -> None:
    """Take the seal away for good, before anything is written. Raises OSError."""
    try:
        (folder / SEAL).unlink()
    except FileNotFoundError:
        return
    sync_folder(folder)


def fault(folder: Path) -> str | None:
    """What is wrong with a sealed head; None where nothing is, or where there is no seal."""
    sealed = _sealed(folder)
    if sealed is None or _is_open(folder) or not (folder / HEAD).exists():
        return None
    try:
        found = _line(folder)
    except OSError as error:
        return f"log/{HEAD} cannot be read: {error.strerror}"
    if found == sealed or _sealed(folder) != sealed:
        return None  # as it was closed, or opened and written to meanwhile
    return f"log/{HEAD} and its seal log/{SEAL} do not belong together: one was changed after the store was closed"


def _sealed(folder: Path) -> bytes | None:
    try:
        return (folder / SEAL).read_bytes()
    except OSError:
        return None


def _line(folder: Path) -> bytes:
    with (folder / HEAD).open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {HEAD}\n".encode()


def _is_open(folder: Path) -> bool:
    """Whether a write-ahead log with content lies beside the database."""
    try:
        return (folder / f"{HEAD}-wal").stat().st_size > 0
    except OSError:
        return False
