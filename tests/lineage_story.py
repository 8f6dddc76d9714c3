"""A small language in which the lineage tests tell what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from compliance.facts import Received, ReceivedKind, SourceState
from compliance.lineage import Answer, Question, UsageInput, UsageSettings, record_usage

SPACE = "customer"
ANN = "a" * 32
BOB = "b" * 32
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
LATE = 60 * 24 * 30


def clock(minute: float) -> str:
    """The RFC 3339 time so many minutes after midnight of the first of March 2026."""
    return (MIDNIGHT + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def at(minute: float) -> datetime:
    """The instant so many minutes after midnight."""
    return MIDNIGHT + timedelta(minutes=minute)


def dataset(name: str, version: Any = None, **facets: Any) -> dict[str, Any]:
    """A dataset of an event in namespace ``w``; keyword arguments are its facets."""
    found: dict[str, Any] = dict(facets)
    if version is not None:
        found["version"] = {"datasetVersion": version}
    return {"namespace": "w", "name": name, "facets": found}


def tags(**values: str) -> dict[str, Any]:
    """A tags facet."""
    return {"tags": [{"key": key, "value": value} for key, value in values.items()]}


def schema(*columns: str) -> dict[str, Any]:
    """A schema facet."""
    return {"fields": [{"name": column, "type": "string"} for column in columns]}


def lifecycle(change: str, previous: str | None = None) -> dict[str, Any]:
    """A lifecycleStateChange facet."""
    found: dict[str, Any] = {"lifecycleStateChange": change}
    if previous is not None:
        found["previousIdentifier"] = {"namespace": "w", "name": previous}
    return found


def column(name: str, field_: str | None, *steps: Mapping[str, Any]) -> dict[str, Any]:
    """One input field of a column, with the transformations given."""
    found: dict[str, Any] = {"namespace": "w", "name": name}
    if field_ is not None:
        found["field"] = field_
    if steps:
        found["transformations"] = list(steps)
    return found


def column_lineage(
    over: Sequence[Mapping[str, Any]] = (), **fields: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A columnLineage facet; ``over`` are the inputs that concern the whole dataset."""
    stated: dict[str, Any] = {
        "fields": {name: {"inputFields": list(inputs)} for name, inputs in fields.items()}
    }
    if over:
        stated["dataset"] = list(over)
    return stated


INDIRECT = {"type": "INDIRECT", "subtype": "FILTER"}
DIRECT = {"type": "DIRECT", "subtype": "IDENTITY"}
MASKING = {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}


@dataclass
class Story:
    """Everything received so far, in the order told, and who is in which manifest."""

    received: list[Received] = field(default_factory=list)
    members: dict[str, set[str]] = field(default_factory=dict)
    settings: UsageSettings = field(default_factory=UsageSettings)
    sources: list[SourceState] = field(default_factory=list)

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The membership port."""
        spaces = {
            record.evidence: record.value["key_space"]
            for record in self.received
            if record.kind == "manifest"
        }
        return frozenset(
            evidence
            for evidence, held in self.members.items()
            if pseudonym in held and spaces[evidence] == key_space
        )

    def tell(self, kind: ReceivedKind, value: Mapping[str, Any], minute: float, source: str = "spark") -> str:
        """Add one record; its evidence id is returned."""
        evidence = f"{len(self.received)}/0" if kind != "manifest" else str(len(self.received))
        self.received.append(Received(kind, source, value, at(minute), evidence))
        return evidence

    def event(self, run: str, state: str, minute: float, *, source: str = "spark", **said: Any) -> str:
        """One run event; ``said`` may be inputs, outputs, run_tags, job, job_tags."""
        job = said.get("job", "job")
        value: dict[str, Any] = {
            "eventTime": clock(minute), "eventType": state,
            "run": {"runId": run, "facets": {"tags": tags(**said.get("run_tags", {}))}},
            "job": {"namespace": "jobs", "name": job, "facets": {"tags": tags(**said.get("job_tags", {}))}},
            "inputs": list(said.get("inputs", ())), "outputs": list(said.get("outputs", ())),
        }  # fmt: skip
        value["job"]["facets"].update(said.get("job_facets", {}))
        return self.tell("lineage", value, minute, source)

    def run(
        self, run: str, start: float, end: float | None,
        reads: Iterable[Any] = (), writes: Iterable[Any] = (), *, state: str = "COMPLETE", **said: Any,
    ) -> Story:  # fmt: skip
        """A run with a START that says all and, unless it is still running, an end; names may be plain texts."""
        inputs = [dataset(item) if isinstance(item, str) else item for item in reads]
        outputs = [dataset(item) if isinstance(item, str) else item for item in writes]
        self.event(run, "START", start, inputs=inputs, outputs=outputs, **said)
        if end is not None:
            self.event(run, state, end, source=said.get("source", "spark"), job=said.get("job", "job"))
        return self

    def declare(self, found: Mapping[str, Any], minute: float, source: str = "spark") -> Story:
        """A DatasetEvent."""
        self.tell("lineage", {"eventTime": clock(minute), "dataset": found}, minute, source)
        return self

    def declare_job(self, minute: float, job: str = "job", source: str = "spark", **values: str) -> Story:
        """A JobEvent with tags."""
        declared = {"namespace": "jobs", "name": job, "facets": {"tags": tags(**values)}}
        self.tell("lineage", {"eventTime": clock(minute), "job": declared}, minute, source)
        return self

    def manifest(
        self, name: str, version: str, *members: str,
        full: bool = True, key_space: str = SPACE, source: str = "members", **said: Any,
    ) -> str:  # fmt: skip
        """A membership manifest; the evidence id is returned."""
        value = {
            "namespace": "w", "name": name, "version": version, "key_space": key_space,
            "completeness": "full" if full else "partial", "digest": "-".join(sorted(members)), **said,
        }  # fmt: skip
        evidence = self.tell("manifest", value, 0, source)
        self.members[evidence] = set(members)
        return evidence

    def erased(self, minute: float, *names: str, who: str = ANN) -> str:
        """A completed erasure, of all datasets if none is named."""
        covered: Any = [{"namespace": "w", "name": name} for name in names] or "*"
        value = {
            "key_space": SPACE, "pseudonym": who, "datasets": covered, "requested_at": clock(0),
            "completed_at": clock(minute), "method": "delete", "request_id": "r",
        }  # fmt: skip
        return self.tell("erasure", value, minute, "deletions")

    def consent(self, minute: float, action: str, purpose: str = "ads", who: str = ANN) -> str:
        """A consent event."""
        value = {
            "key_space": SPACE,
            "pseudonym": who,
            "purpose": purpose,
            "action": action,
            "at": clock(minute),
        }
        return self.tell("consent", value, minute, "consents")

    def contract(self, name: str, minute: float, *purposes: str, **said: Any) -> str:
        """A data contract in force from ``minute`` on."""
        value = {
            "namespace": "w", "name": name, "permitted_purposes": list(purposes), "valid_from": clock(minute), **said,
        }  # fmt: skip
        return self.tell("contract", value, minute, "contracts")

    def purpose(self, name: str, basis: str, minute: float | None = None) -> str:
        """An entry of the register of processing."""
        value = {"id": name, "lawful_basis": basis, "controller": "Acme"}
        if minute is not None:
            value["valid_from"] = clock(minute)
        return self.tell("purpose", value, minute or 0, "register")

    def decision(self, name: str, minute: float, *, who: str = ANN, source: str = "opa", **said: Any) -> str:
        """An allowed decision about one record."""
        value = {
            "decision_id": name, "timestamp": clock(minute), "allowed": True,
            "records": [{"key_space": SPACE, "pseudonym": who}], **said,
        }  # fmt: skip
        return self.tell("decision", value, minute, source)

    def input(self) -> UsageInput:
        """What the engine is given."""
        return UsageInput(tuple(self.received), self, self.settings, tuple(self.sources))

    def ask(self, who: str = ANN, minute: float = LATE, **said: Any) -> Answer:
        """The answer about a record."""
        return record_usage(self.input(), Question(SPACE, who, at(minute), **said))


def versions(answer: Answer) -> list[str]:
    """``name@version`` of the versions that contain the record."""
    return [f"{item['name']}@{item['version']}" for item in answer["datasets"]]


def runs(answer: Answer) -> list[str]:
    """The ids of the runs that used it."""
    return [use["run_id"] for use in answer["uses"]]


def version(answer: Answer, name: str) -> Mapping[str, Any]:
    """The version ``name@version`` of an answer."""
    return next(item for item in answer["datasets"] if f"{item['name']}@{item['version']}" == name)


def use(answer: Answer, run: str) -> Mapping[str, Any]:
    """The use by one run."""
    return next(item for item in answer["uses"] if item["run_id"] == run)


def gaps(answer: Answer) -> list[str]:
    """``name@version`` of the gaps, each once."""
    return sorted({f"{gap['name']}@{gap['version']}" for gap in answer["gaps"]})


def codes(found: Mapping[str, Any]) -> list[str]:
    """The codes of the violations on a use or a version."""
    return [violation["code"] for violation in found["violations"]]
