"""What sources of whole files share: going through a folder, each file one answer, and accounting for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from collectors.coverage import Tally
from collectors.places import Files, Refused
from collectors.problems import Problem
from compliance.canonical import Json
from compliance.evidence import MAX_SEGMENT_BYTES, Access

MEDIA_TYPES = {
    ".csv": "text/csv", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson", ".yaml": "application/yaml",
    ".yml": "application/yaml",
}  # fmt: skip
TOO_LARGE = 413


def names_of(files: Files, tally: Tally) -> list[str] | None:
    """The files of a folder; None, and a note in the tally, where it cannot be listed."""
    try:
        return files.names()
    except Refused as refusal:
        tally.miss(refusal.action, refusal.problem, whole=True)
        return None


def whole_file(files: Files, name: str, at_most: int = MAX_SEGMENT_BYTES) -> bytes:
    """The bytes of one file. Raises Refused, also where it is larger than may be kept in one piece."""
    body = bytearray()
    for part in files.parts(name):
        body += part
        if len(body) > at_most:
            raise Refused(
                f"{files.service}:read {name}", Problem("failed", TOO_LARGE, f"larger than {at_most} bytes")
            )
    return bytes(body)


def read_file(files: Files, name: str, tally: Tally) -> bytes | None:
    """The bytes of one file; None, and a note in the tally, where it cannot be read."""
    tally.pages += 1
    try:
        return whole_file(files, name)
    except Refused as refusal:
        tally.truncated = True
        tally.miss(refusal.action, refusal.problem, whole=True)
        return None


def asked(files: Files, name: str, **about: Json) -> dict[str, Json]:
    """The request under which a file's bytes are kept."""
    return {"service": files.service, "operation": "read", "file": name, **about}


def media_type(name: str) -> str:
    """The media type of a file by its suffix."""
    return MEDIA_TYPES.get(Path(name).suffix.lower(), "application/json")


def reachable(files: Files, facts: Sequence[str]) -> list[Access]:
    """List the files, and open the first."""
    action = f"{files.service}:list"
    try:
        names = files.names()
        for name in names[:1]:
            action = f"{files.service}:read {name}"
            next(iter(files.parts(name)), b"")
    except Refused as refusal:
        return [Access(refusal.action, permitted=False, detail=refusal.message, facts=tuple(facts))]
    return [Access(action, permitted=True, detail=f"{len(names)} files")]


def every(files: Files, names: Sequence[str], tally: Tally) -> Iterator[tuple[str, bytes]]:
    """Each file that can be read, with its bytes; the others are noted in the tally."""
    for name in names:
        body = read_file(files, name, tally)
        if body is not None:
            yield name, body
