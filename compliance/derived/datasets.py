"""Each dataset that lineage, a contract or a manifest names, with what describes it.

Pure. A dataset is described if a contract or a manifest speaks of it, or a tag names its key space
(CONTRACT section 4, *undescribed*); what it holds is otherwise anybody's guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from compliance.canonical import Json
from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived
from compliance.derived.work import Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received
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
    inputs=("lineage", "contract", "manifest", "purpose"),
)


def datasets(base: FactBase) -> Iterator[Fact]:
    """Every dataset, under the one name of those that are said to be the same."""
    work = work_of(base)
    declared = Declared.of(base, work.same)
    names = work.named | declared.contracts.by_key.keys() | {dataset for dataset, _ in work.manifests}
    for dataset in sorted(names):
        contracts = declared.contracts.in_force(dataset, base.at)
        looked = (
            _described(work, dataset, contracts)
            | _last(work, dataset)
            | _declared(declared, contracts, base.at)
        )
        yield derived(DATASET, dataset_id(dataset), looked, _origin(work, dataset, contracts, base))


def _described(work: Work, dataset: DatasetName, contracts: Sequence[Received]) -> dict[str, Looked]:
    spaces = work.key_spaces(dataset)
    manifest = any(named == dataset for named, _ in work.manifests)
    return {
        "namespace": dataset[0], "name": dataset[1], "in_lineage": dataset in work.named,
        "described": bool(spaces or manifest or contracts), "has_contract": bool(contracts),
        "has_manifest": manifest, "key_spaces": sorted(spaces), "personal": bool(spaces),
    }  # fmt: skip


def _last(work: Work, dataset: DatasetName) -> dict[str, Looked]:
    """The version that was written last; absent where no run is known to have completed writing it."""
    ended = [version for version in work.written.get(dataset, ()) if version.ended_at is not None]
    if not ended:
        return dict.fromkeys(("last_written", "latest_described", "column_lineage"))
    last = ended[-1]
    spaces = work.key_spaces(dataset)
    full = all(work.is_exact(last.id, space) for space in spaces)
    return {"last_written": last.ended_at, "latest_described": full, "column_lineage": last.columns_told}


def _declared(declared: Declared, contracts: Sequence[Received], at: datetime) -> dict[str, Looked]:
    values = [contract.value for contract in contracts]
    purposes = sorted({p for value in values for p in value.get("permitted_purposes") or ()})
    fields = [field for value in values for field in value.get("fields") or ()]
    days = [value["retention_days"] for value in values if value.get("retention_days") is not None]
    return {
        "permitted_purposes": purposes,
        "unregistered": [p for p in purposes if declared.purpose(p, at) is None],
        "fields": len(fields) if contracts else None,
        "unclassified": sorted({str(one["name"]) for one in fields if not one.get("sensitivity")}),
        "retention_days": max(days, default=None),
        "retention_limit_days": _limit(declared, purposes, at),
        "residency": sorted({region for value in values for region in value.get("residency") or ()}),
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
