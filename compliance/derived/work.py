"""What lineage says of runs, versions and models, in the form in which derivations join it.

Pure. Merging of events, names, reads that are worked out and purposes are decided by
``compliance.lineage``, once for every fact base; here they are only arranged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from compliance.canonical import Json, from_micros
from compliance.derived.joining import ordered
from compliance.facts import FactBase, ReceivedKind
from compliance.lineage.events import FOREVER, JobName, events, mentions_of
from compliance.lineage.graph import INITIAL, Read
from compliance.lineage.judging import ModelName, models_of, purposes_of
from compliance.lineage.records import DatasetName, UsageInput, UsageSettings
from compliance.lineage.registers import Manifest, Version
from compliance.lineage.remembered import Remembered, Very
from compliance.lineage.runs import Run
from compliance.lineage.world import Scope, World

KINDS: tuple[ReceivedKind, ...] = ("lineage", "manifest", "contract", "model_version", "feature_view")
"""What the version graph and the purposes of runs are computed from."""


@dataclass(frozen=True)
class Ran:
    """A run: when, for which purposes, and which versions it read and wrote."""

    run_id: str
    job: JobName
    source: str
    started_at: datetime
    ended_at: datetime | None
    completed: bool
    purposes: tuple[str, ...]
    """Empty where none is declared."""
    reads: frozenset[Version]
    unresolved: frozenset[DatasetName]
    """Datasets read in a version that neither the run names nor any known write or manifest tells."""
    writes: frozenset[Version]
    evidence: tuple[str, ...]

    @property
    def inputs(self) -> list[DatasetName]:
        """The datasets that it read, in order."""
        return sorted({version.dataset for version in self.reads})


@dataclass(frozen=True)
class Written:
    """A version that known runs wrote."""

    id: Version
    ended_at: datetime | None
    """When the last of its writing runs ended; None while one is running."""
    columns_told: bool
    """Whether some writing run stated column lineage."""
    source: str
    evidence: tuple[str, ...]


def _as_ran(run: Run, reads: Sequence[Read], purposes: tuple[str, ...], unknown: Iterable[Version]) -> Ran:
    return Ran(
        run_id=run.run_id, job=run.job or ("", run.run_id), source=run.reports[0].source,
        started_at=run.started_at, ended_at=run.ended_at, completed=run.outcome == "COMPLETE",
        purposes=purposes, reads=frozenset(read.version for read in reads),
        unresolved=frozenset(version.dataset for version in unknown),
        writes=frozenset(Version(d, v) for d, versions in run.outputs.items() for v in versions),
        evidence=ordered(run.evidence),
    )  # fmt: skip


_RAN: Remembered[Ran] = Remembered()
_WRITTEN: Remembered[Mapping[DatasetName, tuple[Written, ...]]] = Remembered(at_most=4)


class NoMembership:
    """Stands where a version graph is built that nobody asks for a record."""

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """Nobody is looked up here."""
        raise NotImplementedError


class Work:
    """The runs and versions of one fact base."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.same = world.names
        self.named = frozenset(world.declared.named)
        self.manifests: Mapping[Version, list[Manifest]] = world.registers.manifests
        self.runs = tuple(self._ran(run) for run in world.runs.values())
        self.written = _WRITTEN.of(world.graph, None, self._written)

    def key_spaces(self, dataset: DatasetName) -> frozenset[str]:
        """The kinds of record that a dataset holds, by tags, contracts and manifests."""
        return self.world.key_spaces(dataset) | self._manifest_spaces.get(dataset, frozenset())

    def is_exact(self, version: Version, key_space: str, key_id: str | None = None) -> bool:
        """Whether a full manifest, of the key id where one is given, says whose data the version holds."""
        key_ids = None if key_id is None else frozenset({key_id})
        return self.world.is_exact(Scope(key_space, key_ids), version)

    def version_of(self, evidence: str) -> Version | None:
        """The version that a manifest describes."""
        return self.world.registers.manifest_versions.get(evidence)

    def write_of(self, version: Version) -> Written | None:
        """How a version was written; None where no known run wrote it."""
        return self._writes.get(version)

    def has_manifest(self, dataset: DatasetName) -> bool:
        """Whether any version of it has a membership manifest."""
        return dataset in self._manifest_spaces

    @cached_property
    def _writes(self) -> Mapping[Version, Written]:
        return {version.id: version for versions in self.written.values() for version in versions}

    def runs_of_model(self, resource: str) -> tuple[Ran, ...]:
        """The runs tied to NAME/VERSION, by their tag ``model`` or by the registry."""
        name, _, version = resource.rpartition("/")
        return tuple(self._by_model.get((name, version), ()))

    @cached_property
    def _by_model(self) -> Mapping[ModelName, list[Ran]]:
        found: dict[ModelName, list[Ran]] = defaultdict(list)
        for ran in self.runs:
            for model in models_of(self.world, self.world.runs[ran.run_id]):
                found[model].append(ran)
        return found

    def mentioned_by(self, dataset: DatasetName) -> tuple[str, set[str]]:
        """The source and evidence of something that mentions a dataset: an event, else a manifest."""
        return self._mentions.get(dataset, ("", set()))

    @cached_property
    def _mentions(self) -> Mapping[DatasetName, tuple[str, set[str]]]:
        found: dict[DatasetName, tuple[str, set[str]]] = {}
        for event in events(self.world.input.received):
            for mention in mentions_of(event):
                for name in (mention.dataset, *(source for source, _ in mention.sources)):
                    found[self.same(name)] = event.source, {event.evidence}
        for record in self.world.input.received:
            if record.kind == "manifest":
                name = self.same((str(record.value["namespace"]), str(record.value["name"])))
                found.setdefault(name, (record.source, {record.evidence}))
        return found

    # --- arranged once ------------------------------------------------------------------------

    def _ran(self, run: Run) -> Ran:
        reads, purposes = self.world.graph.reads.get(run.run_id, ()), purposes_of(self.world, run)
        unknown = [read.version for read in reads if not read.named and self._is_unknown(read.version)]
        return _RAN.of(run, (reads, purposes, unknown), lambda: _as_ran(run, reads, purposes, unknown))

    def _is_unknown(self, version: Version) -> bool:
        return version.version == INITIAL and version not in self.manifests

    def _written(self) -> dict[DatasetName, tuple[Written, ...]]:
        found: dict[DatasetName, list[Written]] = defaultdict(list)
        for version, ended in sorted(self.world.graph.written.items(), key=lambda item: (item[1], item[0])):
            found[version.dataset].append(self._version(version, ended))
        return {dataset: tuple(versions) for dataset, versions in found.items()}

    def _version(self, version: Version, ended: int) -> Written:
        accounts = list(self.world.outputs(version))
        return Written(
            id=version,
            ended_at=None if ended == FOREVER else from_micros(ended),
            columns_told=any(output.columns is not None for _, output in accounts),
            source=accounts[0][0].reports[0].source,
            evidence=ordered(evidence for run, _ in accounts for evidence in run.evidence),
        )

    @cached_property
    def _manifest_spaces(self) -> Mapping[DatasetName, frozenset[str]]:
        found: dict[DatasetName, frozenset[str]] = {}
        for version, manifests in self.manifests.items():
            spaces = frozenset(manifest.key_space for manifest in manifests)
            found[version.dataset] = found.get(version.dataset, frozenset()) | spaces
        return found


class _Given:
    """The records and configuration that a version graph is built from, equal only if they are the same ones."""

    def __init__(self, base: FactBase) -> None:
        self.received = tuple(record for kind in KINDS for record in base.received(kind))
        self.settings = _settings(base.config())
        # The values are kept by this object, so that their identity cannot be taken over by others.
        self._key = (self.settings, tuple((id(record.value), record.evidence) for record in self.received))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def work_of(base: FactBase) -> Work:
    """The work of a fact base. Bases that know the same records share one, at whatever instant."""
    first, *others = (base.received(kind) for kind in KINDS)
    return _LAST.of(first, Very(*others, base.config()), lambda: _work(_Given(base)))


_LAST: Remembered[Work] = Remembered(at_most=4)


@lru_cache(maxsize=4)
def _work(given: _Given) -> Work:
    return Work(World.build(UsageInput(given.received, NoMembership(), given.settings)))


def _settings(config: Mapping[str, Json]) -> UsageSettings:
    def name(dataset: Mapping[str, str]) -> DatasetName:
        return dataset["namespace"], dataset["name"]

    return UsageSettings(
        aliases=tuple(tuple(name(one) for one in group) for group in config.get("aliases", ())),
        replaces=frozenset(name(one) for one in config.get("replaces", ())),
    )
