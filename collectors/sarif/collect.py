"""Collects results in SARIF: one file for each run of a scanner or a CI check, in a folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from collectors.scans.chunking import Chunk
from collectors.scans.collect import ScansCollector
from compliance.canonical import strict_json
from compliance.errors import InputRefused, TooLarge
from compliance.evidence import MAX_SEGMENT_BYTES

SUFFIXES = frozenset({".sarif", ".json"})


def sarif_collector(*, path: Path, clock: Callable[[], datetime]) -> ScansCollector:
    """The collector of a folder of SARIF files."""
    return ScansCollector(format_="sarif", path=path, suffixes=SUFFIXES, take=take, clock=clock)


def take(name: str, body: bytes) -> list[Chunk]:
    """The file as one piece. Raises InputRefused where it is no SARIF log (SARIF 2.1.0, section 3.13)."""
    if len(body) > MAX_SEGMENT_BYTES:
        raise TooLarge(
            f"{name}: {len(body)} bytes; expected at most {MAX_SEGMENT_BYTES}; write one file a tool"
        )
    said = strict_json(body, what="file")
    runs = said.get("runs") if isinstance(said, dict) else None
    if not isinstance(runs, list) or not all(isinstance(run, dict) and _driver(run) for run in runs):
        raise InputRefused(f"{name}: it is no SARIF log: expected runs, each with tool.driver.name")
    return [Chunk(0, body, sum(len(run.get("results") or ()) for run in runs))]


def _driver(run: dict[str, object]) -> bool:
    tool = run.get("tool")
    driver = tool.get("driver") if isinstance(tool, dict) else None
    return isinstance(driver, dict) and isinstance(driver.get("name"), str)
