"""Received OpenLineage documents as typed events: run, job and dataset events.

Pure. Times are microseconds since 1970 in UTC. An event time without a zone is read as UTC
(CONTRACT section 3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from compliance.canonical import Json, micros, parse_time
from compliance.errors import InputRefused
from compliance.facts import Received
from compliance.lineage.facets import (
    Mention,
    Tag,
    dataset_name,
    is_dataset,
    listed,
    mapping,
    mention,
    mentions,
    tags,
)

JobName = tuple[str, str]
"""``(namespace, name)`` of a job."""
FOREVER = 1 << 62
"""Later than every time: the end of a run that is still running."""
DIGITS = 19
"""At most so many digits are read as a log index or item; more are no evidence id of ours."""
REMEMBERED = 1 << 14
"""Records whose reading is remembered: as of many instants the same ones are read over and over."""
NEVER = -FOREVER
"""Before every time: when a version that no known run wrote was written."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event of one run."""

    time: int
    source: str
    evidence: str
    run_id: str
    state: str
    job: JobName | None
    run_tags: tuple[Tag, ...]
    job_tags: tuple[Tag, ...]
    inputs: tuple[Mention, ...]
    outputs: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What was declared of a job outside any run."""

    time: int
    source: str
    evidence: str
    job: JobName
    job_tags: tuple[Tag, ...]
    inputs: tuple[Mention, ...]
    outputs: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class DatasetEvent:
    """What was declared of a dataset outside any run."""

    time: int
    source: str
    evidence: str
    dataset: Mention


Event: TypeAlias = RunEvent | JobEvent | DatasetEvent


def without_duplicates(received: Iterable[Received]) -> list[Received]:
    """Each record once: the same content from the same source, under its smallest evidence id.

    The order is by evidence id, so that nothing depends on the order of arrival in the input.
    """
    ordered = sorted(received, key=lambda record: evidence_key(record.evidence))
    kept: dict[tuple[str, str, str], Received] = {}
    for record in ordered:
        kept.setdefault((record.kind, record.source, _content_of(_Same(record))), record)
    return list(kept.values())


@lru_cache(maxsize=REMEMBERED)
def _content_of(same: _Same) -> str:
    return content_key(same.record.value, same.record.evidence)


def content_key(value: Json, otherwise: str) -> str:
    """A text that is equal for equal JSON; ``otherwise`` where the value has no such text."""
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, TypeError, ValueError):
        return f"\0{otherwise}"


@lru_cache(maxsize=1 << 16)
def evidence_key(evidence: str) -> tuple[int, int, int, str]:
    """Orders evidence ids by log index and item; what is no such id comes last, by its text."""
    index, _, item = evidence.partition("/")
    if not _is_index(index):
        return (1, 0, 0, evidence)
    return (0, int(index), int(item) if _is_index(item) else -1, evidence)


def _is_index(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= DIGITS


def time_of(value: Json, *, assume_utc: bool = False) -> int | None:
    """Microseconds since 1970 of an RFC 3339 text; None where it is none."""
    try:
        return micros(parse_time(value, assume_utc=assume_utc))
    except InputRefused:
        return None


def events(received: Iterable[Received]) -> Iterator[Event]:
    """The events of all records of kind ``lineage``; what is no event is passed over."""
    for record in received:
        if record.kind == "lineage":
            found = _parsed(_Same(record))
            if found is not None:
                yield found


class _Same:
    """A record, equal to itself only: a world of another instant is mostly built from the very same records."""

    def __init__(self, record: Received) -> None:
        self.record = record

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.record is other.record

    def __hash__(self) -> int:
        return id(self.record)


@lru_cache(maxsize=REMEMBERED)
def _parsed(same: _Same) -> Event | None:
    return _event(same.record, mapping(same.record.value))


def mentions_of(event: Event) -> tuple[Mention, ...]:
    """Every dataset that an event mentions, with what it says of it."""
    return (event.dataset,) if isinstance(event, DatasetEvent) else event.inputs + event.outputs


def _event(record: Received, value: Mapping[str, Json]) -> Event | None:
    time = time_of(value.get("eventTime"), assume_utc=True)
    stamp = (micros(record.instant) if time is None else time, record.source, record.evidence)
    run_id = mapping(value.get("run")).get("runId")
    job = dataset_name(value.get("job"))
    if isinstance(run_id, str):
        return _run_event(stamp, run_id, job, value)
    if job is not None:
        declared = tags(mapping(value["job"]).get("facets"))
        return JobEvent(*stamp, job, declared, mentions(value.get("inputs")), mentions(value.get("outputs")))
    dataset = mention(value.get("dataset"))
    return None if dataset is None else DatasetEvent(*stamp, dataset)


def _run_event(
    stamp: tuple[int, str, str], run_id: str, job: JobName | None, value: Mapping[str, Json]
) -> RunEvent:
    state = value.get("eventType")
    job_facets = mapping(mapping(value.get("job")).get("facets"))
    inputs, outputs = _job_lineage(mapping(job_facets.get("lineage")), run_id, job)
    return RunEvent(
        *stamp, run_id, state.upper() if isinstance(state, str) else "", job,
        tags(mapping(value["run"]).get("facets")), tags(job_facets),
        mentions(value.get("inputs")) + inputs, mentions(value.get("outputs")) + outputs,
    )  # fmt: skip


def _job_lineage(
    facet: Mapping[str, Json], run_id: str, job: JobName | None
) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """What a ``lineage`` facet of the job adds: "on a RunEvent it is lineage observed during that run".

    An entry for a dataset says what flowed into that output, one for this job what the run read.
    The contract names the facet on outputs alone; leaving out the job's form would lose reads.
    """
    inputs: list[Json] = []
    outputs: list[Json] = []
    for entry in map(mapping, listed(facet.get("entries"))):
        if entry.get("type") == "JOB":
            own = dataset_name(entry) in (None, job) and entry.get("runId") in (None, run_id)
            inputs += [item for item in listed(entry.get("inputs")) if own and is_dataset(item)]
        else:
            said = {"inputs": entry.get("inputs"), "fields": entry.get("fields")}
            outputs.append(
                {"namespace": entry.get("namespace"), "name": entry.get("name"), "facets": {"lineage": said}}
            )
    return mentions(inputs), mentions(outputs)
