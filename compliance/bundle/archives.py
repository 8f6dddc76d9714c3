"""A bundle's files, in a folder or in a ZIP whose bytes follow from them.

A ZIP of ours stores its members uncompressed, in the order of their names, with one fixed date: it
can be written again from what is in it, byte for byte, on any machine. That is how a change of any
of its bytes is found, those of the ZIP's own structure included.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import IO, Protocol

from compliance.durable import make_folder, unavailable
from compliance.errors import InputRefused, NotFound, StoreExists

MANIFEST = "MANIFEST"
SCRIPT = "verify.sh"
_DATE = (1980, 1, 1, 0, 0, 0)
_MIB = 1 << 20


class Target(Protocol):
    """Where a bundle is written to, file by file."""

    def put(self, name: str, body: bytes) -> None:
        """Add a file."""
        ...

    def close(self) -> None:
        """Finish; what was written is whole."""
        ...


class FolderTarget:
    """A bundle as a folder, new or empty."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreExists(
                f"{folder} is there and not empty; name a new folder or a file that ends in .zip."
            )
        self._folder = folder

    def put(self, name: str, body: bytes) -> None:
        """Add a file. Raises StoreUnavailable."""
        path = self._folder / name
        try:
            make_folder(path.parent)
            path.write_bytes(body)
            path.chmod(0o755 if name == SCRIPT else 0o644)
        except OSError as error:
            raise unavailable(error, "Writing the bundle") from error

    def close(self) -> None:
        """Nothing is left to do."""


class ZipTarget:
    """A bundle as a ZIP; the names must come in ascending order."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def put(self, name: str, body: bytes) -> None:
        """Add a file. Raises StoreUnavailable."""
        info = zipfile.ZipInfo(name, _DATE)
        info.create_system = 3  # Unix, on whichever system it is made
        info.external_attr = (0o100755 if name == SCRIPT else 0o100644) << 16
        try:
            self._zip.writestr(info, body)
        except OSError as error:
            raise unavailable(error, "Writing the bundle") from error

    def close(self) -> None:
        """Write the directory of the ZIP."""
        self._zip.close()


# --- read ----------------------------------------------------------------------------------------


class Source(Protocol):
    """The files of a bundle that is there."""

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises NotFound."""
        ...


class FolderSource:
    """A bundle in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """The names of all files, sorted; what is no plain file counts as one, and has no bytes."""
        paths = (path for path in self._folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(path.relative_to(self._folder).as_posix() for path in paths)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises NotFound."""
        path = self._folder / name
        if path.is_symlink() or not path.is_file():
            raise NotFound(f"{name} is missing from the bundle.", field=name)
        return path.read_bytes()


class ZipSource:
    """A bundle in a ZIP."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive

    def names(self) -> list[str]:
        """The names of all members, sorted."""
        return sorted(info.filename for info in self._zip.infolist())

    def read(self, name: str) -> bytes:
        """A member's bytes. Raises NotFound, InputRefused where the ZIP is damaged."""
        try:
            return self._zip.read(name)
        except KeyError as error:
            raise NotFound(f"{name} is missing from the bundle.", field=name) from error
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
            raise InputRefused(f"{name} cannot be read from the ZIP: {error}.", field=name) from error


def is_bundle(path: Path) -> bool:
    """Whether a path is to be taken for a bundle rather than for a store: a file, or a folder with MANIFEST."""
    return path.is_file() or path.suffix.lower() == ".zip" or (path / MANIFEST).is_file()


def is_as_written(path: Path, archive: zipfile.ZipFile) -> bool:
    """Whether the ZIP at ``path`` is, byte for byte, what we would write with its members."""
    try:
        with tempfile.TemporaryFile() as again, path.open("rb") as file:
            with closing(ZipTarget(again)) as target:
                for info in archive.infolist():
                    target.put(info.filename, archive.read(info))
            again.seek(0)
            return _digest(again) == _digest(file)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return False


def _digest(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while part := file.read(_MIB):
        digest.update(part)
    return digest.digest()
