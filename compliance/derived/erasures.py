"""Each erasure of the deletion log, joined with what was written and decided after its completion.

Pure. The resource is the request id; the pseudonym it speaks of never enters a fact. A record
reappears if a version written after the completion has a manifest with it; that it did not is only
said where the newest such version of each covered dataset has a full manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from compliance.canonical import parse_time
from compliance.derived.declared import dataset_id, key_id_of
from compliance.derived.erased import Erased, Erasure
from compliance.derived.joining import Looked, derived, of_record
from compliance.derived.sight import blind, unless
from compliance.derived.work import Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version

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


def completed_erasures(base: FactBase) -> Iterator[Fact]:
    """Every erasure; several that share a request id are told apart by a number."""
    work = work_of(base)
    every = Erased.of(base, work.same).all()
    shared = Counter(one.request_id for one in every)
    count: Counter[str] = Counter()
    used = _decided(base, work)
    for one in every:
        count[one.request_id] += 1
        alone = shared[one.request_id] == 1
        name = one.request_id if alone else f"{one.request_id}/{count[one.request_id]}"
        yield _fact(base, work, one, name, used)


Decided = dict[tuple[str, str], list[tuple[datetime, DatasetName]]]


def _decided(base: FactBase, work: Work) -> Decided:
    """When each record was read by an allowed decision, and from which dataset."""
    found: Decided = {}
    for record in base.received("decision"):
        dataset = record.value.get("dataset")
        if not record.value["allowed"] or dataset is None:
            continue
        read = (parse_time(record.value["timestamp"]), work.same((dataset["namespace"], dataset["name"])))
        for one in record.value.get("records") or ():
            found.setdefault((one["key_space"], one["pseudonym"]), []).append(read)
    return found


def _fact(base: FactBase, work: Work, one: Erasure, name: str, decided: Decided) -> Fact:
    again, evidence = _reappeared(base, work, one)
    hidden = blind(base, "lineage", "manifest") if again == [] else None
    after = [
        dataset
        for at, dataset in decided.get(one.record, ())
        if at > one.completed_at and one.covers(dataset)
    ]
    looked: dict[str, Looked] = {
        "request_id": one.request_id, "key_space": one.record[0], "requested_at": one.requested_at,
        "completed_at": one.completed_at, "method": one.method,
        "datasets": sorted(dataset_id(dataset) for dataset in one.datasets or ()),
        "reappeared_in": hidden or again,
        "decisions_after": unless(blind(base, "decision"), len(after), told_by_absence=not after),
    }  # fmt: skip
    cited = [entry.evidence for entry in one.entries] + evidence
    return derived(COMPLETED_ERASURE, name, looked, of_record(one.entries[-1], one.record[0]).citing(cited))


def _reappeared(base: FactBase, work: Work, one: Erasure) -> tuple[Looked, list[str]]:
    """The versions written after completion that hold the record, with the manifests that prove it."""
    later = [
        [
            version
            for version in versions
            if version.ended_at is not None and version.ended_at >= one.completed_at
        ]
        for dataset, versions in work.written.items()
        if one.covers(dataset)
    ]
    holding = base.holding(*one.record)
    proof = {str(v.id): holding & _manifests(work, v.id, one) for versions in later for v in versions}
    found = {name: evidence for name, evidence in proof.items() if evidence}
    if found:
        return sorted(found), sorted({name for evidence in found.values() for name in evidence})
    key_id = key_id_of(one.entries[-1].value, one.record[0], base)
    newest = [versions[-1].id for versions in later if versions]
    return _unproven(work, one, newest, key_id) or _undated(base, work, one, holding) or [], []


def _manifests(work: Work, version: Version, one: Erasure) -> frozenset[str]:
    found = work.manifests.get(version, ())
    return frozenset(manifest.evidence for manifest in found if manifest.key_space == one.record[0])


def _unproven(work: Work, one: Erasure, newest: Sequence[Version], key_id: str | None) -> Unseen | None:
    """A dataset written since, of whose newest version nobody can say that the record is not in it."""
    space = one.record[0]
    for version in newest:
        holds = one.datasets is not None or space in work.key_spaces(version.dataset)
        if holds and not work.is_exact(version, space, key_id):
            why = f"{version} was written after the completion and has no full manifest of key space {space}"
            return Unseen("missing", why)
    return None


def _undated(base: FactBase, work: Work, one: Erasure, holding: frozenset[str]) -> Unseen | None:
    """A manifest that came after the completion and holds the record, of a version that no known run wrote."""
    written = {version.id for versions in work.written.values() for version in versions}
    since = {m.evidence for m in base.received("manifest") if m.instant > one.completed_at} & holding
    for version, manifests in work.manifests.items():
        if (
            one.covers(version.dataset)
            and version not in written
            and any(m.evidence in since for m in manifests)
        ):
            return Unseen(
                "incomplete", f"the manifest of {version} holds the record, and no known run wrote it"
            )
    return None
