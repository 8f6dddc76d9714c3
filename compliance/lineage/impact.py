"""What a change of a dataset, a column or a contract would reach, and how well each dataset is described.

Pure. Over datasets and columns, whatever the version: the question is what would be touched, not what was.
Column lineage alone is unsound (producers leave sources out), so a run that reads a dataset which its column lineage does
not name is followed too, and said to be reached by the read alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from compliance.canonical import Json
from compliance.lineage.judging import models_of, purposes_of
from compliance.lineage.records import DatasetName
from compliance.lineage.runs import Output, Report, Run
from compliance.lineage.told import time_text
from compliance.lineage.world import World

ALL = None
"""Any column of a dataset."""
Place = tuple[DatasetName, str | None]


@dataclass
class _Reached:
    by_columns: set[Place] = field(default_factory=set)
    """Columns that column lineage leads to."""
    datasets: set[DatasetName] = field(default_factory=set)
    runs: dict[str, Run] = field(default_factory=dict)


def impact(world: World, dataset: DatasetName, column: str | None = None) -> dict[str, Json]:
    """The datasets, columns, jobs, models and features that a change of a dataset (or one column) would reach."""
    readers = _readers(world)
    start: Place = (world.names(dataset), column)
    reached, waiting, seen = _Reached(), [start], {start}
    while waiting:
        place = waiting.pop()
        for run in readers.get(place[0], ()):
            reached.runs[run.run_id] = run
            for target in _targets(run, place):
                reached.by_columns.add(target)
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
    return _told(world, start, reached)


def _readers(world: World) -> dict[DatasetName, list[Run]]:
    found: dict[DatasetName, list[Run]] = {}
    for run in world.runs.values():
        for dataset in run.reads:
            found.setdefault(dataset, []).append(run)
    return found


def _targets(run: Run, place: Place) -> Iterator[Place]:
    for report in run.reports if run.exists else ():
        for dataset, output in report.outputs.items():
            yield from ((dataset, column) for column in _columns(report, output, place))


def _columns(report: Report, output: Output, place: Place) -> Iterable[str | None]:
    """The columns of an output that a column of what was read may reach; ALL where nothing says which."""
    dataset, column = place
    if output.columns is None:
        return [ALL]
    named = [
        name for name, claim in output.columns.items()
        if any(
            source.dataset == dataset and (column is ALL or source.field in (None, column)) for source in claim.inputs
        )
    ]  # fmt: skip
    mentioned = any(source.dataset == dataset for claim in output.columns.values() for source in claim.inputs)
    return named if mentioned or dataset not in report.reads else [ALL]


def _told(world: World, start: Place, reached: _Reached) -> dict[str, Json]:
    columns: dict[DatasetName, set[str | None]] = {}
    for dataset, column in reached.by_columns:
        columns.setdefault(dataset, set()).add(column)
    columns.pop(start[0], None)
    models = {model for run in reached.runs.values() for model in models_of(world, run)}
    return {
        "namespace": start[0][0], "name": start[0][1], "column": start[1],
        "datasets": [
            {
                "namespace": dataset[0], "name": dataset[1],
                "columns": sorted(one for one in found if one is not None), "all_columns": ALL in found,
                "contracts": sorted(c.evidence for c in world.registers.contracts.get(dataset, ())),
            }
            for dataset, found in sorted(columns.items())
        ],
        "jobs": [
            {"namespace": job[0], "name": job[1]}
            for job in sorted({run.job for run in reached.runs.values() if run.job is not None})
        ],
        "models": [{"name": name, "version": version} for name, version in sorted(models, key=lambda m: (m[0], m[1] or ""))],
        "features": [
            f"{dataset[1]}:{column}" for dataset, found in sorted(columns.items()) if world.is_feature_view(dataset)
            for column in _feature_columns(world, dataset, found)
        ],
        "purposes": sorted({purpose for run in reached.runs.values() for purpose in purposes_of(world, run)}),
    }  # fmt: skip


def _feature_columns(world: World, dataset: DatasetName, found: set[str | None]) -> list[str]:
    known = world.registers.feature_views.get(dataset, frozenset()) if ALL in found else frozenset()
    return sorted(known | {column for column in found if column is not None})


# --- how well each dataset is described --------------------------------------------------------


def described(world: World) -> list[dict[str, Json]]:
    """Every dataset that is known, and which of manifests, contract, purposes and column lineage it has."""
    readers = _readers(world)
    return [_described(world, dataset, readers) for dataset in world.datasets()]


def _described(
    world: World, dataset: DatasetName, readers: Mapping[DatasetName, list[Run]]
) -> dict[str, Json]:
    history = world.history(dataset)
    with_manifest = {version for version in world.registers.manifests if version.dataset == dataset}
    writers = [world.runs[run_id] for run_id in world.graph.dataset_writers.get(dataset, ())]
    reading = readers.get(dataset, [])
    return {
        "namespace": dataset[0], "name": dataset[1], "key_spaces": sorted(world.key_spaces(dataset)),
        "versions": len({version for _, version in history} | with_manifest),
        "versions_with_manifest": len(with_manifest),
        "contract": dataset in world.registers.contracts,
        "writing_runs": len(writers),
        "writing_runs_with_column_lineage": sum(_states_columns(run, dataset) for run in writers),
        "reading_runs": len(reading),
        "reading_runs_with_purpose": sum(bool(purposes_of(world, run)) for run in reading),
        "last_written_at": time_text(history[-1][0]) if history else None,
    }  # fmt: skip


def _states_columns(run: Run, dataset: DatasetName) -> bool:
    outputs = [report.outputs[dataset] for report in run.reports if dataset in report.outputs]
    return any(output.columns is not None for output in outputs)
