"""Collects findings in OCSF: JSON arrays or JSON lines in a folder, such as Prowler's output as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from collectors.scans.chunking import Chunk, chunks
from collectors.scans.collect import ScansCollector

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


def ocsf_collector(*, path: Path, clock: Callable[[], datetime]) -> ScansCollector:
    """The collector of a folder of OCSF files."""
    return ScansCollector(format_="ocsf", path=path, suffixes=SUFFIXES, take=take, clock=clock)


def take(name: str, body: bytes) -> list[Chunk]:
    """The file's findings in pieces. Raises InputRefused where it holds no list of objects."""
    return list(chunks(name, body))
