"""What lineage says of runs, versions and models, in the form in which derivations join it.

Pure. Merging of events, names, reads that are worked out and purposes are decided by
``compliance.lineage``, once for every fact base; here they are only arranged.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from compliance.canonical import from_micros
from compliance.derived.joining import ordered
from compliance.facts import FactBase, ReceivedKind
from compliance.lineage.events import FOREVER, JobName, events, mentions_of
from compliance.lineage.graph import INITIAL
from compliance.lineage.records import DatasetName, UsageInput, UsageSettings
from compliance.lineage.registers import Manifest, Version, run_key
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
        self.written = self._written()

    def key_spaces(self, dataset: DatasetName) -> frozenset[str]:
        """The kinds of record that a dataset holds, by tags, contracts and manifests."""
        return self.world.key_spaces(dataset) | self._manifest_spaces.get(dataset, frozenset())

    def is_exact(self, version: Version, key_space: str, key_id: str | None = None) -> bool:
        """Whether a full manifest, of the key id where one is given, says whose data the version holds."""
        key_ids = None if key_id is None else frozenset({key_id})
        return self.world.is_exact(Scope(key_space, key_ids), version)

    def runs_of_model(self, resource: str) -> tuple[Ran, ...]:
        """The runs tied to NAME/VERSION, by their tag ``model`` or by the registry."""
        name, _, version = resource.rpartition("/")
        return tuple(
            ran for ran in self.runs if (name, version) in self._models_of(self.world.runs[ran.run_id])
        )

    def mentioned_by(self, dataset: DatasetName) -> tuple[str, set[str]]:
        """The source and evidence of something that mentions a dataset: an event, else a manifest."""
        return self._mentions.get(dataset, ("", set()))

    @cached_property
    def _mentions(self) -> Mapping[DatasetName, tuple[str, set[str]]]:
        received = self.world.input.received
        found = {
            self.same(m.dataset): (e.source, {e.evidence}) for e in events(received) for m in mentions_of(e)
        }
        for record in received:
            if record.kind == "manifest":
                name = self.same((str(record.value["namespace"]), str(record.value["name"])))
                found.setdefault(name, (record.source, {record.evidence}))
        return found

    # --- arranged once ------------------------------------------------------------------------

    def _ran(self, run: Run) -> Ran:
        reads = self.world.graph.reads.get(run.run_id, ())
        return Ran(
            run_id=run.run_id, job=run.job or ("", run.run_id), source=run.reports[0].source,
            started_at=run.started_at, ended_at=run.ended_at, completed=run.outcome == "COMPLETE",
            purposes=tuple(sorted(self._purposes(run))),
            reads=frozenset(read.version for read in reads),
            unresolved=frozenset(r.version.dataset for r in reads if not r.named and self._is_unknown(r.version)),
            writes=frozenset(Version(d, v) for d, versions in run.outputs.items() for v in versions),
            evidence=ordered(run.evidence),
        )  # fmt: skip

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

    # --- models and purposes ------------------------------------------------------------------

    def _models_of(self, run: Run) -> set[tuple[str, str]]:
        tagged = (tag.rpartition("@") for tag in run.tags.get("model", ()))
        registered = self.world.registers.models.get(run_key(run.run_id), ())
        return {(name, version) for name, at, version in tagged if at} | {
            (m.name, m.version) for m in registered
        }

    def _purposes(self, run: Run) -> Iterator[str]:
        """The run's own, else its job's, else its models' (CONTRACT section 4, *Purpose*)."""
        own = run.tags.get("purpose")
        job = set(run.job_tags.get("purpose", ()))
        if run.job is not None:
            job.update(*(d.values for d in self.world.declared.job_tag(run.job, "purpose", run.started)))
        models = {
            model.purpose
            for key in self._models_of(run)
            for model in self.world.registers.registered.get(key, ())
            if model.purpose
        }
        yield from own or job or models


_works: dict[int, tuple[weakref.ref[FactBase], Work]] = {}


def work_of(base: FactBase) -> Work:
    """The work of a fact base, built when first asked for and dropped with it."""
    held = _works.get(id(base))
    if held is not None and held[0]() is base:
        return held[1]
    work, key = Work(World.build(_input(base))), id(base)
    _works[key] = (weakref.ref(base, lambda _: _works.pop(key, None)), work)
    return work


def _input(base: FactBase) -> UsageInput:
    config = base.config()

    def name(dataset: Mapping[str, str]) -> DatasetName:
        return dataset["namespace"], dataset["name"]

    settings = UsageSettings(
        aliases=tuple(tuple(name(one) for one in group) for group in config.get("aliases", ())),
        replaces=frozenset(name(one) for one in config.get("replaces", ())),
    )
    received = [record for kind in KINDS for record in base.received(kind)]
    return UsageInput(received, NoMembership(), settings, base.sources())
