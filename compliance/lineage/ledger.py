"""The erasure ledger: what became of one record after a request to erase it (GDPR Art. 17 and 19).

Pure. A function of the world, the answer about the record, and the decisions that were recorded. For every
version, feature and model that held the record it says one of four states:

- ``erased``: an erasure covering the dataset completed after the version was written;
- ``tombstoned``: the same, but a later listing of the table's own log still offers the version to be read;
- ``still present``: no erasure covers it, and it is the dataset's latest version or still offered; of a model:
  it was made from the record before the erasure;
- ``unknown``: no erasure covers it, and nobody says whether it can still be read; or the record is only possible there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from compliance.canonical import Json, format_time, from_micros
from compliance.lineage.events import evidence_key
from compliance.lineage.further import a_month_after
from compliance.lineage.records import Answer
from compliance.lineage.registers import Erasure, ModelDecision, Person, Version
from compliance.lineage.world import World

ERASED, TOMBSTONED, PRESENT, UNKNOWN = "erased", "tombstoned", "still present", "unknown"


@dataclass(frozen=True)
class ErasureRequest:
    """All completed erasures of one record under one request id."""

    request_id: str
    person: Person
    erasures: tuple[Erasure, ...]

    @property
    def requested(self) -> int | None:
        """When it was asked for, microseconds, UTC; None where no entry says."""
        return min((item.requested for item in self.erasures if item.requested is not None), default=None)

    @property
    def completed(self) -> int:
        """When the last of its erasures completed, microseconds, UTC."""
        return max(item.completed for item in self.erasures)

    def as_json(self) -> dict[str, Json]:
        """What was asked and done, and when it was due: a month after the request (GDPR Art. 12(3))."""
        due = None if self.requested is None else a_month_after(self.requested)
        covered = {name for item in self.erasures for name in item.datasets or ()}
        everything = any(item.datasets is None for item in self.erasures)
        return {
            "request_id": self.request_id, "key_space": self.person[0], "pseudonym": self.person[1],
            "requested_at": None if self.requested is None else _text(self.requested),
            "due": None if due is None else _text(due),
            "completed_at": _text(self.completed),
            "late": None if due is None else self.completed > due,
            "datasets": "*" if everything else [{"namespace": ns, "name": name} for ns, name in sorted(covered)],
            "evidence": sorted((item.evidence for item in self.erasures), key=evidence_key),
        }  # fmt: skip


def erasure_requests(world: World) -> list[ErasureRequest]:
    """Every request of which an erasure completed, by request id and person; entries without an id are left out."""
    found: dict[tuple[str, Person], list[Erasure]] = {}
    for person, erasures in world.registers.erasures.items():
        for item in erasures:
            if item.request_id:
                found.setdefault((item.request_id, person), []).append(item)
    return [
        ErasureRequest(request, person, tuple(found[request, person])) for request, person in sorted(found)
    ]


def erasure_ledger(world: World, request: ErasureRequest, answer: Answer) -> dict[str, Json]:
    """The ledger of one request, from the ``answer`` about its record in the same world."""
    versions = [_version_line(world, request.person, item) for item in answer["datasets"]]
    states = {(line["name"], line["version"]): line["state"] for line in versions}
    features = list(_features(answer["uses"], states))
    models = list(_models(world, request, answer["uses"]))
    return {
        **request.as_json(), "as_of": answer["as_of"], "versions": versions, "features": features, "models": models,
        "open": list(_open(versions, features, models)), "complete": answer["complete"], "gaps": answer["gaps"],
    }  # fmt: skip


def _version_line(world: World, person: Person, item: Mapping[str, Json]) -> dict[str, Json]:
    version = Version((item["namespace"], item["name"]), item["version"])
    state, because, evidence = _state(world, person, version, item["certainty"])
    cited = sorted({*evidence, *item["evidence"]}, key=evidence_key)
    return {
        "namespace": item["namespace"], "name": item["name"], "version": item["version"],
        "certainty": item["certainty"], "written_at": item["written_at"], "state": state, "because": because,
        "evidence": cited,
    }  # fmt: skip


def _state(world: World, person: Person, version: Version, certainty: str) -> tuple[str, str, Sequence[str]]:
    written = world.graph.written_at(version)
    covering = [
        item for item in world.registers.erasures.get(person, ())
        if item.covers(version.dataset) and item.completed > written
    ]  # fmt: skip
    table = world.registers.tables.get(version.dataset)
    offered = table is not None and version.version in table.versions
    if covering:
        done = covering[-1]
        if table is not None and offered and table.instant >= done.completed:
            because = f"erased at {_text(done.completed)}, but at {_text(table.instant)} the table still offered this version"
            return TOMBSTONED, because, (done.evidence, table.evidence)
        return ERASED, f"the deletion log says so, at {_text(done.completed)}", (done.evidence,)
    if certainty != "confirmed":
        return UNKNOWN, "no erasure covers it, and no manifest says whether the record is in it", ()
    if table is not None and offered:
        return PRESENT, "no erasure covers it, and the table offers this version", (table.evidence,)
    history = world.history(version.dataset)
    if not history or history[-1][0] <= written:
        return PRESENT, "no erasure covers it, and it is the latest version of its dataset that is known", ()
    return (
        UNKNOWN,
        "no erasure covers it; it was written over, and nobody says whether it can still be read",
        (),
    )


def _features(
    uses: Iterable[Mapping[str, Json]], states: Mapping[tuple[str, str], str]
) -> Iterator[dict[str, Json]]:
    named = {
        (consumer["name"], consumer["version"])
        for use in uses for consumer in use["consumers"] if consumer["kind"] == "feature"
    }  # fmt: skip
    for name, version in sorted(named):
        state = states.get((name.rpartition(":")[0], version), UNKNOWN)
        yield {"name": name, "version": version, "state": state}


def _models(
    world: World, request: ErasureRequest, uses: Iterable[Mapping[str, Json]]
) -> Iterator[dict[str, Json]]:
    made: dict[tuple[str, str], list[Mapping[str, Json]]] = {}
    for use in uses:
        for consumer in use["consumers"]:
            if consumer["kind"] == "model":
                made.setdefault((consumer["name"], consumer["version"] or ""), []).append(use)
    for (name, version), by in sorted(made.items()):
        decisions = world.registers.model_decisions.get((request.request_id, f"{name}@{version}"), ())
        yield {
            "name": name, "version": version or None,
            "state": PRESENT if any(use["certainty"] == "confirmed" for use in by) else UNKNOWN,
            "purposes": sorted({use["purpose"] for use in by}), "runs": sorted({use["run_id"] for use in by}),
            "used_at": max(use["started_at"] for use in by),
            "evidence": sorted({one for use in by for one in use["evidence"]}, key=evidence_key),
            "decisions": [_decision(item) for item in decisions],
        }  # fmt: skip


def _decision(item: ModelDecision) -> dict[str, Json]:
    return {
        "action": item.action, "decided_by": item.decided_by, "decided_at": _text(item.decided), "because": item.because,
        "evidence": item.evidence,
    }  # fmt: skip


def _open(*lines: Iterable[Mapping[str, Json]]) -> Iterator[dict[str, Json]]:
    """What is left to do: whatever is not erased, and every model about which nobody has decided."""
    versions, features, models = lines
    for line in versions:
        if line["state"] != ERASED:
            name = f"{line['namespace']}/{line['name']}"
            yield {"kind": "version", "name": name, "version": line["version"], "why": line["because"]}
    for line in features:
        if line["state"] != ERASED:
            why = f"the feature's version is {line['state']}"
            yield {"kind": "feature", "name": line["name"], "version": line["version"], "why": why}
    for line in models:
        if not line["decisions"]:
            why = "nobody has decided whether to retrain, exclude, unlearn, suppress or accept"
            yield {"kind": "model", "name": line["name"], "version": line["version"], "why": why}


def _text(moment: int) -> str:
    return format_time(from_micros(moment))
