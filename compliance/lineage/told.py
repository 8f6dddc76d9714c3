"""What is told of a run whatever the record: its purposes, times, models, and what they alone violate.

Pure. Worked out once for each run of a world and remembered there, for most of what an answer says of a use is this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from compliance.canonical import format_time, from_micros
from compliance.lineage.events import FOREVER
from compliance.lineage.further import conflict, residency
from compliance.lineage.judging import UNDECLARED, lawful_basis, models_of, purposes_of
from compliance.lineage.records import DatasetName
from compliance.lineage.runs import Run
from compliance.lineage.violations import Violation, not_permitted, undeclared
from compliance.lineage.world import World


@dataclass(frozen=True)
class RunTold:
    """One run, as every use by it is told."""

    run: Run
    purposes: tuple[str, ...]
    purpose: str
    lawful_basis: str | None
    started_at: str | None
    ended_at: str | None
    models: tuple[tuple[str, str], ...]
    """``(name, version)``, the version empty where none is stated, in order."""
    general: tuple[Violation, ...]
    """What it violates whatever it read."""
    by_dataset: dict[DatasetName, tuple[Violation, ...]] = field(default_factory=dict)

    def violations(self, world: World, datasets: Iterable[DatasetName]) -> list[Violation]:
        """What it violates by having read these datasets, whoever is in them."""
        found = list(self.general)
        for dataset in datasets:
            if dataset not in self.by_dataset:
                run = self.run
                self.by_dataset[dataset] = (
                    *not_permitted(world, dataset, self.purposes, run.started, run.evidence),
                    *residency(world, run, dataset),
                )
            found += self.by_dataset[dataset]
        return found


def told_of(world: World, run: Run) -> RunTold:
    """What is told of a run, worked out once."""
    told = world.memo.told.get(run.run_id)
    if not isinstance(told, RunTold):
        told = world.memo.told[run.run_id] = _told(world, run)
    return told


def _told(world: World, run: Run) -> RunTold:
    purposes = purposes_of(world, run)
    return RunTold(
        run, purposes, ", ".join(purposes) or UNDECLARED, lawful_basis(world, purposes, run.started),
        time_text(run.started), time_text(run.ended),
        tuple(sorted((name, version or "") for name, version in models_of(world, run))),
        (*(() if purposes else (undeclared(run.evidence),)), *conflict(world, run)),
    )  # fmt: skip


def time_text(value: int) -> str | None:
    """RFC 3339 in UTC; None for the end of a run that is still running."""
    return None if value == FOREVER else format_time(from_micros(value))
