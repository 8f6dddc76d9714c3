"""Which versions runs wrote, read and kept, named or worked out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from compliance.canonical import Json
from compliance.lineage.records import DatasetName, UsageInput
from tests.brute.declared import Declared, read_declared
from tests.brute.lineage_facets import sources
from tests.brute.merging import inside
from tests.brute.naming import Names, read_names
from tests.brute.runs import Mention, Report, Run, facets_of, read_runs

Version = tuple[DatasetName, str]
INITIAL = "initial"


@dataclass(frozen=True)
class Read:
    """A run found this version of a dataset when it read it, or kept it as previous version."""

    run: str
    version: Version
    named: bool
    until: datetime | None = None
    """For what was worked out: the reading run's start, for a kept previous version the writing run's end."""


@dataclass(frozen=True)
class Choice:
    """What working out came to: the versions, and the runs that wrote over or beside them."""

    versions: tuple[Version, ...]
    overlapping: tuple[Version, ...]


@dataclass
class World:
    """Everything received, with the questions that the rules ask of it."""

    given: UsageInput
    names: Names = field(init=False)
    runs: dict[str, Run] = field(init=False)
    declared: Declared = field(init=False)

    def __post_init__(self) -> None:
        self.names = read_names(self.given)
        lineage = [record for record in self.given.received if record.kind == "lineage"]
        self.runs = read_runs(lineage, self.names)
        self.declared = read_declared(self.given.received, self.names)

    def values(self, kind: str) -> list[Mapping[str, Json]]:
        """The documents of one kind."""
        return [record.value for record in self.given.received if record.kind == kind]

    # --- writing -------------------------------------------------------------------------------

    def outputs(self, run: Run) -> set[Version]:
        """The versions that a run names as written, by any source; one without a name gets the run's id."""
        return {version for report in run.reports for version in outputs_by(report, run)}

    def writers(self, version: Version) -> list[Run]:
        """The runs whose outputs exist and that wrote this version."""
        return [run for run in self.runs.values() if run.exists and version in self.outputs(run)]

    def runs_writing(self, dataset: DatasetName) -> list[Run]:
        """The runs whose outputs exist and that wrote any version of this dataset."""
        return [run for run in self.runs.values() if run.exists and self.versions_by(run, dataset)]

    def versions_by(self, run: Run, dataset: DatasetName) -> list[Version]:
        """The versions of one dataset that a run wrote."""
        return sorted(version for version in self.outputs(run) if version[0] == dataset)

    def written_at(self, version: Version) -> datetime | None:
        """When the last of its writing runs ended; None if no known run wrote it."""
        return max((run.end for run in self.writers(version)), default=None)

    # --- reading -------------------------------------------------------------------------------

    def reads(self, run: Run) -> set[Read]:
        """Everything a run read, by any source."""
        return {read for report in run.reports for read in self._reads(run, report)}

    def _reads(self, run: Run, report: Report) -> Iterable[Read]:
        for dataset in self._datasets_read(report):
            named = self._named(run, report, dataset)
            if named:
                yield from (Read(run.run_id, version, named=True) for version in named)
            else:
                for at, choice in self.read_choice(run, report, dataset):
                    yield from (
                        Read(run.run_id, version, named=False, until=at) for version in choice.versions
                    )

    def _datasets_read(self, report: Report) -> set[DatasetName]:
        """Its inputs, and every source that its outputs' lineage facets name."""
        read = {mention.dataset for mention in report.inputs}
        for mention in report.outputs:
            read |= sources(mention.facets, self.names)
        return read

    def _named(self, run: Run, report: Report, dataset: DatasetName) -> set[Version]:
        """The versions that a source names as read, save those that this run alone wrote."""
        named = _named_in(report.inputs, dataset, "icebergScanReport")
        own = outputs_by(report, run)
        return {one for one in named if one not in own or [w for w in self.writers(one) if w != run]}

    def told_of(self, version: Version, run: Run) -> list[Mention]:
        """The mentions of a dataset in a run that speak of this version of it.

        As an output, all of its source's: they are merged. As an input, one that names versions speaks
        of those alone, one that names none of all that the run read.
        """
        found: list[Mention] = []
        read = {read.version for read in self.reads(run)}
        for report in run.reports:
            if run.exists and version in outputs_by(report, run):
                found += [one for one in report.outputs if one.dataset == version[0]]
            named = self._named(run, report, version[0])
            for one in report.inputs:
                spoken_of = set(_named_by(one, "icebergScanReport")) & named or read
                if one.dataset == version[0] and version in spoken_of:
                    found.append(one)
        return found

    def worked_out(self, run: Run) -> list[tuple[Report, DatasetName]]:
        """The datasets whose version each source's report of a run's reads leaves to be worked out."""
        return [
            (report, dataset)
            for report in run.reports
            for dataset in sorted(self._datasets_read(report))
            if not self._named(run, report, dataset)
        ]

    def read_choice(self, reader: Run, report: Report, dataset: DatasetName) -> list[tuple[datetime, Choice]]:
        """A read without a version found what ended last at or before the reading run's start.

        Where sources differ about an end, every combination of what they say is possible; the source
        that reports the read may be right about the start.
        """
        starts = sorted({reader.start, report.start})
        return [(at, self._choice(reader, dataset, partial(operator.ge, at))) for at in starts]

    def kept_choice(self, writer: Run, dataset: DatasetName) -> list[tuple[datetime, Choice]]:
        """A kept previous version is worked out among the runs that ended before the writing run's end."""
        return [(at, self._choice(writer, dataset, partial(operator.gt, at))) for at in sorted(writer.ends)]

    def _choice(self, asking: Run, dataset: DatasetName, in_time: Callable[[datetime], bool]) -> Choice:
        others = [run for run in self.runs_writing(dataset) if run != asking]
        ended = [run for run in others if run.state == "complete"]
        chosen = [run for run in ended if _may_be_last(run, ended, in_time)]
        beside = [
            one for one in others if shares(one, asking) or any(shares(one, c) for c in chosen if c != one)
        ]
        versions = set(self._by_all(chosen, dataset))
        if not any(all(in_time(end) for end in run.ends) for run in ended):
            versions |= set(self._before_all(dataset))
        return Choice(tuple(sorted(versions)), tuple(self._by_all(beside, dataset)))

    def _by_all(self, runs: Iterable[Run], dataset: DatasetName) -> list[Version]:
        return sorted({version for run in runs for version in self.versions_by(run, dataset)})

    def _before_all(self, dataset: DatasetName) -> list[Version]:
        """Every version with a manifest and no known writing run, else ``initial``."""
        described = {(self.names(one), one["version"]) for one in self.values("manifest")}
        unwritten = [
            one
            for one in described
            if one[0] == dataset and all(self.in_name_only(run, one) for run in self.writers(one))
        ]
        return sorted(unwritten) or [(dataset, INITIAL)]

    def in_name_only(self, run: Run, version: Version) -> bool:
        """Whether the run is said to have written the version only because a source left the name out.

        "An output without one gets the run's id"; where another source names a version of that output,
        "none takes away a use": a version of that id may also be one that the run never wrote.
        """
        told = [
            _named_in(report.outputs, version[0], "icebergCommitReport")
            for report in run.reports
            if any(one.dataset == version[0] for one in report.outputs)
        ]
        return any(told) and not any(version in named for named in told)

    # --- keeping -------------------------------------------------------------------------------

    def keeps(self, run: Run, dataset: DatasetName) -> set[DatasetName]:
        """The datasets whose previous version an output holds: itself, and what it was called before.

        One source that says (or leaves it at) keeping is enough.
        """
        kept: set[DatasetName] = set()
        for report in run.reports:
            if any(mention.dataset == dataset for mention in report.outputs):
                kept |= self._keeps(run, report, dataset)
        return kept

    def _keeps(self, run: Run, report: Report, dataset: DatasetName) -> set[DatasetName]:
        facets = facets_of(report.outputs, dataset)
        if self._replaces(run, report, dataset, facets):
            return set()
        change = facets.get("lifecycleStateChange") or {}
        before = change.get("previousIdentifier") if change.get("lifecycleStateChange") == "RENAME" else None
        return {dataset, self.names(before)} if before else {dataset}

    def _replaces(
        self,
        run: Run,
        report: Report,
        dataset: DatasetName,
        facets: Mapping[str, Json],
        *,
        alone: bool = False,
    ) -> bool:
        """Tags beat the facets, of several append stands; ALTER and RENAME keep; where nothing states it, it keeps.

        A source's word to append holds against another's to replace, unless it is judged ``alone``.
        """
        tags = self._write_tags(run, report, dataset)
        beside = [] if alone else [self._write_tags(run, one, dataset) for one in run.reports]
        if "append" in tags.union(*beside):
            return False
        if "replace" in tags:
            return True
        change = inside(facets, "lifecycleStateChange", "lifecycleStateChange")
        if change in {"ALTER", "RENAME"}:
            return False
        configured = dataset in {self.names.of(one) for one in self.given.settings.replaces}
        return change in {"OVERWRITE", "CREATE", "TRUNCATE", "DROP"} or configured or _rewrites(facets)

    def _write_tags(self, run: Run, report: Report, dataset: DatasetName) -> set[str]:
        """What a source's report of the run, and what was declared beside the run, says of writing."""
        told = [
            inside(m.facets, "tags", "tags")
            for m in [*report.inputs, *report.outputs]
            if m.dataset == dataset
        ]
        on_dataset = {tag["value"] for tags in told for tag in tags or [] if tag["key"] == "write"}
        on_run = {value for key, value in report.tags if key == "write"}
        on_job = self.declared.job_tags(
            run.job, "write", run.start, leave_out=self._told_by_others(run, report)
        )
        return on_dataset | on_run | on_job | self.declared.event_tags(dataset, "write")

    def _told_by_others(self, run: Run, report: Report) -> list[Json]:
        """The events of a run that come from other sources alone."""
        own = [one for one in self.given.received if inside(one.value, "run", "runId") == run.run_id]
        mine = [one.value for one in own if one.source == report.source]
        return [one.value for one in own if one.value not in mine]

    def kept(self, run: Run, dataset: DatasetName) -> set[Read]:
        """The previous versions whose content a run's output of a dataset holds."""
        return {
            Read(run.run_id, version, named=False, until=at)
            for one in self.keeps(run, dataset)
            for at, choice in self.kept_choice(run, one)
            for version in choice.versions
        }

    def disagreed(self, run: Run, dataset: DatasetName) -> bool:
        """Whether sources name different versions as written, or differ in whether the run replaced."""
        told = [report for report in run.reports if any(one.dataset == dataset for one in report.outputs)]
        named = {frozenset(_named_in(report.outputs, dataset, "icebergCommitReport")) for report in told}
        modes = {
            self._replaces(run, one, dataset, facets_of(one.outputs, dataset), alone=True) for one in told
        }
        return len(named - {frozenset()}) > 1 or len(modes) > 1

    def disagreed_reads(self, run: Run) -> set[Version]:
        """The versions of a dataset that a run read, where sources name different ones."""
        found: set[Version] = set()
        for dataset in {one.dataset for one in run.inputs}:
            named = {frozenset(self._named(run, report, dataset)) for report in run.reports} - {frozenset()}
            found |= frozenset().union(*named) if len(named) > 1 else frozenset()
        return found

    def creates(self, run: Run, dataset: DatasetName) -> bool:
        """Whether a source says that the run created the dataset."""
        told = [facets_of(report.outputs, dataset) for report in run.reports]
        return any(inside(one, "lifecycleStateChange", "lifecycleStateChange") == "CREATE" for one in told)


def outputs_by(report: Report, run: Run) -> set[Version]:
    """The versions that a source reports as written: as it names them, else by the run's id."""
    found: set[Version] = set()
    for dataset in {mention.dataset for mention in report.outputs}:
        found |= _named_in(report.outputs, dataset, "icebergCommitReport") or {(dataset, run.run_id)}
    return found


def _named_in(mentions: Iterable[Mention], dataset: DatasetName, report: str) -> set[Version]:
    return {version for one in mentions if one.dataset == dataset for version in _named_by(one, report)}


def _named_by(mention: Mention, report: str) -> list[Version]:
    """All versions that one mention names: by its version facet, and by Iceberg's snapshot id."""
    told = [inside(mention.facets, "version", "datasetVersion"), inside(mention.facets, report, "snapshotId")]
    return [
        (mention.dataset, one if isinstance(one, str) else str(int(one))) for one in told if one is not None
    ]


def _may_be_last(run: Run, ended: Iterable[Run], in_time: Callable[[datetime], bool]) -> bool:
    """Whether a run ended in time and, by some combination of what sources say, no other ended after it in time."""
    last = max((end for end in run.ends if in_time(end)), default=None)
    return last is not None and all(
        any(end <= last or not in_time(end) for end in other.ends) for other in ended if other != run
    )


def _rewrites(facets: Mapping[str, Json]) -> bool:
    """An Iceberg commit that overwrites and whose total records are its added ones."""
    commit = facets.get("icebergCommitReport") or {}
    total, added = (inside(commit, "commitMetrics", key) for key in ("totalRecords", "addedRecords"))
    return commit.get("operation") == "overwrite" and total is not None and total == added


def shares(one: Run, other: Run) -> bool:
    """Whether two runs share more than an instant."""
    return one != other and max(one.start, other.start) < min(one.end, other.end)
