"""What events declare of jobs and datasets outside single runs: tags, schemas, key spaces.

Pure. Indexed once, looked up while reads, write modes and purposes are decided.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from compliance.lineage.events import DatasetEvent, Event, JobEvent, JobName, RunEvent, mentions_of
from compliance.lineage.facets import Mention, Tag
from compliance.lineage.names import Names
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Version
from compliance.lineage.runs import tag_values

JOB_TAGS = ("purpose", "write")
"""The tags of jobs that sway an answer."""


class Declaration(NamedTuple):
    """The values of one tag of a job in one event; ``run_id`` None in a JobEvent."""

    time: int
    source: str
    run_id: str | None
    values: frozenset[str]
    evidence: str


@dataclass
class Declared:
    """Declarations by what they are about; dataset names are those reported."""

    job_tags: dict[tuple[JobName, str], list[Declaration]] = field(default_factory=dict)
    """By job and key, in order of time. Run events that carry tags of their job declare it too."""
    dataset_tags: dict[DatasetName, set[Tag]] = field(default_factory=dict)
    """Of any event, tags of columns included."""
    write_tags: dict[DatasetName, frozenset[str]] = field(default_factory=dict)
    """The values of ``write`` in DatasetEvents."""
    schemas: dict[DatasetName, set[str]] = field(default_factory=dict)
    """Columns that DatasetEvents state without a version."""
    version_schemas: dict[Version, set[str]] = field(default_factory=dict)
    """Columns that DatasetEvents state of a version."""
    named: set[DatasetName] = field(default_factory=set)
    """Every dataset named by events or lineage."""

    @classmethod
    def of(cls, events: Iterable[Event], names: Names) -> Declared:
        """Index all events."""
        found = cls()
        for event in events:
            if isinstance(event, DatasetEvent):
                found._take_dataset(event.dataset, names)
            else:
                found._take_job(event)
            for mention in mentions_of(event):
                found._take_mention(mention, names)
        for declarations in found.job_tags.values():
            declarations.sort(key=lambda item: (item.time, item.evidence))
        return found

    def job_tag(
        self, job: JobName, key: str, limit: int, *, but: tuple[str, str] | None = None
    ) -> list[Declaration]:
        """A job's tag "as last declared at or before" ``limit``: several if they were declared at once.

        ``but`` is ``(run id, source)``: events of that run by other sources are left out.
        """
        declarations = self.job_tags.get((job, key), [])
        index = bisect_right(declarations, limit, key=lambda item: item.time) - 1
        found: list[Declaration] = []
        while index >= 0 and (not found or declarations[index].time == found[0].time):
            item = declarations[index]
            if but is None or item.run_id != but[0] or item.source == but[1]:
                found.append(item)
            index -= 1
        return found

    def _take_dataset(self, mention: Mention, names: Names) -> None:
        dataset = names(mention.dataset)
        values = tag_values(mention.tags).get("write")
        if values:
            self.write_tags[dataset] = self.write_tags.get(dataset, frozenset()) | values
        for version in mention.versions:
            self.version_schemas.setdefault(Version(dataset, version), set()).update(mention.schema)
        if not mention.versions:
            self.schemas.setdefault(dataset, set()).update(mention.schema)

    def _take_job(self, event: RunEvent | JobEvent) -> None:
        if event.job is None:
            return
        values, run_id = tag_values(event.job_tags), getattr(event, "run_id", None)
        for key in JOB_TAGS:
            if key in values:
                item = Declaration(event.time, event.source, run_id, values[key], event.evidence)
                self.job_tags.setdefault((event.job, key), []).append(item)

    def _take_mention(self, mention: Mention, names: Names) -> None:
        dataset = names(mention.dataset)
        self.named.add(dataset)
        self.named.update(names(source) for source, _ in mention.sources)
        if mention.previous is not None:
            self.named.add(names(mention.previous))
        if mention.tags:
            self.dataset_tags.setdefault(dataset, set()).update(mention.tags)
