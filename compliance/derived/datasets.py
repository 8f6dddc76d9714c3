"""Each dataset that lineage, a contract or a manifest names, with what describes it.

Pure. A dataset is described if a contract or a manifest speaks of it, or a tag names its key space
(CONTRACT section 4, *undescribed*); what it holds is otherwise anybody's guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json
from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived
from compliance.derived.sight import blind, unless
from compliance.derived.work import Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received, Unseen
from compliance.lineage.records import DatasetName

DATASET = FactSchema(
    "dataset",
    "A dataset with its contract in force, its manifests, its last writing run and the register.",
    (
        Field("namespace", "string", "OpenLineage namespace."),
        Field("name", "string", "Name in its namespace."),
        Field("in_lineage", "bool", "Whether a lineage event names it."),
        Field("described", "bool", "Whether a contract, a manifest or a key-space tag speaks of it."),
        Field("has_contract", "bool", "Whether it has a contract in force."),
        Field("has_manifest", "bool", "Whether any version of it has a membership manifest."),
        Field("key_spaces", "strings", "Kinds of record that it is said to hold."),
        Field("personal", "bool", "Whether it is said to hold records of any kind."),
        Field("last_written", "time", "When the last completed run that writes it ended.", optional=True),
        Field(
            "latest_described",
            "bool",
            "Whether that version has a full manifest of each key space.",
            optional=True,
        ),
        Field(
            "column_lineage", "bool", "Whether that run told which columns came from where.", optional=True
        ),
        Field("permitted_purposes", "strings", "Purposes that its contract permits."),
        Field("unregistered", "strings", "Of these, those that the register does not have."),
        Field("fields", "int", "Fields that its contract lists.", optional=True),
        Field("unclassified", "strings", "Fields of its contract without a sensitivity."),
        Field("retention_days", "int", "Retention in its contract.", optional=True),
        Field(
            "retention_limit_days",
            "int",
            "Longest retention that the register allows its purposes.",
            optional=True,
        ),
        Field("residency", "strings", "Regions that its contract permits."),
    ),
    inputs=("lineage",),
    adds=("contract", "manifest", "purpose"),
)


@dataclass(frozen=True)
class _Sight:
    """Whether the absence of a contract, a manifest or a purpose means anything."""

    contracts: Unseen | None
    manifests: Unseen | None
    purposes: Unseen | None

    @property
    def descriptions(self) -> Unseen | None:
        return self.contracts or self.manifests


def datasets(base: FactBase) -> Iterator[Fact]:
    """Every dataset, under the one name of those that are said to be the same."""
    work = work_of(base)
    declared = Declared.of(base, work.same)
    sight = _Sight(blind(base, "contract"), blind(base, "manifest"), blind(base, "purpose"))
    for dataset in sorted(work.named | declared.contracts.by_key.keys() | {one for one, _ in work.manifests}):
        contracts = declared.contracts.in_force(dataset, base.at)
        looked = _described(work, dataset, contracts, sight) | _last(work, dataset, sight)
        looked |= _contracted(contracts) | _registered(declared, contracts, base.at, sight)
        yield derived(DATASET, dataset_id(dataset), looked, _origin(work, dataset, contracts, base))


def _described(
    work: Work, dataset: DatasetName, contracts: Sequence[Received], sight: _Sight
) -> dict[str, Looked]:
    spaces = work.key_spaces(dataset)
    manifest = work.has_manifest(dataset)
    known = bool(spaces or manifest or contracts)
    undescribed = Unseen("missing", "no contract, manifest or tag says whose records it holds, if any")
    return {
        "namespace": dataset[0], "name": dataset[1], "in_lineage": dataset in work.named,
        "described": unless(sight.descriptions, known, told_by_absence=not known),
        "has_contract": unless(sight.contracts, bool(contracts), told_by_absence=not contracts),
        "has_manifest": unless(sight.manifests, manifest, told_by_absence=not manifest),
        "key_spaces": sorted(spaces), "personal": unless(undescribed, bool(spaces), told_by_absence=not known),
    }  # fmt: skip


def _last(work: Work, dataset: DatasetName, sight: _Sight) -> dict[str, Looked]:
    """The version that was written last; absent where no run is known to have completed writing it."""
    ended = [version for version in work.written.get(dataset, ()) if version.ended_at is not None]
    if not ended:
        return dict.fromkeys(("last_written", "latest_described", "column_lineage"))
    last = ended[-1]
    full = all(work.is_exact(last.id, space) for space in work.key_spaces(dataset))
    return {
        "last_written": last.ended_at, "column_lineage": last.columns_told,
        "latest_described": unless(sight.manifests, full, told_by_absence=not full),
    }  # fmt: skip


def _contracted(contracts: Sequence[Received]) -> dict[str, Looked]:
    values = [contract.value for contract in contracts]
    fields = [field for value in values for field in value.get("fields") or ()]
    days = [value["retention_days"] for value in values if value.get("retention_days") is not None]
    return {
        "permitted_purposes": _purposes(contracts),
        "fields": len(fields) if contracts else None,
        "unclassified": sorted({str(one["name"]) for one in fields if not one.get("sensitivity")}),
        "retention_days": max(days, default=None),
        "residency": sorted({region for value in values for region in value.get("residency") or ()}),
    }


def _purposes(contracts: Sequence[Received]) -> list[str]:
    return sorted({str(p) for contract in contracts for p in contract.value.get("permitted_purposes") or ()})


def _registered(
    declared: Declared, contracts: Sequence[Received], at: datetime, sight: _Sight
) -> dict[str, Looked]:
    purposes = _purposes(contracts)
    unregistered = [p for p in purposes if declared.purpose(p, at) is None]
    limit = _limit(declared, purposes, at)
    return {
        "unregistered": unless(sight.purposes, unregistered, told_by_absence=bool(unregistered)),
        "retention_limit_days": unless(
            sight.purposes, limit, told_by_absence=limit is None and bool(purposes)
        ),
    }


def _limit(declared: Declared, purposes: Iterable[str], at: datetime) -> Json:
    """The longest retention among the purposes; absent if none is registered or one is without limit."""
    entries = [declared.purpose(purpose, at) for purpose in purposes]
    days = [None if entry is None else entry.retention_days for entry in entries]
    return None if not days or None in days else max(day for day in days if day is not None)


def _origin(work: Work, dataset: DatasetName, contracts: Sequence[Received], base: FactBase) -> Origin:
    """Cites the contract in force, the manifests of the last version and the events of its writing runs."""
    cited = {contract.evidence for contract in contracts}
    sources = [contract.source for contract in contracts]
    for last in [version for version in work.written.get(dataset, ()) if version.ended_at is not None][-1:]:
        cited |= {*last.evidence, *(manifest.evidence for manifest in work.manifests.get(last.id, ()))}
        sources.append(last.source)
    if not cited:
        source, cited = work.mentioned_by(dataset)
        sources.append(source)
    return Origin(sources[0], dataset[0], base.at, tuple(cited))
