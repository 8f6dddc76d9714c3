"""Violations beyond those that the contract fixes, each with the fact that proves it.

Pure. The rules stand in docs/record-usage.md, one row a code. Like the others they depend on what was
said and when it was true, never on the order in which it arrived.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compliance.canonical import from_micros, micros
from compliance.lineage.columns import hops
from compliance.lineage.contents import Contents
from compliance.lineage.events import FOREVER, NEVER
from compliance.lineage.judging import bases_of, consent_of, contracts_of, purposes_by_level
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Erasure, Version
from compliance.lineage.runs import Run
from compliance.lineage.violations import Violation, in_order, moment_text
from compliance.lineage.world import World

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class RunUse:
    """A run that read versions which contain the record, as asked about at ``at`` (microseconds, UTC)."""

    world: World
    found: Contents
    run: Run
    versions: tuple[Version, ...]
    purposes: tuple[str, ...]
    trained: bool
    """A model came of it."""
    at: int

    @property
    def datasets(self) -> tuple[DatasetName, ...]:
        """The datasets of the versions, in order."""
        return tuple(sorted({version.dataset for version in self.versions}))

    def erasures_of(self, dataset: DatasetName) -> Iterator[Erasure]:
        """The completed erasures of the record that cover a dataset."""
        erasures = self.world.registers.erasures.get(self.found.person, ())
        return (item for item in erasures if item.covers(dataset) and item.completed <= self.at)


def further_of_use(use: RunUse) -> list[Violation]:
    """All further violations of one use by a run."""
    found = [*_time_travel(use), *_withdrawn_meanwhile(use)]
    for dataset in use.datasets:
        found += [*_trained_on_erased(use, dataset), *_late(use, dataset), *_retention(use, dataset)]
    return found


# --- of a use ----------------------------------------------------------------------------------


def conflict(world: World, run: Run) -> Iterator[Violation]:
    """``purpose-conflict``: the run, its job and its model's registry state different purposes."""
    levels = purposes_by_level(world, run)
    if len({purposes for _, purposes, _ in levels}) > 1:
        said = "; ".join(f"{level}: {', '.join(sorted(purposes))}" for level, purposes, _ in levels)
        evidence = in_order(item for _, _, cited in levels for item in cited)
        yield Violation("purpose-conflict", f"the purposes stated contradict each other ({said})", evidence)


def _time_travel(use: RunUse) -> Iterator[Violation]:
    """``time-travel-use``: an older version was named although a newer one without the record was there."""
    named = {read.version for read in use.world.graph.reads[use.run.run_id] if read.named}
    for version in use.versions:
        newer = _newer_without(use, version) if version in named else None
        if newer is not None:
            written = moment_text(use.world.graph.written_at(newer))
            because = (
                f"it read version {version.version}, although version {newer.version}, written at {written},"
                " does not hold the record"
            )
            evidence = in_order([*use.run.evidence, *_proof(use.world, newer)])
            yield Violation("time-travel-use", because, evidence, version.dataset)


def _newer_without(use: RunUse, version: Version) -> Version | None:
    history = use.world.history(version.dataset)
    stop = bisect_right(history, use.run.started, key=lambda item: item[0])
    after = bisect_right(history, use.world.graph.written_at(version), key=lambda item: item[0])
    without = (newer for _, newer in reversed(history[after:stop]) if _lacks_the_record(use, newer))
    return next(without, None)


def _lacks_the_record(use: RunUse, version: Version) -> bool:
    possible = version in use.found.containing.versions or version in use.found.perhaps.versions
    return not possible


def _proof(world: World, version: Version) -> Iterator[str]:
    yield from (manifest.evidence for manifest in world.registers.manifests.get(version, ()))
    for run_id in world.graph.writers.get(version, ()):
        yield from world.runs[run_id].evidence


def _withdrawn_meanwhile(use: RunUse) -> Iterator[Violation]:
    """``withdrawn-during-use``: consent stood at the start and was withdrawn before the run ended."""
    world, person, run = use.world, use.found.person, use.run
    for purpose in use.purposes:
        resting = [
            basis for basis in bases_of(world, purpose, run.started) if basis.lawful_basis == "consent"
        ]
        latest = consent_of(world, person, purpose, run.started)
        if not resting or latest is None or not latest.granted:
            continue
        withdrawn = [
            event for event in world.registers.consents.get(person, {}).get(purpose, ())
            if not event.granted and run.started < event.at <= min(run.ended, use.at)
        ]  # fmt: skip
        if withdrawn:
            first = min(withdrawn, key=lambda event: event.at)
            because = f"consent to {purpose} was withdrawn at {moment_text(first.at)}, while the run went on"
            evidence = in_order([first.evidence, *(basis.evidence for basis in resting), *run.evidence])
            yield Violation("withdrawn-during-use", because, evidence)


def _trained_on_erased(use: RunUse, dataset: DatasetName) -> Iterator[Violation]:
    """``model-trained-on-erased``: a model was made from a record that was erased since."""
    since = [item for item in use.erasures_of(dataset) if item.completed > use.run.started]
    if use.trained and since:
        because = (
            f"a model came of this run; the record was erased from {dataset[0]}/{dataset[1]} at"
            f" {moment_text(since[0].completed)}, after it was used: retrain, unlearn or decide otherwise"
        )
        evidence = in_order([*(item.evidence for item in since), *use.run.evidence])
        yield Violation("model-trained-on-erased", because, evidence, dataset)


def _late(use: RunUse, dataset: DatasetName) -> Iterator[Violation]:
    """``late-notice``: an erasure was overdue (GDPR Art. 12(3): one month) when the run still found the record."""
    overdue = [
        item for item in use.erasures_of(dataset)
        if item.requested is not None and a_month_after(item.requested) <= use.run.started < item.completed
    ]  # fmt: skip
    if overdue:
        because = (
            f"its erasure from {dataset[0]}/{dataset[1]} was requested at {moment_text(overdue[0].requested or 0)}, more"
            " than a month before the use, and had not been done"
        )
        evidence = in_order([*(item.evidence for item in overdue), *use.run.evidence])
        yield Violation("late-notice", because, evidence, dataset)


def residency(world: World, run: Run, dataset: DatasetName) -> Iterator[Violation]:
    """``residency-breach``: the run states a region in which the dataset's contract does not let it be."""
    regions = run.tags.get("region", frozenset()) | run.job_tags.get("region", frozenset())
    for contract in contracts_of(world, dataset, run.started) if regions else ():
        outside = sorted(regions - contract.residency) if contract.residency else []
        if outside:
            because = (
                f"it ran in {', '.join(outside)}; the contract of {dataset[0]}/{dataset[1]} keeps the data in"
                f" {', '.join(sorted(contract.residency))}"
            )
            evidence = in_order([contract.evidence, *run.evidence])
            yield Violation("residency-breach", because, evidence, dataset)
            return


def _retention(use: RunUse, dataset: DatasetName) -> Iterator[Violation]:
    """``retention-exceeded``: the version read was older than the contract lets the data become."""
    written = [use.world.graph.written_at(version) for version in use.versions if version.dataset == dataset]
    known = [moment for moment in written if moment not in (NEVER, FOREVER)]
    for contract in contracts_of(use.world, dataset, use.run.started):
        days = contract.retention_days
        if days is not None and known and min(known) + days * DAY < use.run.started:
            because = (
                f"it read a version written at {moment_text(min(known))}; the contract of {dataset[0]}/{dataset[1]}"
                f" retains data for {days} days"
            )
            evidence = in_order([contract.evidence, *use.run.evidence])
            yield Violation("retention-exceeded", because, evidence, dataset)
            return


# --- of dataset versions -----------------------------------------------------------------------


def further_of_versions(world: World, found: Contents, at: int) -> dict[Version, list[Violation]]:
    """The further violations of each version that contains the record."""
    erasures = [item for item in world.registers.erasures.get(found.person, ()) if item.completed <= at]
    listed: dict[Version, list[Violation]] = {}
    for version, violation in (
        *_resident(world, found), *_still_readable(world, found, erasures), *_not_propagated(world, found, erasures),
    ):  # fmt: skip
        listed.setdefault(version, []).append(violation)
    return listed


def _resident(world: World, found: Contents) -> Iterator[tuple[Version, Violation]]:
    """``residency-breach`` of a dataset whose tag ``region`` its contract does not name."""
    for version in sorted(found.containing.versions):
        tags = world.declared.dataset_tags.get(version.dataset, ())
        regions = {tag.value for tag in tags if tag.key == "region" and tag.field is None}
        written = world.graph.written_at(version)
        for contract in contracts_of(world, version.dataset, written) if regions else ():
            outside = sorted(regions - contract.residency) if contract.residency else []
            if outside:
                because = (
                    f"it lies in {', '.join(outside)}; its contract keeps the data in"
                    f" {', '.join(sorted(contract.residency))}"
                )
                evidence = in_order([contract.evidence, *_proof(world, version)])
                yield version, Violation("residency-breach", because, evidence, version.dataset)
                break


def _still_readable(
    world: World, found: Contents, erasures: Iterable[Erasure]
) -> Iterator[tuple[Version, Violation]]:
    """``erasure-incomplete``: after the erasure the table's own log still lists the version as readable."""
    for erasure in erasures:
        for version in sorted(found.containing.versions):
            listing = world.registers.tables.get(version.dataset)
            if (
                listing is None
                or version.version not in listing.versions
                or not erasure.covers(version.dataset)
            ):
                continue
            if world.graph.written_at(version) < erasure.completed <= listing.instant:
                because = (
                    f"the record was erased at {moment_text(erasure.completed)}, but at {moment_text(listing.instant)} the"
                    " table still offered this version: no vacuum or expiry has removed it"
                )
                evidence = in_order([erasure.evidence, listing.evidence])
                yield version, Violation("erasure-incomplete", because, evidence, version.dataset)


def _not_propagated(
    world: World, found: Contents, erasures: Iterable[Erasure]
) -> Iterator[tuple[Version, Violation]]:
    """``derived-not-propagated``: erased at its source, still in the latest version of what was derived."""
    after: dict[Version, set[Version]] = {}
    for source, _, target in hops(world, found) if erasures else ():
        after.setdefault(source, set()).add(target)
    for erasure in erasures:
        for version in sorted(_derived(found, after, erasure)):
            history = world.history(version.dataset)
            latest = bool(history) and history[-1][0] == world.graph.written_at(version)
            if latest and not any(other.covers(version.dataset) for other in erasures):
                because = (
                    f"the record was erased from what this was derived of at {moment_text(erasure.completed)}; this is"
                    " the dataset's latest version, and no erasure covers it"
                )
                evidence = in_order([erasure.evidence, *_proof(world, version)])
                yield version, Violation("derived-not-propagated", because, evidence, version.dataset)


def _derived(found: Contents, after: dict[Version, set[Version]], erasure: Erasure) -> set[Version]:
    """The versions that the record reached by way of a dataset which the erasure covers."""
    waiting = [
        version
        for version in found.containing.versions
        if erasure.covers(version.dataset)
    ]  # fmt: skip
    reached: set[Version] = set()
    while waiting:
        new = after.get(waiting.pop(), set()) - reached
        reached |= new
        waiting.extend(new)
    return reached


def a_month_after(moment: int) -> int:
    """The same day of the next month, or its last (Regulation 1182/71 Art. 3(2)(c)); microseconds, UTC."""
    start = from_micros(moment)
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)  # noqa: PLR2004 (December)
    return micros(start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1])))
