"""Runs: the events of each merged, and what each source reports that it read and wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from compliance.canonical import Json
from compliance.facts import Received
from compliance.lineage.records import DatasetName
from tests.brute.merging import Said, inside, is_deleted, merge, objects, time_of
from tests.brute.naming import Names

State = Literal["complete", "failed", "running"]
NEVER_ENDING = datetime.max.replace(tzinfo=UTC)
"""The end of a run without an end counts as later than every time."""
ENDS = ("COMPLETE", "FAIL", "ABORT")


@dataclass(frozen=True)
class Mention:
    """One event's word on one dataset as input or output of a run."""

    at: datetime
    dataset: DatasetName
    facets: Mapping[str, Json]


@dataclass(frozen=True)
class Report:
    """What one source says of a run."""

    source: str
    inputs: tuple[Mention, ...]
    outputs: tuple[Mention, ...]
    tags: tuple[tuple[str, str], ...]
    state: State
    start: datetime
    end: datetime
    """``NEVER_ENDING`` where the source tells of no end."""


@dataclass(frozen=True)
class Run:
    """A run as all its events together describe it."""

    run_id: str
    job: tuple[str, str]
    reports: tuple[Report, ...]

    @property
    def starts(self) -> set[datetime]:
        """When it started, by each source: by itself none of them is certain."""
        return {report.start for report in self.reports}

    @property
    def ends(self) -> set[datetime]:
        """When it ended, by each source that tells of an end; never, if none does."""
        return {report.end for report in self.reports if report.state != "running"} or {NEVER_ENDING}

    @property
    def start(self) -> datetime:
        """A run starts at its earliest event."""
        return min(self.starts)

    @property
    def end(self) -> datetime:
        """A run ends at its last end event."""
        return max(self.ends)

    @property
    def state(self) -> State:
        """A run that one source saw complete is complete, whatever another says."""
        states = {report.state for report in self.reports}
        return "complete" if "complete" in states else "failed" if "failed" in states else "running"

    @property
    def contradicted(self) -> bool:
        """Whether sources disagree how or when it ended."""
        return len({(report.state, report.end) for report in self.reports if report.state != "running"}) > 1

    @property
    def exists(self) -> bool:
        """Whether the outputs of the run exist: it completed, or is still running."""
        return self.state != "failed"

    @property
    def inputs(self) -> tuple[Mention, ...]:
        """Every source's word on what it read."""
        return tuple(mention for report in self.reports for mention in report.inputs)

    @property
    def outputs(self) -> tuple[Mention, ...]:
        """Every source's word on what it wrote."""
        return tuple(mention for report in self.reports for mention in report.outputs)

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """Every tag on the run."""
        return tuple(tag for report in self.reports for tag in report.tags)


def facets_of(mentions: Iterable[Mention], dataset: DatasetName) -> dict[str, Json]:
    """The facets of one dataset, merged over the events that mention it."""
    facets = merge((one.at, one.facets) for one in mentions if one.dataset == dataset)
    return facets if isinstance(facets, dict) else {}


def tags_of(facet: Json) -> list[tuple[str, str]]:
    """Key and value of each tag in a tags facet."""
    if is_deleted(facet):
        return []
    return [(tag["key"], tag["value"]) for tag in objects(inside(facet, "tags"))]


def read_runs(lineage: Sequence[Received], names: Names) -> dict[str, Run]:
    """All runs by their id."""
    events = [record for record in lineage if "run" in record.value]
    ids = sorted({record.value["run"]["runId"] for record in events})
    return {one: _run(one, [e for e in events if e.value["run"]["runId"] == one], names) for one in ids}


def _run(run_id: str, events: list[Received], names: Names) -> Run:
    job = merge((time_of(one.value), one.value["job"]) for one in events)
    by_source = [
        [one for one in events if one.source == source] for source in sorted({e.source for e in events})
    ]
    return Run(run_id, (job["namespace"], job["name"]), tuple(_report(some, names) for some in by_source))


def _state(events: Iterable[Received]) -> State:
    """The last end event decides; at equal times COMPLETE counts."""
    ends = [
        (time_of(e.value), e.value["eventType"] == "COMPLETE")
        for e in events
        if e.value.get("eventType") in ENDS
    ]
    return "running" if not ends else "complete" if max(ends)[1] else "failed"


def _end(events: Iterable[Received]) -> datetime:
    return max((time_of(e.value) for e in events if e.value.get("eventType") in ENDS), default=NEVER_ENDING)


def _report(events: list[Received], names: Names) -> Report:
    inputs = [mention for one in events for mention in _mentions(one.value, "inputs", names)]
    outputs = [mention for one in events for mention in _mentions(one.value, "outputs", names)]
    for one in events:
        fed, made = _job_lineage(one.value, names)
        inputs += fed
        outputs += made
    sayings: list[Said] = [(time_of(one.value), inside(one.value, "run", "facets", "tags")) for one in events]
    return Report(
        source=events[0].source,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        tags=tuple(tags_of(merge(sayings))),
        state=_state(events),
        start=min(time_of(one.value) for one in events),
        end=_end(events),
    )


def _mentions(event: Mapping[str, Json], side: str, names: Names) -> list[Mention]:
    at = time_of(event)
    return [Mention(at, names(one), _facets(one)) for one in objects(event.get(side))]


def _facets(dataset: Mapping[str, Json]) -> dict[str, Json]:
    """Facets of a dataset object, those of input and output beside the common ones."""
    kept: dict[str, Json] = {}
    for part in ("inputFacets", "outputFacets", "facets"):
        kept |= {k: v for k, v in (dataset.get(part) or {}).items() if v is not None and not is_deleted(v)}
    return kept


def _job_lineage(event: Mapping[str, Json], names: Names) -> tuple[list[Mention], list[Mention]]:
    """A job's ``lineage`` facet in a run's event: entries for datasets describe outputs, its own are reads."""
    at, fed, made = time_of(event), list[Mention](), list[Mention]()
    facet = inside(event, "job", "facets", "lineage")
    for entry in [] if is_deleted(facet) else objects(inside(facet, "entries")):
        if entry.get("type") == "DATASET":
            told = {key: entry[key] for key in ("inputs", "fields") if key in entry}
            made.append(Mention(at, names(entry), {"lineage": told}))
        elif "name" not in entry or (entry["namespace"], entry["name"]) == _own_job(event):
            fed += [
                Mention(at, names(one), {})
                for one in objects(entry.get("inputs"))
                if one.get("type") != "JOB"
            ]
    return fed, made


def _own_job(event: Mapping[str, Json]) -> tuple[str, str]:
    return event["job"]["namespace"], event["job"]["name"]
