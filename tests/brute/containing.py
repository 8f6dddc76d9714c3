"""Which versions contain the record, which might, and which reads found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compliance.canonical import Json, parse_time
from compliance.facts import Received
from compliance.lineage.records import DatasetName, Question
from tests.brute.runs import Run
from tests.brute.versions import Read, Version, World


@dataclass
class Containing:
    """The answer to "is the record in it" for every version, by iterating until nothing changes."""

    world: World
    question: Question
    manifests: dict[Version, list[Received]] = field(init=False)
    holding: frozenset[str] = field(init=False)
    read_by: dict[str, set[Read]] = field(init=False)
    kept_by: dict[tuple[str, DatasetName], set[Read]] = field(init=False)
    writers: dict[Version, list[Run]] = field(init=False)
    versions: set[Version] = field(init=False)
    certain: dict[Version, str] = field(init=False)
    might: set[Version] = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.manifests = self._manifests()
        self.holding = world.given.membership.holding(self.question.key_space, self.question.pseudonym)
        self.read_by = {run.run_id: world.reads(run) for run in world.runs.values()}
        self.kept_by = {
            (run.run_id, dataset): world.kept(run, dataset)
            for run in world.runs.values()
            if run.exists
            for dataset in {version[0] for version in world.outputs(run)}
        }
        self.versions = self._versions()
        self.writers = {version: world.writers(version) for version in self.versions}
        self.certain = self._contains()
        self.might = self._might()

    def _manifests(self) -> dict[Version, list[Received]]:
        """The manifests in the record's key space, by version."""
        found: dict[Version, list[Received]] = {}
        for record in self.world.given.received:
            if record.kind == "manifest" and record.value["key_space"] == self.question.key_space:
                version = (self.world.names(record.value), record.value["version"])
                found.setdefault(version, []).append(record)
        return found

    def _versions(self) -> set[Version]:
        written = {one for run in self.world.runs.values() if run.exists for one in self.world.outputs(run)}
        read = {one.version for reads in [*self.read_by.values(), *self.kept_by.values()] for one in reads}
        return written | read | set(self.manifests)

    # --- contains ------------------------------------------------------------------------------

    def described_in_full(self, version: Version) -> bool:
        """Whether a full manifest speaks for the version."""
        return any(one.value["completeness"] == "full" for one in self.manifests.get(version, []))

    def confirmed(self, version: Version) -> bool:
        """Whether any manifest of the version, full or partial, has the pseudonym."""
        return any(one.evidence in self.holding for one in self.manifests.get(version, []))

    def _contains(self) -> dict[Version, str]:
        certain = {version: "confirmed" for version in self.versions if self.confirmed(version)}
        while True:
            more = [
                version
                for version in self.versions
                if version not in certain
                and not self.described_in_full(version)
                and (self._flows_into(version, set(certain)) or self._named_beside(version, set(certain)))
            ]
            if not more:
                return certain
            certain |= dict.fromkeys(more, "possible")

    def _flows_into(self, version: Version, containing: set[Version]) -> bool:
        """Whether a run that wrote the version read one that contains it, or kept one as previous version."""
        return any(
            one.version in containing and not self.erasures(one)
            for run in self.writers[version]
            for one in self.read_by[run.run_id] | self.kept_by[run.run_id, version[0]]
        )

    def named_unknown(self, version: Version) -> bool:
        """Whether a version is named by a read though no known run wrote it and no manifest describes it."""
        named = any(one.named and one.version == version for reads in self.read_by.values() for one in reads)
        return named and not self.writers[version] and not self.described_in_full(version)

    def _named_beside(self, version: Version, containing: set[Version]) -> bool:
        """Whether another version of the dataset of a named, unknown version contains the record."""
        others = [one for one in containing if one[0] == version[0] and one != version]
        return bool(others) and self.named_unknown(version)

    def found(self, run: Run) -> set[Version]:
        """The versions that a run read and found to contain the record."""
        return {
            one.version
            for one in self.read_by[run.run_id]
            if one.version in self.certain and not self.erasures(one)
        }

    # --- erased in place -----------------------------------------------------------------------

    def covering(self, dataset: DatasetName) -> list[tuple[Received, Json]]:
        """The erasures of the record that cover a dataset."""
        return [
            (record, parse_time(record.value["completed_at"]))
            for record in self.world.given.received
            if record.kind == "erasure"
            and self._is_of_record(record.value)
            and self._covers(record.value["datasets"], dataset)
        ]

    def _is_of_record(self, value: Mapping[str, Json]) -> bool:
        asked = self.question
        return (value["key_space"], value["pseudonym"]) == (asked.key_space, asked.pseudonym)

    def _covers(self, datasets: Json, dataset: DatasetName) -> bool:
        return datasets == "*" or dataset in {self.world.names(one) for one in datasets}

    def erasures(self, read: Read) -> list[Received]:
        """The erasures by which a worked-out read, or a kept previous version, finds the record gone.

        They completed after the version was written and at or before the reading run's start, for a
        kept version the keeping run's end. A version without a known writer was written before everything.
        """
        if read.until is None:
            return []
        written = self.world.written_at(read.version)
        return [
            record
            for record, completed in self.covering(read.version[0])
            if (written is None or written < completed) and completed <= read.until
        ]

    # --- might contain -------------------------------------------------------------------------

    def unspoken(self) -> set[Version]:
        """The versions, read or kept by one that was read, that nobody can speak for."""
        return {version for version in self._reached() if self._nobody_speaks(version)}

    def _nobody_speaks(self, version: Version) -> bool:
        """No full manifest, no writer that names what it read, and the dataset is said to hold the key space."""
        writers = self.writers[version]
        silent = not writers or any(not self.read_by[run.run_id] for run in writers)
        held = self.world.declared.holds(version[0], self.question.key_space)
        return silent and held and not self.described_in_full(version)

    def _reached(self) -> set[Version]:
        """Every version that was read, and what it kept, and what that kept; a CREATE ends this."""
        reached = {one.version for reads in self.read_by.values() for one in reads}
        while True:
            kept = {
                one.version
                for version in reached
                for run in self.writers[version]
                if not self.world.creates(run, version[0])
                for one in self.kept_by[run.run_id, version[0]]
            }
            if kept <= reached:
                return reached
            reached |= kept

    def _might(self) -> set[Version]:
        """What nobody can speak for, and all that flows from it short of a full manifest."""
        might = self.unspoken()
        while True:
            more = {
                version
                for version in self.versions - might
                if not self.described_in_full(version) and self._flows_into(version, might)
            }
            if not more:
                return might
            might |= more

    def concerns(self, version: Version) -> bool:
        """Whether a version contains the record or might."""
        return version in self.certain or version in self.might

    def touched(self, run: Run) -> bool:
        """Whether a run read the record, or might have."""
        return any(self.concerns(one.version) and not self.erasures(one) for one in self.read_by[run.run_id])
