"""The answer put together: datasets, uses, gaps, and whether it is complete."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.canonical import Json, format_time
from compliance.lineage.records import DatasetName, Question, UsageInput
from tests.brute.columns import Columns
from tests.brute.containing import Containing
from tests.brute.runs import Run
from tests.brute.uses import Uses
from tests.brute.versions import Choice, Version, World


def brute_record_usage(given: UsageInput, question: Question) -> dict[str, Json]:
    """The answer of the contract's section 4, by its letter."""
    contains = Containing(World(given), question)
    columns = Columns(contains)
    gaps = Gaps(contains, columns).all()
    return {
        "key_space": question.key_space,
        "pseudonym": question.pseudonym,
        "as_of": format_time(question.at),
        "datasets": [_dataset(version, contains, columns) for version in sorted(contains.certain)],
        "uses": Uses(contains, columns).all(),
        "complete": not gaps and not any(source.cause for source in given.sources),
        "undescribed": contains.world.declared.undescribed(),
        "gaps": [{"namespace": one[0][0], "name": one[0][1], "version": one[1]} for one in sorted(gaps)],
        "relied_on": _relied_on(contains),
    }


def _dataset(version: Version, contains: Containing, columns: Columns) -> dict[str, Json]:
    (namespace, name), number = version
    written = [run for run in contains.writers[version] if run.state != "running"]
    ended = max(run.end for run in written) if written and written == contains.writers[version] else None
    return {
        "namespace": namespace,
        "name": name,
        "version": number,
        "certainty": contains.certain[version],
        "influence": "direct" if columns.direct(version) else "indirect",
        "columns": columns.shown(version),
        "masked_columns": columns.shown_masked(version),
        "written_at": None if ended is None else format_time(ended),
        "violations": [{"code": "reappeared-after-erasure"}] if _reappeared(version, contains) else [],
    }


def _reappeared(version: Version, contains: Containing) -> bool:
    """An erasure covering the dataset completed at or before the writing run's end, and the manifest has it."""
    written = contains.world.written_at(version)
    if written is None or not contains.confirmed(version):
        return False
    return any(completed <= written for _, completed in contains.covering(version[0]))


def _relied_on(contains: Containing) -> list[str]:
    """The erasures by which a version that contains the record, or might, was found without it."""
    reads = [*contains.read_by.values(), *contains.kept_by.values()]
    return sorted(
        {
            record.evidence
            for some in reads
            for one in some
            if contains.concerns(one.version)
            for record in contains.erasures(one)
        }
    )


@dataclass
class Gaps:
    """Whatever keeps the answer from being complete, each naming the version that it concerns."""

    contains: Containing
    columns: Columns

    def all(self) -> set[Version]:
        """Every version for which some rule finds a gap."""
        by_version = {
            version
            for version in self.contains.versions
            if self.contains.concerns(version) and self._has_gap(version)
        }
        found = by_version | self._failed_outputs() | self._overlapped() | self._disagreed_reads()
        return found | self._erased_without_writer()

    def _has_gap(self, version: Version) -> bool:
        writers = self.contains.writers[version]
        return (
            any(self._written_in_doubt(run, version) for run in writers)
            or version in self.contains.unspoken()
            or self._manifests_differ(version)
            or (self.contains.certain.get(version) == "possible" and self.contains.named_unknown(version))
            or version in self.columns.lineage_incomplete
            or self.columns.left_out(version)
        )

    def _written_in_doubt(self, run: Run, version: Version) -> bool:
        """The run is still running, or sources contradict each other about it."""
        return run.state == "running" or run.contradicted or self.contains.world.disagreed(run, version[0])

    def _disagreed_reads(self) -> set[Version]:
        world = self.contains.world
        read = {one for run in world.runs.values() for one in world.disagreed_reads(run)}
        return {one for one in read if self.contains.concerns(one)}

    def _manifests_differ(self, version: Version) -> bool:
        """Two different manifests of one version are united, and a gap."""
        return len({one.value["digest"] for one in self.contains.manifests.get(version, [])}) > 1

    def _failed_outputs(self) -> set[Version]:
        """The outputs of a failed or aborted run that read the record."""
        runs = self.contains.world.runs.values()
        failed = [run for run in runs if not run.exists and self.contains.touched(run)]
        return {version for run in failed for version in self.contains.world.outputs(run)}

    def _overlapped(self) -> set[Version]:
        """What was worked out though another writing run shares time, if any version it may have been matters."""
        world = self.contains.world
        choices = [
            world.read_choice(run, *one) for run in world.runs.values() for one in world.worked_out(run)
        ]
        choices += [
            world.kept_choice(run, before) for run, one in self._outputs() for before in world.keeps(run, one)
        ]
        return {
            version for some in choices for _, one in some if self._uncertain(one) for version in one.versions
        }

    def _uncertain(self, choice: Choice) -> bool:
        candidates = [*choice.versions, *choice.overlapping] if choice.overlapping else []
        return any(self.contains.concerns(version) for version in candidates)

    def _outputs(self) -> list[tuple[Run, DatasetName]]:
        return [(self.contains.world.runs[run], dataset) for run, dataset in self.contains.kept_by]

    def _erased_without_writer(self) -> set[Version]:
        """Found erased in place, though a manifest confirms it and nobody knows when it was written."""
        reads = [*self.contains.read_by.values(), *self.contains.kept_by.values()]
        return {
            one.version
            for some in reads
            for one in some
            if not self.contains.writers[one.version]
            and self.contains.confirmed(one.version)
            and self.contains.erasures(one)
        }
