"""Where the files of a source lie: a folder or file of this machine, or an S3 bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from collectors.aws.content import DENIED_CODES, FORBIDDEN, THROTTLED_CODES
from collectors.aws.session import PATIENT, Patience, Place, plain_client
from collectors.problems import NO_ANSWER, Problem, ProblemKind
from compliance.errors import MunimentError

SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".log", ".gz"})
"""What belongs to a log. A compressed file is not unpacked: its lines cannot be read, which is said."""
PART_BYTES = 1024 * 1024


class Refused(MunimentError):
    """A listing or a file could not be read. It is noted by the run, and never leaves a collector."""

    def __init__(self, action: str, problem: Problem) -> None:
        super().__init__(problem.phrase(action))
        self.action = action
        self.problem = problem


class Files(Protocol):
    """The files of a source, in a stable order."""

    service: str
    caller: str

    def names(self) -> list[str]:
        """All files that belong to it. Raises Refused."""
        ...

    def parts(self, name: str) -> Iterator[bytes]:
        """The bytes of one of them. Raises Refused."""
        ...


@dataclass
class Folder:
    """A folder with its subfolders, or a single file. Hidden files and other suffixes are no part of it.

    A link that leads out of the folder is refused, not followed.
    """

    path: Path
    suffixes: frozenset[str] = SUFFIXES
    service: str = "file"
    caller: str = "local"

    def names(self) -> list[str]:
        """Paths relative to the folder, sorted."""
        try:
            if self.path.is_file():
                return [self.path.name]
            walked = os.walk(self.path, onerror=_raise)
            found = [
                (Path(folder) / name).relative_to(self.path) for folder, _, names in walked for name in names
            ]
        except OSError as error:
            raise Refused("file:list", _os_problem(error)) from error
        return sorted(name.as_posix() for name in found if _belongs(name, self.suffixes))

    def parts(self, name: str) -> Iterator[bytes]:
        """The bytes of one file."""
        file = self.path if self.path.is_file() else self.path / name
        if file.is_symlink() and not file.resolve().is_relative_to(self.path.resolve()):
            raise Refused(f"file:read {name}", Problem("redirected", NO_ANSWER))
        try:
            with file.open("rb") as stream:
                while part := stream.read(PART_BYTES):
                    yield part
        except OSError as error:
            raise Refused(f"file:read {name}", _os_problem(error)) from error


def _raise(error: OSError) -> None:
    """A folder that cannot be listed is no empty folder."""
    raise error


def _belongs(name: Path, suffixes: frozenset[str]) -> bool:
    return name.suffix.lower() in suffixes and not any(part.startswith(".") for part in name.parts)


def _os_problem(error: OSError) -> Problem:
    match error:
        case PermissionError():
            return Problem("denied", 403)
        case FileNotFoundError() | NotADirectoryError():
            return Problem("absent", 404)
        case _:
            return Problem("failed", 500, type(error).__name__)


@dataclass
class Bucket:
    """Objects of an S3 bucket under a prefix."""

    bucket: str
    prefix: str = ""
    region: str = "us-east-1"
    endpoint_url: str | None = None
    patience: Patience = PATIENT
    suffixes: frozenset[str] = SUFFIXES
    service: str = "s3"
    caller: str = "s3"

    def names(self) -> list[str]:
        """Keys of the objects with the suffix of a log, sorted."""
        with plain_client("s3", self._place()) as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            try:
                keys = [str(found["Key"]) for page in pages for found in page.get("Contents", ())]
            except (ClientError, BotoCoreError) as error:
                raise Refused("s3:ListObjectsV2", _s3_problem(error)) from error
        return sorted(key for key in keys if _belongs(Path(key), self.suffixes))

    def parts(self, name: str) -> Iterator[bytes]:
        """The bytes of one object."""
        with plain_client("s3", self._place()) as client:
            try:
                body: Any = client.get_object(Bucket=self.bucket, Key=name)["Body"]
                with body:
                    yield from body.iter_chunks(PART_BYTES)
            except (ClientError, BotoCoreError) as error:
                raise Refused(f"s3:GetObject {name}", _s3_problem(error)) from error

    def _place(self) -> Place:
        return Place(self.region, self.endpoint_url, None, self.patience)


def _s3_problem(error: ClientError | BotoCoreError) -> Problem:
    if isinstance(error, NoCredentialsError):
        return Problem("denied", 401)
    if not isinstance(error, ClientError):
        return Problem("silent", NO_ANSWER)
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind: ProblemKind = "failed"
    if code in THROTTLED_CODES:
        kind = "throttled"
    elif status in FORBIDDEN or code in DENIED_CODES:
        kind = "denied"
    elif status == 404:  # noqa: PLR2004 (HTTP: not found)
        kind = "absent"
    return Problem(kind, status, code)
