"""What was declared beside lineage: manifests, contracts, consents, erasures, purposes, models.

Pure. Indexed for look-up by dataset, person or run; every name is the one reported. A declaration
that lacks what gives it meaning is passed over: intake has refused it before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from compliance.canonical import Json, micros
from compliance.facts import Received
from compliance.lineage.events import NEVER, evidence_key, time_of
from compliance.lineage.facets import dataset_name, listed, mapping, text, version_text
from compliance.lineage.names import Names
from compliance.lineage.records import DatasetName
from compliance.lineage.remembered import Remembered

Person = tuple[str, str]
"""``(key space, pseudonym)``."""


class Version(NamedTuple):
    """One version of one dataset."""

    dataset: DatasetName
    version: str

    def __str__(self) -> str:
        return f"{self.dataset[0]}/{self.dataset[1]}@{self.version}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The header of a membership manifest; who is in it lies behind the membership port."""

    evidence: str
    version: Version
    key_space: str
    full: bool
    digest: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A data contract from its ``valid_from`` on, until one with a later date is in force."""

    evidence: str
    valid_from: int
    permitted: frozenset[str]
    key_spaces: frozenset[str]
    """The key spaces that it names for the dataset or for a field."""
    retention_days: int | None = None
    residency: frozenset[str] = frozenset()
    """The regions in which the data may be; none stated: anywhere."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A completed entry of the deletion log; ``datasets`` None stands for all."""

    evidence: str
    completed: int
    datasets: frozenset[DatasetName] | None
    requested: int | None = None
    request_id: str | None = None

    def covers(self, dataset: DatasetName) -> bool:
        """Whether it says that the record was erased from the dataset."""
        return self.datasets is None or dataset in self.datasets


@dataclass(frozen=True, slots=True)
class ModelDecision:
    """What was decided about a model that holds an erased record, by whom and why."""

    evidence: str
    decided: int
    action: str
    decided_by: str
    because: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a table's own log offers at an instant: every version that can still be read."""

    evidence: str
    instant: int
    versions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent granted or withdrawn."""

    evidence: str
    at: int
    granted: bool


@dataclass(frozen=True, slots=True)
class Basis:
    """The lawful basis of a purpose from ``valid_from`` on."""

    evidence: str
    valid_from: int
    lawful_basis: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model version of a registry; ``purpose`` is the model's there."""

    name: str
    version: str
    purpose: str | None
    instant: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """An allowed entry of a decision log. ``at`` is its timestamp."""

    decision_id: str
    at: int
    purposes: frozenset[str]
    principal: str | None
    model: str | None
    dataset: DatasetName | None


@dataclass
class Registers:
    """All declarations, each kind by what it is looked up by."""

    manifests: dict[Version, list[Manifest]] = field(default_factory=dict)
    manifest_versions: dict[str, Version] = field(default_factory=dict)
    """By evidence id, those of duplicates included."""
    contracts: dict[DatasetName, list[Contract]] = field(default_factory=dict)
    erasures: dict[Person, list[Erasure]] = field(default_factory=dict)
    consents: dict[Person, dict[str, list[Consent]]] = field(default_factory=dict)
    """By person, then by purpose."""
    purposes: dict[str, list[Basis]] = field(default_factory=dict)
    models: dict[str, list[Model]] = field(default_factory=dict)
    """By the id of the training run, in the form of ``run_key``."""
    registered: dict[tuple[str, str], list[Model]] = field(default_factory=dict)
    """By name and version."""
    feature_views: dict[DatasetName, frozenset[str]] = field(default_factory=dict)
    model_decisions: dict[tuple[str, str], list[ModelDecision]] = field(default_factory=dict)
    """By request id and ``NAME@VERSION``, in order of time."""
    tables: dict[DatasetName, Table] = field(default_factory=dict)
    """The latest listing of each table."""
    decisions: dict[Person, dict[Decision, set[str]]] = field(default_factory=dict)
    """"One use for each distinct entry", with its evidence: another source's copy is the same entry."""

    @classmethod
    def of(cls, kept: Iterable[Received], everything: Iterable[Received], names: Names) -> Registers:
        """Index ``kept`` (without duplicates); ``everything`` names the duplicates of manifests too."""
        found = cls()
        for record in kept:
            found._take(record, mapping(record.value), names)
        for record in everything:
            if record.kind == "manifest":
                found._name_manifest(record, names)
        found._sort()
        return found

    def _name_manifest(self, record: Received, names: Names) -> None:
        version = _VERSIONS.of(record, names.renamed, lambda: _version(mapping(record.value), names))
        if version is not None:
            self.manifest_versions[record.evidence] = version

    def _take(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        match record.kind:
            case "manifest":
                self._take_manifest(record, value, names)
            case "erasure":
                self._take_erasure(record, value, names)
            case "consent":
                self._take_consent(record, value)
            case "decision":
                self._take_decision(record, value, names)
            case "model_decision":
                self._take_model_decision(record, value)
            case _:
                self._take_declared(record, value, names)

    def _take_declared(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        """What is said of things, not of people."""
        match record.kind:
            case "contract":
                self._take_contract(record, value, names)
            case "purpose":
                self._take_purpose(record, value)
            case "model_version":
                self._take_model(record, value)
            case "feature_view":
                self._take_feature_view(value, names)
            case "table_versions":
                self._take_table(record, value, names)
            case _:
                pass

    def _take_model_decision(self, record: Received, value: Mapping[str, Json]) -> None:
        request, model, decided = (
            text(value.get("request_id")),
            text(value.get("model")),
            time_of(value.get("decided_at")),
        )
        if request is None or model is None or decided is None:
            return
        said = (text(value.get(name)) or "" for name in ("action", "decided_by", "because"))
        decision = ModelDecision(record.evidence, decided, *said)
        self.model_decisions.setdefault((request, model), []).append(decision)

    def _take_table(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        name = dataset_name(value)
        if name is None:
            return
        offered = (version_text(version) for version in listed(value.get("versions")))
        versions = frozenset(version for version in offered if version is not None)
        table = Table(record.evidence, micros(record.instant), versions)
        former = self.tables.get(names(name), table)
        # At one instant, what any listing still offers is readable; the order of listings decides nothing.
        if former.instant == table.instant:
            first = min(former.evidence, table.evidence, key=evidence_key)
            table = Table(first, table.instant, former.versions | table.versions)
        self.tables[names(name)] = max(former, table, key=lambda item: (item.instant, len(item.versions)))

    def _take_manifest(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        manifest = _MANIFESTS.of(record, names.renamed, lambda: _manifest(record, value, names))
        if manifest is not None:
            self.manifests.setdefault(manifest.version, []).append(manifest)

    def _take_contract(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        name = dataset_name(value)
        if name is None:
            return
        spaces = [
            *listed(value.get("key_spaces")),
            *(mapping(f).get("key_space") for f in listed(value.get("fields"))),
        ]
        start = time_of(value.get("valid_from"), assume_utc=True)
        contract = Contract(
            record.evidence, NEVER if start is None else start,
            frozenset(_texts(value.get("permitted_purposes"))), frozenset(_texts(spaces)),
            _days(value.get("retention_days")), frozenset(_texts(value.get("residency"))),
        )  # fmt: skip
        self.contracts.setdefault(names(name), []).append(contract)

    def _take_erasure(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        completed, person = time_of(value.get("completed_at"), assume_utc=True), _person(value)
        if completed is None or person is None:
            return
        covered = value.get("datasets")
        named = (dataset_name(item) for item in listed(covered))
        datasets = None if covered == "*" else frozenset(names(name) for name in named if name is not None)
        requested = time_of(value.get("requested_at"), assume_utc=True)
        self.erasures.setdefault(person, []).append(
            Erasure(record.evidence, completed, datasets, requested, text(value.get("request_id")))
        )

    def _take_consent(self, record: Received, value: Mapping[str, Json]) -> None:
        at, person, purpose = (
            time_of(value.get("at"), assume_utc=True),
            _person(value),
            text(value.get("purpose")),
        )
        action = value.get("action")
        if at is None or person is None or purpose is None or action not in ("granted", "withdrawn"):
            return
        consent = Consent(record.evidence, at, action == "granted")
        self.consents.setdefault(person, {}).setdefault(purpose, []).append(consent)

    def _take_purpose(self, record: Received, value: Mapping[str, Json]) -> None:
        purpose, basis = text(value.get("id")), text(value.get("lawful_basis"))
        if purpose is None or basis is None:
            return
        start = time_of(value.get("valid_from"), assume_utc=True)
        entry = Basis(record.evidence, NEVER if start is None else start, basis)
        self.purposes.setdefault(purpose, []).append(entry)

    def _take_model(self, record: Received, value: Mapping[str, Json]) -> None:
        name, version = text(value.get("name")), version_text(value.get("version"))
        if name is None or version is None:
            return
        model = Model(name, version, text(value.get("purpose")), micros(record.instant), record.evidence)
        self.registered.setdefault((name, version), []).append(model)
        for run_id in _texts(value.get("run_ids")):
            self.models.setdefault(run_key(run_id), []).append(model)

    def _take_feature_view(self, value: Mapping[str, Json], names: Names) -> None:
        name = dataset_name(value)
        if name is not None:
            features = frozenset(_texts(value.get("features")))
            self.feature_views[names(name)] = self.feature_views.get(names(name), frozenset()) | features

    def _take_decision(self, record: Received, value: Mapping[str, Json], names: Names) -> None:
        at = time_of(value.get("timestamp"), assume_utc=True)
        if value.get("allowed") is not True:
            return
        named = dataset_name(value.get("dataset"))
        decision = Decision(
            text(value.get("decision_id")) or record.evidence, micros(record.instant) if at is None else at,
            frozenset(_texts([value.get("purpose"), *listed(value.get("purpose"))])),
            text(value.get("principal")), text(value.get("model")),
            None if named is None else names(named),
        )  # fmt: skip
        for person in {_person(mapping(item)) for item in listed(value.get("records"))}:
            if person is not None:
                self.decisions.setdefault(person, {}).setdefault(decision, set()).add(record.evidence)

    def _sort(self) -> None:
        for contracts in self.contracts.values():
            contracts.sort(key=lambda item: (item.valid_from, evidence_key(item.evidence)))
        for erasures in self.erasures.values():
            erasures.sort(key=lambda item: (item.completed, evidence_key(item.evidence)))
        for decisions in self.model_decisions.values():
            decisions.sort(key=lambda item: (item.decided, evidence_key(item.evidence)))
        for bases in self.purposes.values():
            bases.sort(key=lambda item: (item.valid_from, evidence_key(item.evidence)))


def _manifest(record: Received, value: Mapping[str, Json], names: Names) -> Manifest | None:
    version, key_space = _version(value, names), text(value.get("key_space"))
    if version is None or key_space is None:
        return None
    # "default `full`"; whatever else is stated there must not exclude anybody.
    full = value.get("completeness", "full") == "full"
    digest = text(value.get("digest")) or record.evidence
    return Manifest(record.evidence, version, key_space, full, digest, text(value.get("key_id")))


_MANIFESTS: Remembered[Manifest | None] = Remembered()
_VERSIONS: Remembered[Version | None] = Remembered()


def run_key(run_id: str) -> str:
    """A run id "read as a UUID" where it is one: MLflow writes 32 hex digits, OpenLineage dashes between."""
    try:
        return str(UUID(run_id))
    except ValueError:
        return run_id


def _version(value: Mapping[str, Json], names: Names) -> Version | None:
    name, version = dataset_name(value), version_text(value.get("version"))
    return None if name is None or version is None else Version(names(name), version)


def _person(value: Mapping[str, Json]) -> Person | None:
    key_space, pseudonym = text(value.get("key_space")), text(value.get("pseudonym"))
    return None if key_space is None or pseudonym is None else (key_space, pseudonym)


def _days(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _texts(values: Json) -> Iterator[str]:
    return (value for value in listed(values) if text(value) is not None)
