"""Each erasure of the deletion log, joined with what was written and decided after its completion.

Pure. The resource is the request id; the pseudonym it speaks of never enters a fact. A record
reappears if a version written after the completion has a manifest with it; that it did not is only
said where the newest such version of each covered dataset has a full manifest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import parse_time
from compliance.derived.declared import dataset_id, dataset_of, key_id_of
from compliance.derived.erased import Erased, Erasure
from compliance.derived.joining import Looked, derived, of_record
from compliance.derived.sight import blind, unless
from compliance.derived.work import Work, Written, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen
from compliance.lineage.records import DatasetName

COMPLETED_ERASURE = FactSchema(
    "completed_erasure",
    "One erasure of the deletion log, with what became of the record afterwards.",
    (
        Field("request_id", "string", "Id of the request."),
        Field("key_space", "string", "Kind of the record's key."),
        Field("requested_at", "time", "When erasure was asked for."),
        Field("completed_at", "time", "When it was completed."),
        Field("method", "string", "How it was erased."),
        Field("datasets", "strings", "Datasets that it covers; empty stands for all."),
        Field(
            "reappeared_in",
            "strings",
            "DATASET@VERSION written after completion that holds the record again.",
        ),
        Field(
            "decisions_after",
            "int",
            "Allowed decisions after completion that read the record from a covered dataset.",
        ),
    ),
    inputs=("erasure",),
    adds=("manifest", "lineage", "decision", "contract"),
)


Decided = Mapping[tuple[str, str], Sequence[tuple[datetime, DatasetName]]]
"""By record: when an allowed decision read it, and from which dataset."""


@dataclass(frozen=True)
class _After:
    """What erasures are held against, read once for all of them."""

    base: FactBase
    work: Work
    newest: Mapping[DatasetName, Written]
    """The version of each dataset that was written last by runs that ended."""
    received_at: Mapping[str, datetime]
    """When each manifest was received, by evidence id."""
    decided: Decided
    no_writes: Unseen | None
    no_decisions: Unseen | None

    @classmethod
    def of(cls, base: FactBase) -> _After:
        work = work_of(base)
        ended = {dataset: [v for v in versions if v.ended_at] for dataset, versions in work.written.items()}
        return cls(
            base, work, {dataset: versions[-1] for dataset, versions in ended.items() if versions},
            {record.evidence: record.instant for record in base.received("manifest")},
            _decided(base, work), blind(base, "lineage", "manifest"), blind(base, "decision"),
        )  # fmt: skip


def completed_erasures(base: FactBase) -> Iterator[Fact]:
    """Every erasure; several that share a request id are told apart by a number."""
    after = _After.of(base)
    every = Erased.of(base, after.work.same).all()
    shared = Counter(one.request_id for one in every)
    count: Counter[str] = Counter()
    for one in every:
        count[one.request_id] += 1
        alone = shared[one.request_id] == 1
        yield _fact(one, one.request_id if alone else f"{one.request_id}/{count[one.request_id]}", after)


def _decided(base: FactBase, work: Work) -> Decided:
    found: dict[tuple[str, str], list[tuple[datetime, DatasetName]]] = defaultdict(list)
    for record in base.received("decision"):
        named = record.value.get("dataset")
        if record.value["allowed"] and named is not None:
            read = parse_time(record.value["timestamp"]), work.same(dataset_of(named))
            for one in record.value.get("records") or ():
                found[one["key_space"], one["pseudonym"]].append(read)
    return found


def _fact(one: Erasure, name: str, after: _After) -> Fact:
    again, evidence = _reappeared(one, after)
    reads = after.decided.get(one.record, ())
    served = sum(at > one.completed_at and one.covers(dataset) for at, dataset in reads)
    looked: dict[str, Looked] = {
        "request_id": one.request_id, "key_space": one.record[0], "requested_at": one.requested_at,
        "completed_at": one.completed_at, "method": one.method,
        "datasets": sorted(dataset_id(dataset) for dataset in one.datasets or ()),
        "reappeared_in": unless(after.no_writes, again, told_by_absence=again == []),
        "decisions_after": unless(after.no_decisions, served, told_by_absence=not served),
    }  # fmt: skip
    cited = [entry.evidence for entry in one.entries] + evidence
    return derived(COMPLETED_ERASURE, name, looked, of_record(one.entries[-1], one.record[0]).citing(cited))


def _reappeared(one: Erasure, after: _After) -> tuple[Looked, list[str]]:
    """The versions written after completion that hold the record, with the manifests that prove it."""
    found: dict[str, list[str]] = defaultdict(list)
    undated: Unseen | None = None
    for evidence in sorted(after.base.holding(*one.record)):
        version = after.work.version_of(evidence)
        if version is None or not one.covers(version.dataset):
            continue
        written = after.work.write_of(version)
        if written is None and after.received_at[evidence] > one.completed_at:
            why = f"the manifest of {version} holds the record, and no known run wrote it"
            undated = Unseen("incomplete", why)
        elif written is not None and written.ended_at is not None and written.ended_at >= one.completed_at:
            found[str(version)].append(evidence)
    if found:
        return sorted(found), [evidence for cited in found.values() for evidence in cited]
    return _unproven(one, after) or undated or [], []


def _unproven(one: Erasure, after: _After) -> Unseen | None:
    """A dataset written since, of whose newest version nobody can say that the record is not in it."""
    space, key_id = one.record[0], key_id_of(one.entries[-1].value, one.record[0], after.base)
    for dataset in sorted(after.newest if one.datasets is None else one.datasets & after.newest.keys()):
        version = after.newest[dataset]
        if version.ended_at is None or version.ended_at < one.completed_at:
            continue
        holds = one.datasets is not None or space in after.work.key_spaces(dataset)
        if holds and not after.work.is_exact(version.id, space, key_id):
            why = (
                f"{version.id} was written after the completion and has no full manifest of key space {space}"
            )
            return Unseen("missing", why)
    return None
