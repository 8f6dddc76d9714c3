"""The files of a published log as a port: checkpoint, verifier key, tiles and bundles, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from compliance.errors import InputRefused, StoreMissing, StoreTampered
from compliance.logkeys import VKEYS, with_keys
from compliance.note import Verifier


class LogFiles(Protocol):
    """Reads the files of a log by their C2SP paths. Safe to share between threads."""

    def note(self) -> bytes:
        """The published checkpoint, unverified. Raises StoreTampered where there is none."""
        ...

    def fresh_note(self) -> bytes:
        """The same, never one seen before."""
        ...

    def read(self, path: str) -> bytes | None:
        """A file by its path; None where it is not there. Raises StoreUnavailable."""
        ...

    def stamp(self) -> tuple[int, int, int]:
        """Tells the published checkpoint from any other, as far as that costs nothing."""
        ...


class LogFolder:
    """The files of a log in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def note(self) -> bytes:
        """The bytes of ``checkpoint``."""
        try:
            return (self.folder / "checkpoint").read_bytes()
        except OSError as error:
            message = f"log/checkpoint cannot be read: {error.strerror}. Restore the store from one backup."
            raise StoreTampered(message, field="checkpoint") from error

    def fresh_note(self) -> bytes:
        """The same: nothing is remembered."""
        return self.note()

    def read(self, path: str) -> bytes | None:
        """A file by its path."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def stamp(self) -> tuple[int, int, int]:
        """File, time and size of ``checkpoint``; zeros, which equal no stamp, where there is none."""
        try:
            status = (self.folder / "checkpoint").stat()
        except FileNotFoundError:
            return (0, 0, 0)  # so that taking up says what is missing
        return status.st_ino, status.st_mtime_ns, status.st_size


def verifier_in(raw: bytes | None, place: str) -> Verifier:
    """The verifier key that lies beside a log. Raises StoreMissing, or StoreTampered where it is malformed."""
    if raw is None:
        message = f"There is no evidence log in {place}, which has no vkey; make one with muniment init, or set MUNIMENT_HOME."
        raise StoreMissing(message)
    try:
        text = raw.decode("ascii")
        # The one newline at the end is part of the form: without it, or with more, nothing parses.
        return Verifier.parse(text[:-1] if text.endswith("\n") else f"{text}\n")
    except (UnicodeDecodeError, InputRefused) as error:
        raise StoreTampered(
            f"log/vkey cannot be read: {error}. Restore it from a backup.", field="vkey"
        ) from error


def verifier_of(files: LogFiles, place: str) -> Verifier:
    """The verifier key of a log, with the former ones and those beside it (``log/vkeys``) where there are any.

    Raises StoreMissing, or StoreTampered where one is malformed.
    """
    verifier, keys = verifier_in(files.read("vkey"), place), files.read(VKEYS)
    try:
        return verifier if keys is None else with_keys(verifier, keys.decode("ascii"))
    except (UnicodeDecodeError, InputRefused) as error:
        message = f"log/{VKEYS} cannot be read: {error}. Restore it from a backup."
        raise StoreTampered(message, field=VKEYS) from error
