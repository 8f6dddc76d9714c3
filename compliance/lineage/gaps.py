"""What keeps an answer from being complete (CONTRACT section 4, Complete, and the gaps named elsewhere).

Pure. A gap is listed if it concerns a version that contains the record or might. What is about one
version alone does not depend on the record and is remembered by the world.
"""

from __future__ import annotations

from collections.abc import Iterator

from compliance.facts import SourceState
from compliance.lineage.columns import Columns
from compliance.lineage.contents import Contents, unspoken
from compliance.lineage.events import FOREVER
from compliance.lineage.graph import WorkedOut
from compliance.lineage.reached import Gap
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version
from compliance.lineage.runs import Run
from compliance.lineage.world import Scope, World

WITHOUT_LINEAGE = ("aws-", "scim", "oci-registry", "github", "gitlab", "ocsf", "sarif", "register")
"""Kinds of source that say nothing of lineage, people, contracts or purposes; every other kind might."""
SHOWN = 5
"""A reason names at most so many columns."""


def gaps(world: World, found: Contents, decided: Columns) -> list[Gap]:
    """All gaps of an answer, in order, each once."""
    all_gaps = {*_of_record(world, found, decided), *_of_failed_runs(world, found), *_of_sources(world)}
    for version in {**found.containing.versions, **found.perhaps.versions}:
        all_gaps |= _of_version(world, found.scope, version)
    return sorted(all_gaps, key=lambda gap: gap.order)


def _at(version: Version, why: str) -> Gap:
    return Gap(version.dataset, version.version, why)


# --- of this record ----------------------------------------------------------------------------


def _of_record(world: World, found: Contents, decided: Columns) -> Iterator[Gap]:
    for version in found.unknown:
        yield _at(version, "it is named as read, but no known run wrote it and no manifest describes it")
    for version in found.containing.doubted | found.perhaps.doubted:
        yield _at(
            version,
            "an erasure is said to have emptied it; its manifest has the record and no known run wrote it",
        )
    for version in decided.incomplete:
        yield _at(version, "its manifest has the record, but by its column lineage no column carries it")
    for version in unspoken(world, found.scope):
        yield _at(version, _nobody(world, found.scope, version))


def _nobody(world: World, scope: Scope, version: Version) -> str:
    manifests = world.registers.manifests.get(version, ())
    if any(m.full and m.key_space == scope.key_space and not scope.spoken_by(m) for m in manifests):
        return "its manifest is under another key id, and no relink file relates the two"
    if version not in world.graph.writers:
        return f"it is said to hold {scope.key_space} keys, but no full manifest describes it and no known run wrote it"
    return f"it is said to hold {scope.key_space} keys, but no full manifest describes it and its run names nothing it read"


def _of_failed_runs(world: World, found: Contents) -> Iterator[Gap]:
    """What failed and aborted runs left: "its outputs, if it read the record, are a gap"."""
    for run_id in {**found.containing.found, **found.perhaps.found}:
        run = world.runs[run_id]
        for dataset, names in run.outputs.items() if not run.exists else ():
            for name in names:
                why = f"run {run_id} ended with {run.outcome} after it read the record; what it left there is not known"
                yield Gap(dataset, name, why)


def _of_sources(world: World) -> Iterator[Gap]:
    for source in world.input.sources:
        if source.cause is not None and not source.kind.startswith(WITHOUT_LINEAGE):
            yield Gap(("", source.name), None, _of_source(source))


def _of_source(source: SourceState) -> str:
    detail = f": {source.detail}" if source.detail else ""
    return f"the source {source.name} ({source.kind}) is {source.cause}{detail}"


# --- of a version, whatever the record ---------------------------------------------------------


def _of_version(world: World, scope: Scope, version: Version) -> frozenset[Gap]:
    key = (scope, version)
    if key not in world.memo.version_gaps:
        found = {
            *_of_manifests(world, scope, version),
            *_of_writers(world, version),
            *_of_schema(world, version),
        }
        found.update(_of_readers(world, version))
        found.update(_overlaps(world, version.dataset).get(version, ()))
        world.memo.version_gaps[key] = frozenset(found)
    return world.memo.version_gaps[key]


def _of_manifests(world: World, scope: Scope, version: Version) -> Iterator[Gap]:
    digests = {manifest.digest for manifest in world.manifests(scope, version)}
    if len(digests) > 1:
        yield _at(version, f"{len(digests)} different manifests describe it; they are united")


def _of_writers(world: World, version: Version) -> Iterator[Gap]:
    for run_id in world.graph.writers.get(version, ()):
        run = world.runs[run_id]
        if run.ended == FOREVER:
            yield _at(version, f"run {run_id} is still running and may write more to it")
        if world.graph.modes[run_id, version.dataset].contradiction:
            yield _at(
                version,
                f"sources disagree whether run {run_id} replaced what the dataset held; it counts as kept",
            )
        for why in _disagreements(run, version.dataset):
            yield _at(version, why)


def _disagreements(run: Run, dataset: DatasetName) -> Iterator[str]:
    ended = {(report.ended, report.outcome) for report in run.reports if report.ended is not None}
    if len(ended) > 1:
        yield f"sources disagree how or when run {run.run_id} ended"
    outputs = [report.outputs[dataset] for report in run.reports if dataset in report.outputs]
    if len({output.versions for output in outputs if output.named}) > 1:
        yield f"sources name different versions that run {run.run_id} wrote; all count"


def _of_readers(world: World, version: Version) -> Iterator[Gap]:
    for run_id in dict.fromkeys(read.run_id for read in world.graph.readers.get(version, ())):
        run = world.runs[run_id]
        reads = [report.reads.get(version.dataset) for report in run.reports]
        if len({read.versions for read in reads if read is not None and read.versions}) > 1:
            yield _at(version, f"sources name different versions that run {run_id} read; all count")


def _of_schema(world: World, version: Version) -> Iterator[Gap]:
    """Columns that column lineage "leaves out though the `schema` facet has it": a gap."""
    for run, output in world.outputs(version):
        left_out = sorted(world.schema(version) - output.columns.keys()) if output.columns is not None else []
        if left_out:
            names = ", ".join(left_out[:SHOWN]) + (" and more" if len(left_out) > SHOWN else "")
            yield _at(
                version, f"the column lineage of run {run.run_id} leaves out columns of its schema: {names}"
            )


# --- reads that are not certain ----------------------------------------------------------------


def _overlaps(world: World, dataset: DatasetName) -> dict[Version, set[Gap]]:
    """The gaps of reads and kept versions that were worked out while another run wrote the dataset.

    Each is filed under what was chosen and under what the other run wrote, for that may be what was
    read: it concerns the record if any of them does.
    """
    if dataset not in world.memo.overlaps:
        filed: dict[Version, set[Gap]] = {}
        for worked_out in world.graph.worked_out.get(dataset, ()):
            _file(world, dataset, worked_out, filed)
        world.memo.overlaps[dataset] = filed
    return world.memo.overlaps[dataset]


def _file(world: World, dataset: DatasetName, worked_out: WorkedOut, filed: dict[Version, set[Gap]]) -> None:
    intervals = world.intervals(dataset)
    near = (worked_out.run_id, *worked_out.writers)
    others = set[str]().union(*(intervals.overlapping(world.runs[run_id]) for run_id in near))
    others.discard(worked_out.run_id)
    if not others:
        return
    why = _uncertain(worked_out, sorted(others))
    found = {_at(version, why) for version in worked_out.chosen}
    written = {Version(dataset, name) for run_id in others for name in world.runs[run_id].outputs[dataset]}
    for version in worked_out.chosen | written:
        filed.setdefault(version, set()).update(found)


def _uncertain(worked_out: WorkedOut, others: list[str]) -> str:
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    done = "kept it" if worked_out.kept else "read it"
    return (
        f"it was worked out that run {worked_out.run_id} {done}, but run {others[0]}{more} wrote the dataset at the"
        " same time"
    )
