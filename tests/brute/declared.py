"""What tags and contracts declare about datasets and jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json
from compliance.facts import Received
from compliance.lineage.records import DatasetName
from tests.brute.lineage_facets import sources
from tests.brute.merging import inside, is_deleted, objects, time_of
from tests.brute.naming import Names, mentioned
from tests.brute.runs import tags_of

Job = tuple[str, str]


@dataclass(frozen=True)
class Declared:
    """The lineage events, asked for what they declare."""

    events: Sequence[Mapping[str, Json]]
    contracts: Sequence[Mapping[str, Json]]
    manifests: Sequence[Mapping[str, Json]]
    names: Names

    def job_tags(self, job: Job, key: str, until: datetime, leave_out: Collection[Json] = ()) -> set[str]:
        """The values of a job's tag as last declared at or before an instant, by any event that bears the job.

        Events of one and the same last instant all count.
        """
        said = [
            (time_of(event), value)
            for event in self.events
            for one, value in _job_tags(event)
            if _job_of(event) == job and one == key and time_of(event) <= until and event not in leave_out
        ]
        last = max((at for at, _ in said), default=None)
        return {value for at, value in said if at == last}

    def own_job_tags(self, run_id: str, key: str) -> set[str]:
        """The values of the job's tag in a run's own events."""
        own = [event for event in self.events if inside(event, "run", "runId") == run_id]
        return {value for event in own for one, value in _job_tags(event) if one == key}

    def event_tags(self, dataset: DatasetName, key: str) -> set[str]:
        """The values of a dataset's tag in DatasetEvents."""
        alone = [event["dataset"] for event in self.events if isinstance(event.get("dataset"), dict)]
        return {value for one in alone if self.names(one) == dataset for k, value in _tags(one) if k == key}

    def is_feature_view(self, dataset: DatasetName) -> bool:
        """Whether the dataset bears the tag ``kind=feature-view`` in any event."""
        return ("kind", "feature-view") in self._tags_anywhere(dataset)

    def holds(self, dataset: DatasetName, key_space: str) -> bool:
        """Whether the dataset is said to hold a key space: a tag on it or a field, or a contract."""
        tagged = ("key_space", key_space) in self._tags_anywhere(dataset)
        return tagged or any(
            key_space in (one.get("key_spaces") or [])
            or key_space in [field.get("key_space") for field in one.get("fields") or []]
            for one in self.contracts
            if self.names(one) == dataset
        )

    def _tags_anywhere(self, dataset: DatasetName) -> set[tuple[str, str]]:
        bodies = [one for event in self.events for one in mentioned(event)]
        return {tag for one in bodies if self.names(one) == dataset for tag in _tags(one)}

    def undescribed(self) -> int:
        """Datasets named by events or lineage without manifest, key space tag and contract."""
        described = {self.names(one) for one in [*self.manifests, *self.contracts]}
        named = self.named()
        tagged = {one for one in named if any(key == "key_space" for key, _ in self._tags_anywhere(one))}
        return len(named - described - tagged)

    def named(self) -> set[DatasetName]:
        """Every dataset that an event names: as itself, as a source, as what it was called before."""
        found: set[DatasetName] = set()
        for event in self.events:
            for one in mentioned(event):
                found.add(self.names(one))
                found |= self._named_by_facets(one.get("facets") or {})
            for entry in objects(inside(event, "job", "facets", "lineage", "entries")):
                if entry.get("type") == "DATASET":
                    found.add(self.names(entry))
                found |= sources({"lineage": entry}, self.names)
        return found

    def _named_by_facets(self, facets: Mapping[str, Json]) -> set[DatasetName]:
        kept = {key: value for key, value in facets.items() if not is_deleted(value)}
        before = inside(kept.get("lifecycleStateChange"), "previousIdentifier")
        return sources(kept, self.names) | ({self.names(before)} if before else set())


def _job_of(event: Mapping[str, Json]) -> Job | None:
    job = event.get("job")
    return (job["namespace"], job["name"]) if isinstance(job, dict) else None


def _job_tags(event: Mapping[str, Json]) -> list[tuple[str, str]]:
    return tags_of(inside(event, "job", "facets", "tags"))


def _tags(dataset: Mapping[str, Json]) -> list[tuple[str, str]]:
    return tags_of(inside(dataset, "facets", "tags"))


def read_declared(received: Iterable[Received], names: Names) -> Declared:
    """The declarations among the received records."""
    records = list(received)

    def of(kind: str) -> list[Mapping[str, Json]]:
        return [one.value for one in records if one.kind == kind]

    return Declared(of("lineage"), of("contract"), of("manifest"), names)
