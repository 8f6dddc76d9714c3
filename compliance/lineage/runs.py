"""Runs, merged from their events whatever the order (CONTRACT section 4, Runs).

Pure. Within one source the events of a run are merged as the contract says: by event time, objects
by key, lists united, of two scalars the later. Between sources nothing is overwritten: each source's
merged account is kept as a ``Report`` and the reports are united, because "none takes away a use or
a membership that another reports" (section 3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Literal, TypeVar

from compliance.canonical import Json, from_micros
from compliance.lineage.events import FOREVER, REMEMBERED, JobName, RunEvent, evidence_key
from compliance.lineage.facets import ColumnClaim, ColumnInput, Commit, Mention, Tag
from compliance.lineage.names import Names
from compliance.lineage.records import DatasetName

Outcome = Literal["COMPLETE", "FAIL", "ABORT"]
_ENDS = ("COMPLETE", "FAIL", "ABORT")
_Scalar = TypeVar("_Scalar", bound=Json)


@dataclass(frozen=True, slots=True)
class Input:
    """A dataset that a run read, by one source: the versions named, and the columns seen there."""

    versions: frozenset[str] = frozenset()
    schemas: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()
    """``(versions named beside it, columns)`` of each schema facet."""


@dataclass(frozen=True, slots=True)
class Output:
    """A dataset that a run wrote, by one source."""

    versions: frozenset[str]
    """Never empty: "an output without one gets the run's id"."""
    named: bool
    schema: frozenset[str]
    columns: Mapping[str, ColumnClaim] | None
    """Column lineage; None where no facet states any."""
    lifecycle: str | None
    previous: frozenset[DatasetName]
    """What RENAME says it was called before."""
    commit: Commit


@dataclass(frozen=True, slots=True)
class Report:
    """What one source says of one run."""

    source: str
    started: int
    ended: int | None
    outcome: Outcome | None
    job: JobName | None
    run_tags: Mapping[str, frozenset[str]]
    reads: Mapping[DatasetName, Input]
    source_columns: Mapping[DatasetName, frozenset[str]]
    """What its outputs' lineage facets name as sources, each with the columns named of it."""
    outputs: Mapping[DatasetName, Output]
    write_tags: Mapping[DatasetName, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Run:
    """A run: when it was, how it ended, what it read and wrote. Times are microseconds, UTC."""

    run_id: str
    job: JobName | None
    started: int
    ended: int
    """``FOREVER`` for a run that is still running."""
    outcome: Outcome | None
    tags: Mapping[str, frozenset[str]]
    job_tags: Mapping[str, frozenset[str]]
    """Tags of its job in the run's own events."""
    reports: tuple[Report, ...]
    evidence: tuple[str, ...]
    outputs: Mapping[DatasetName, frozenset[str]] = field(default_factory=dict)
    """The versions of each dataset that it wrote, by all sources."""

    @property
    def exists(self) -> bool:
        """Whether its outputs exist: "only a COMPLETE run's" do, and a running one's so far."""
        return self.outcome in {None, "COMPLETE"}

    @property
    def ends(self) -> tuple[int, ...]:
        """Every end that a source reports, in order: several where sources contradict each other."""
        told = {report.ended for report in self.reports if report.ended is not None}
        return tuple(sorted(told | {self.ended}))

    @property
    def reads(self) -> frozenset[DatasetName]:
        """The datasets that it names as read, by all sources."""
        return frozenset(chain.from_iterable(report.reads for report in self.reports))

    def surely_wrote(self, dataset: DatasetName, version: str) -> bool:
        """Whether it wrote a version by the account of every source that reports the output.

        A source that names no version of an output gives it the run's id; where another one names a
        version, that id may well be no version at all, and must not hide what a manifest says was there.
        """
        outputs = [report.outputs[dataset] for report in self.reports if dataset in report.outputs]
        named = [output for output in outputs if output.named]
        return any(version in output.versions for output in named or outputs)

    @property
    def started_at(self) -> datetime:
        """When it started, in UTC."""
        return from_micros(self.started)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, in UTC; None while it is running."""
        return None if self.ended == FOREVER else from_micros(self.ended)


def merge_runs(events: Iterable[RunEvent], names: Names) -> dict[str, Run]:
    """All runs by id, ids in order."""
    grouped: dict[str, list[RunEvent]] = {}
    for event in events:
        grouped.setdefault(event.run_id, []).append(event)
    return {run_id: _merged(_Told(run_id, grouped[run_id], names)) for run_id in sorted(grouped)}


class _Told:
    """The events of a run and the names in force, as a key: equal only for the same events under equal names."""

    __slots__ = ("_key", "events", "names", "run_id")

    def __init__(self, run_id: str, events: Sequence[RunEvent], names: Names) -> None:
        self.run_id, self.events, self.names = run_id, events, names
        # The events are kept by this object, so that their identity cannot be taken over by others.
        self._key = (run_id, tuple(map(id, events)), names.renamed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=REMEMBERED)
def _merged(told: _Told) -> Run:
    return _run(told.run_id, told.events, told.names)


def tag_values(tags: Iterable[Tag]) -> dict[str, frozenset[str]]:
    """The values of each key, tags of single columns left out."""
    values: dict[str, set[str]] = {}
    for tag in tags:
        if tag.field is None:
            values.setdefault(tag.key, set()).add(tag.value)
    return {key: frozenset(found) for key, found in values.items()}


def latest(claims: Iterable[tuple[int, _Scalar | None]]) -> _Scalar | None:
    """The later of scalars, at equal times "the greater one as canonical JSON"; null takes nothing away."""
    stated = [(time, value) for time, value in claims if value is not None]
    if not stated:
        return None
    return max(stated, key=lambda claim: (claim[0], json.dumps(claim[1], ensure_ascii=False)))[1]


def _run(run_id: str, events: Sequence[RunEvent], names: Names) -> Run:
    by_source: dict[str, list[RunEvent]] = {}
    for event in events:
        by_source.setdefault(event.source, []).append(event)
    reports = tuple(_report(run_id, source, by_source[source], names) for source in sorted(by_source))
    ended, outcome = _end(events)
    if any(report.outcome == "COMPLETE" for report in reports):
        # A FAIL that another source adds does not undo outputs that one reports as complete.
        outcome = "COMPLETE"
    return Run(
        run_id=run_id, job=_job(events), started=min(event.time for event in events),
        ended=FOREVER if ended is None else ended, outcome=outcome,
        tags=tag_values(chain.from_iterable(event.run_tags for event in events)),
        job_tags=tag_values(chain.from_iterable(event.job_tags for event in events)),
        reports=reports, evidence=tuple(sorted({event.evidence for event in events}, key=evidence_key)),
        outputs=_all_versions(reports),
    )  # fmt: skip


def _all_versions(reports: Iterable[Report]) -> dict[DatasetName, frozenset[str]]:
    versions: dict[DatasetName, frozenset[str]] = {}
    for report in reports:
        for dataset, output in report.outputs.items():
            versions[dataset] = versions.get(dataset, frozenset()) | output.versions
    return versions


def _end(events: Iterable[RunEvent]) -> tuple[int | None, Outcome | None]:
    """When and how a run ended: "its last COMPLETE, FAIL or ABORT event (at equal times COMPLETE counts)"."""
    ends = [(event.time, event.state == "COMPLETE", event.state) for event in events if event.state in _ENDS]
    if not ends:
        return None, None
    time, complete, state = max(ends)
    return time, "COMPLETE" if complete else "ABORT" if state == "ABORT" else "FAIL"


def _job(events: Iterable[RunEvent]) -> JobName | None:
    named = [(event.time, event.job) for event in events if event.job is not None]
    namespace = latest((time, job[0]) for time, job in named)
    name = latest((time, job[1]) for time, job in named)
    return None if namespace is None or name is None else (namespace, name)


def _report(run_id: str, source: str, events: Sequence[RunEvent], names: Names) -> Report:
    ended, outcome = _end(events)
    written = _by_dataset(((event.time, said) for event in events for said in event.outputs), names)
    read = _by_dataset(((event.time, said) for event in events for said in event.inputs), names)
    outputs = {dataset: _output(run_id, claims, names) for dataset, claims in written.items()}
    reads = {dataset: _input(claims) for dataset, claims in read.items()}
    sources = _sources(written, names)
    for dataset in sources:
        reads.setdefault(dataset, Input())
    return Report(
        source=source, started=min(event.time for event in events), ended=ended, outcome=outcome,
        job=_job(events), run_tags=tag_values(chain.from_iterable(event.run_tags for event in events)),
        reads=reads, source_columns=sources, outputs=outputs, write_tags=dict(_write_tags(written, read)),
    )  # fmt: skip


_Claims = Mapping[DatasetName, Sequence[tuple[int, Mention]]]


def _by_dataset(claims: Iterable[tuple[int, Mention]], names: Names) -> _Claims:
    grouped: dict[DatasetName, list[tuple[int, Mention]]] = {}
    for time, said in claims:
        grouped.setdefault(names(said.dataset), []).append((time, said))
    return grouped


def _sources(written: _Claims, names: Names) -> dict[DatasetName, frozenset[str]]:
    found: dict[DatasetName, frozenset[str]] = {}
    for said in (said for claims in written.values() for _, said in claims):
        for source, column in said.sources:
            columns = frozenset() if column is None else frozenset({column})
            found[names(source)] = found.get(names(source), frozenset()) | columns
    return found


def _write_tags(*sides: _Claims) -> Iterator[tuple[DatasetName, frozenset[str]]]:
    for dataset in dict.fromkeys(chain.from_iterable(sides)):
        claims = chain.from_iterable(side.get(dataset, ()) for side in sides)
        values = tag_values(chain.from_iterable(said.tags for _, said in claims)).get("write")
        if values:
            yield dataset, values


def _input(claims: Sequence[tuple[int, Mention]]) -> Input:
    schemas = {(said.versions, said.schema) for _, said in claims if said.schema}
    return Input(frozenset().union(*(said.versions for _, said in claims)), tuple(schemas))


def _output(run_id: str, claims: Sequence[tuple[int, Mention]], names: Names) -> Output:
    versions = frozenset[str]().union(*(said.versions for _, said in claims))
    return Output(
        versions=versions or frozenset({run_id}), named=bool(versions),
        schema=frozenset[str]().union(*(said.schema for _, said in claims)),
        columns=_columns(claims, names),
        lifecycle=latest((time, said.lifecycle) for time, said in claims),
        previous=frozenset(_previous(claims, names)),
        commit=_commit([(time, said.commit) for time, said in claims if said.commit is not None]),
    )  # fmt: skip


def _previous(claims: Sequence[tuple[int, Mention]], names: Names) -> Iterator[DatasetName]:
    """What a dataset that ended up renamed was called before, merged like every facet."""
    said = [(time, mention.previous) for time, mention in claims if mention.previous is not None]
    namespace = latest((time, previous[0]) for time, previous in said)
    name = latest((time, previous[1]) for time, previous in said)
    renamed = latest((time, mention.lifecycle) for time, mention in claims) == "RENAME"
    if renamed and namespace is not None and name is not None:
        yield names((namespace, name))


def _commit(claims: Sequence[tuple[int, Commit]]) -> Commit:
    return Commit(
        operation=latest((time, commit.operation) for time, commit in claims),
        total=latest((time, commit.total) for time, commit in claims),
        added=latest((time, commit.added) for time, commit in claims),
    )


def _columns(claims: Sequence[tuple[int, Mention]], names: Names) -> Mapping[str, ColumnClaim] | None:
    stated = [(time, said.columns) for time, said in claims if said.columns is not None]
    if not stated:
        return None
    columns: dict[str, list[tuple[int, ColumnClaim]]] = {}
    for time, found in stated:
        for column, claim in found.items():
            columns.setdefault(column, []).append((time, claim))
    return {column: _united(found, names) for column, found in columns.items()}


def _united(claims: Sequence[tuple[int, ColumnClaim]], names: Names) -> ColumnClaim:
    inputs = frozenset[ColumnInput]().union(*(claim.inputs for _, claim in claims))
    resolved = frozenset(ColumnInput(names(item.dataset), item.field, item.ways) for item in inputs)
    return ColumnClaim(resolved, latest((time, claim.transformation) for time, claim in claims))
