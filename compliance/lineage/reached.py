"""What following something through the version graph yields.

Pure values, shared by the modules that follow the record and by the world that remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version

Certainty = Literal["confirmed", "possible"]


@dataclass
class Reached:
    """The versions that something reached, and over which edges."""

    versions: dict[Version, Certainty] = field(default_factory=dict)
    found: dict[str, set[Version]] = field(default_factory=dict)
    """By run: the versions that it read and found to contain the record."""
    kept: dict[tuple[str, DatasetName], set[Version]] = field(default_factory=dict)
    """By run and output: the previous versions that it kept and that contain the record."""
    relied_on: set[str] = field(default_factory=set)
    """Evidence ids of erasures taken at their word."""
    doubted: set[Version] = field(default_factory=set)
    """Versions that a manifest confirms, no known run wrote, and an erasure emptied."""


class Gap(NamedTuple):
    """Something that keeps an answer from being complete, about a dataset or one version of it."""

    dataset: DatasetName
    version: str | None
    why: str

    @property
    def order(self) -> tuple[DatasetName, str, str]:
        """The stated order of gaps: by dataset, version and reason."""
        return (self.dataset, self.version or "", self.why)
