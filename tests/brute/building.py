"""Builders for received records, by hand or by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from compliance.canonical import Json, format_time, sha256_hex
from compliance.facts import Received, ReceivedKind, SourceState
from compliance.lineage.records import DatasetName, UsageInput, UsageSettings

EPOCH = datetime(2026, 3, 1, 9, tzinfo=UTC)
AT = EPOCH + timedelta(days=1)
ANNA, BEN, CARL = "a" * 32, "b" * 32, "c" * 32


def moment(step: int) -> datetime:
    """The instant of a step; steps are ten minutes apart."""
    return EPOCH + timedelta(minutes=10 * step)


def text(step: int) -> str:
    """The instant of a step as RFC 3339."""
    return format_time(moment(step))


def run_id(number: int) -> str:
    """The id of a run, a UUID."""
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass(frozen=True)
class Holding:
    """Membership by heart: the members of each manifest, by its evidence id."""

    members: Mapping[str, tuple[str, frozenset[str]]]

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of the manifests of the key space that contain the pseudonym."""
        return frozenset(
            one for one, (space, held) in self.members.items() if space == key_space and pseudonym in held
        )


@dataclass
class Book:
    """Collects records and gives each its evidence id."""

    received: list[Received] = field(default_factory=list)
    members: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    numbers: Iterable[int] = field(default_factory=count)

    def add(self, kind: ReceivedKind, value: Json, *, at: int = 0, source: str = "pipeline") -> str:
        """Take one record in; its evidence id."""
        evidence = f"{next(iter(self.numbers))}/0"
        self.received.append(Received(kind, source, value, moment(at), evidence))
        return evidence

    def manifest(
        self, dataset: DatasetName, version: str, members: Iterable[str], *,
        key_space: str = "customer", completeness: str = "full", source: str = "members",
    ) -> str:  # fmt: skip
        """Take a membership manifest in."""
        held = sorted(members)
        value = {"namespace": dataset[0], "name": dataset[1], "version": version, "key_space": key_space,
                 "completeness": completeness, "digest": sha256_hex("\n".join(held).encode())}  # fmt: skip
        evidence = self.add("manifest", value, source=source)
        self.members[evidence] = (key_space, frozenset(held))
        return evidence

    def event(self, kind: str, number: int, at: int, *, source: str = "pipeline", **parts: Json) -> str:
        """Take one event of a run in; ``parts`` are inputs, outputs, job_facets and run_facets."""
        job = {"namespace": "jobs", "name": parts.get("job", "build"), "facets": parts.get("job_facets", {})}
        run = {"runId": run_id(number), "facets": parts.get("run_facets", {})}
        value = {"eventType": kind, "eventTime": text(at), "run": run, "job": job,
                 "inputs": parts.get("inputs", []), "outputs": parts.get("outputs", [])}  # fmt: skip
        return self.add("lineage", value, at=at, source=source)

    def run(self, number: int, start: int, end: int, *, kind: str = "COMPLETE", **parts: Any) -> None:
        """Take in a run whose START bears everything and whose end event bears nothing."""
        self.event("START", number, start, **parts)
        self.event(kind, number, end, source=parts.get("source", "pipeline"), job=parts.get("job", "build"))

    def given(self, settings: UsageSettings | None = None, sources: Sequence[SourceState] = ()) -> UsageInput:
        """Everything taken in so far, as input of the question."""
        return UsageInput(
            tuple(self.received), Holding(dict(self.members)), settings or UsageSettings(), sources
        )


def tags(*pairs: tuple[str, str]) -> Json:
    """A tags facet."""
    return {"tags": [{"key": key, "value": value} for key, value in pairs]}


def dataset(name: DatasetName, *, version: str | None = None, **facets: Json) -> dict[str, Json]:
    """A dataset object with its facets."""
    named = {"version": {"datasetVersion": version}} if version is not None else {}
    return {"namespace": name[0], "name": name[1], "facets": named | facets}


def column_lineage(fields: Mapping[str, Sequence[Json]], whole: Sequence[Json] = ()) -> Json:
    """A column-lineage facet from the input fields of each column."""
    told: dict[str, Json] = {
        "fields": {name: {"inputFields": list(inputs)} for name, inputs in fields.items()}
    }
    return told | ({"dataset": list(whole)} if whole else {})


def input_field(name: DatasetName, column: str, *steps: Json) -> Json:
    """One input field of a column, with its transformations."""
    return {"namespace": name[0], "name": name[1], "field": column, "transformations": list(steps)}


DIRECT = {"type": "DIRECT", "subtype": "IDENTITY"}
MASKING = {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}
INDIRECT = {"type": "INDIRECT", "subtype": "FILTER"}
