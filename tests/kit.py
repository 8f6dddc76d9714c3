"""The kit that every pulled source must pass: what a subject of it is. ``tests/test_kit.py`` has the tests.

A new source adds one line to ``tests/kit_subjects.py``: how to open a world of it, and how its listing is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from compliance.evidence import Collector
from compliance.facts import Reader
from tests.fault_proxy import FaultProxy, Respond

HUGE = 9 * 1024 * 1024
"""Bytes of an answer that no observation can hold."""


@dataclass(frozen=True)
class World:
    """A source with a few resources in it, behind a proxy that a test may disturb."""

    proxy: FaultProxy
    collector: Callable[[], Collector]
    """A new collector of it, impatient."""
    expected: Callable[[], set[str]]
    """The resources that are in it now."""
    add: Callable[[], None]
    """Put one more in."""
    clear: Callable[[], None]
    """Take all out."""
    pages: Respond | None = None
    """How to make pages of a listing that the stand-in gives whole; None where it makes pages itself."""


@dataclass(frozen=True)
class Subject:
    """One source under the kit."""

    name: str
    reader: Reader
    fact: str
    """The fact, or kind of received record, that its population is of."""
    listing: str
    """The operation, or the end of the path, by which the population is listed."""
    open: Callable[[pytest.FixtureRequest], AbstractContextManager[World]]
    paged: bool = True
    """Whether its listing comes in pages."""
    links: bool = True
    """Whether a Link header on an answer means anything to its collector."""
    secret: str = ""
    """What the collector authenticates with, and must never show."""
    settings: Callable[[World], dict[str, object]] | None = None


@dataclass(frozen=True)
class Folder:
    """A folder with a few resources in its files."""

    path: Path
    collector: Callable[[], Collector]
    expected: Callable[[], set[str]]
    broken: str
    """The name of a file that belongs to it, to be made unreadable."""
    planted: bytes = b""
    """Something of a file's that must not be kept."""


@dataclass(frozen=True)
class FileSubject:
    """One source of files under the kit."""

    name: str
    reader: Reader
    fact: str
    open: Callable[[Path], Folder]
    empty_is_complete: bool = True
    """Whether a folder without files is a known empty population."""
