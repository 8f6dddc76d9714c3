"""What the log of a table says, reduced to what tells a logical deletion from a physical purge. Pure.

Predicates, partition values and paths may hold the keys of records, so only the names of files are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote

from compliance.canonical import Json


@dataclass
class Version:
    """One version. ``missing`` of its ``files`` are not there any more; ``left`` of those ``removed`` still are."""

    version: str
    written_at: str
    operation: str
    takes_rows_away: bool
    added: int
    removed: list[str]
    left: list[str]
    files: int | None
    missing: int
    masking: bool = False
    """Whether it masks rows by delete files that are still in force: the rows lie in files that are in use."""
    masked_unknown: bool = False
    """Whether it masked rows by delete files that are gone since: which files held the rows is not known."""


@dataclass
class Table:
    """A table as one listing saw it, its versions from the oldest to the current one."""

    format: str
    current: str
    fields: list[str]
    versions: list[Version]
    append_only: bool | None = None
    time_travel_days: int | None = None
    last_vacuum_at: str | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Json]:
        """The form in which an item of evidence states it."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Json]) -> Table:
        """Read what ``as_json`` wrote."""
        return cls(**{**said, "versions": [Version(**one) for one in said["versions"]]})


def file_name(path: str) -> str:
    """The last part of a path or URI: writers make it unique, and it holds no value of a record."""
    return PurePosixPath(unquote(path)).name


def still_there(names: Collection[str], present: Collection[str]) -> list[str]:
    """Those of the names that are present, sorted."""
    return sorted(set(names) & set(present))
