"""Which columns of a version carry the record's data, and which only masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from compliance.lineage.records import DatasetName
from tests.brute.containing import Containing
from tests.brute.lineage_facets import Way, fields_named, ways
from tests.brute.merging import inside, objects
from tests.brute.runs import Run, facets_of
from tests.brute.versions import Version, World, outputs_by

UNNAMED = "*"
"""Stands for every column of a version of which no column is known by name."""
Carrying = dict[Version, set[str]]


@dataclass
class Columns:
    """Carrying and unmasked columns of every version that contains the record."""

    contains: Containing
    world: World = field(init=False)
    lineage_incomplete: set[Version] = field(default_factory=set)
    carrying: Carrying = field(init=False)
    unmasked: Carrying = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.contains.world
        self.carrying = self._fixed_point(None)
        while lacking := self._most_upstream():
            self.lineage_incomplete |= lacking
            self.carrying = self._fixed_point(None)
        self.unmasked = self._fixed_point(self.carrying)

    def shown(self, version: Version) -> list[str]:
        """The carrying columns of a version by name."""
        carrying = self.carrying[version]
        return sorted(carrying - {UNNAMED} | (self.known(version) if UNNAMED in carrying else set()))

    def shown_masked(self, version: Version) -> list[str]:
        """The carrying columns of which every way by which they carry passes a masking step."""
        unmasked = self.unmasked[version]
        return [] if UNNAMED in unmasked else [one for one in self.shown(version) if one not in unmasked]

    def direct(self, version: Version) -> bool:
        """Whether some column of the version carries."""
        return bool(self.carrying[version])

    def all_carry(self, version: Version) -> bool:
        """Whether it is by a rule for all columns that those of the version carry."""
        writers = self.contains.writers[version]
        if not writers or version in self.lineage_incomplete or UNNAMED in self.carrying[version]:
            return True
        without = [run for run in writers if None in self._told(run, version)]
        return any(self.carrying[one] for run in without for one in self.contains.found(run))

    # --- the rules -----------------------------------------------------------------------------

    def _fixed_point(self, carrying: Carrying | None) -> Carrying:
        """Carrying columns; or, given those, the columns that carry by some way without masking."""
        found: Carrying = {version: set() for version in self.contains.certain}
        while True:
            new = {
                version: self._columns(version, found, only_unmasked=carrying is not None)
                for version in found
            }
            if new == found:
                return found
            found = new

    def _columns(self, version: Version, found: Carrying, *, only_unmasked: bool) -> set[str]:
        writers = self.contains.writers[version]
        if not writers or version in self.lineage_incomplete:
            return self._all(version)
        columns: set[str] = set()
        for run in writers:
            columns |= self._written(run, version, found, only_unmasked=only_unmasked)
            columns |= self._added_by_kept(run, version, found)
        return columns

    def _added_by_kept(self, run: Run, version: Version, found: Carrying) -> set[str]:
        """A kept previous version adds its carrying columns."""
        kept = self.contains.kept_by[run.run_id, version[0]]
        return {
            column
            for one in kept
            if one.version in found and not self.contains.erasures(one)
            for column in found[one.version]
        }

    def _written(self, run: Run, version: Version, found: Carrying, *, only_unmasked: bool) -> set[str]:
        """By the facet where there is one; else all carry if anything that the run read carries."""
        columns: set[str] = set()
        for told in self._told(run, version):
            if told is None and any(found[one] for one in self.contains.found(run)):
                columns |= self._all(version) | (self.carrying[version] if only_unmasked else set())
            for column, entries in (told or {}).items():
                if any(self._passes(way, run, found, only_unmasked=only_unmasked) for way in entries):
                    columns.add(column)
        return columns

    def _told(self, run: Run, version: Version) -> list[dict[str, list[Way]] | None]:
        """What each source that reports the version as written says of its columns."""
        reports = [one for one in run.reports if version in outputs_by(one, run)]
        return [ways(facets_of(one.outputs, version[0]), self.world.names) for one in reports]

    def _passes(self, way: Way, run: Run, found: Carrying, *, only_unmasked: bool) -> bool:
        """A way carries if it is direct and what it names carries, in a version that the run found to contain it."""
        if not way.direct or (only_unmasked and way.masking):
            return False
        sources = [found[one] for one in self.contains.found(run) if one[0] == way.source]
        return any(columns & {way.field, UNNAMED} if way.field else columns for columns in sources)

    def _all(self, version: Version) -> set[str]:
        return self.known(version) or {UNNAMED}

    def known(self, version: Version) -> set[str]:
        """The columns that its schema facets have or that lineage facets of its readers and writers name of it."""
        named = {column for run in self._readers(version) for column in self._names(run, version[0])}
        told = [one or {} for run in self.contains.writers[version] for one in self._told(run, version)]
        return named.union(*told) | self.schema(version) | self._declared(version[0])

    def schema(self, version: Version) -> set[str]:
        """The columns that the ``schema`` facets of the version have, as it was written and as it was read."""
        told = [mention for run in self.world.runs.values() for mention in self.world.told_of(version, run)]
        fields = [inside(mention.facets, "schema", "fields") for mention in told]
        return {one["name"] for some in fields for one in objects(some) if one.get("name")}

    def _readers(self, version: Version) -> list[Run]:
        return [run for run in self.world.runs.values() if self._reads(run, version)]

    def _reads(self, run: Run, version: Version) -> bool:
        return any(one.version == version for one in self.contains.read_by[run.run_id])

    def _names(self, run: Run, dataset: DatasetName) -> Iterable[str]:
        told = [fields_named(mention.facets, self.world.names) for mention in run.outputs]
        return {column for named in told for source, column in named if source == dataset}

    def _declared(self, dataset: DatasetName) -> set[str]:
        alone = [event["dataset"] for event in self.world.declared.events if "dataset" in event]
        told = [
            inside(one, "facets", "schema", "fields") for one in alone if self.world.names(one) == dataset
        ]
        return {one["name"] for fields in told for one in objects(fields)}

    # --- confirmed, yet no column carries ------------------------------------------------------

    def _most_upstream(self) -> set[Version]:
        """Confirmed versions in which no column carries, and upstream of which there is no other such one."""
        lacking = {
            one for one, how in self.contains.certain.items() if how == "confirmed" and not self.carrying[one]
        }
        return {one for one in lacking if not self._strictly_upstream(one) & lacking}

    def _strictly_upstream(self, version: Version) -> set[Version]:
        return {one for one in self._upstream(version) if version not in self._upstream(one)} - {version}

    def _upstream(self, version: Version) -> set[Version]:
        """Everything whose content reached a version, by reads and kept previous versions."""
        found: set[Version] = set()
        new = {version}
        while new:
            new = {source for one in new for source in self._next_upstream(one)} - found
            found |= new
        return found

    def _next_upstream(self, version: Version) -> set[Version]:
        return {
            one.version
            for run in self.contains.writers[version]
            for one in self.contains.read_by[run.run_id] | self.contains.kept_by[run.run_id, version[0]]
            if one.version in self.contains.certain and not self.contains.erasures(one)
        }

    def left_out(self, version: Version) -> bool:
        """Whether a writing run's facet leaves out a column that a ``schema`` facet of the version has."""
        told = [one for run in self.contains.writers[version] for one in self._told(run, version)]
        return any(one is not None and self.schema(version) - set(one) for one in told)
