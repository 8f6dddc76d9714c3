"""Erasures as the deletion log has them, brought together from its entries.

Pure. A deletion log holds what was erased, not what was asked for and is still open. Entries of one
request about the same record and datasets are one erasure: two sources may report it, and a log may
be sent twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.derived.declared import Record, Same, dataset_of
from compliance.facts import FactBase, Received
from compliance.lineage.records import DatasetName


@dataclass(frozen=True)
class Erasure:
    """One erasure of one record from the datasets that it covers."""

    request_id: str
    record: Record
    datasets: frozenset[DatasetName] | None
    """None covers every dataset."""
    requested_at: datetime
    """The earliest that any of its entries says."""
    completed_at: datetime
    """The earliest that any of its entries says: from then on the record was said to be gone."""
    method: str
    entries: tuple[Received, ...]

    def covers(self, dataset: DatasetName) -> bool:
        """Whether it speaks of the dataset."""
        return self.datasets is None or dataset in self.datasets


@dataclass(frozen=True)
class Erased:
    """All erasures of a fact base, by record."""

    by_record: Mapping[Record, tuple[Erasure, ...]]

    @classmethod
    def of(cls, base: FactBase, same: Same) -> Erased:
        """Bring the entries together."""
        groups: dict[tuple[object, ...], list[Received]] = defaultdict(list)
        for entry in base.received("erasure"):
            groups[entry.value["request_id"], _record(entry), _datasets(entry, same)].append(entry)
        found: dict[Record, list[Erasure]] = defaultdict(list)
        for entries in groups.values():
            found[_record(entries[0])].append(_erasure(entries, same))
        return cls({record: tuple(erasures) for record, erasures in found.items()})

    def of_record(self, record: Record) -> tuple[Erasure, ...]:
        """The erasures of one record."""
        return self.by_record.get(record, ())

    def all(self) -> tuple[Erasure, ...]:
        """Every erasure, by request, datasets and record."""
        every = [one for erasures in self.by_record.values() for one in erasures]
        return tuple(sorted(every, key=lambda one: (one.request_id, sorted(one.datasets or ()), one.record)))


def _erasure(entries: list[Received], same: Same) -> Erasure:
    first = entries[0]
    return Erasure(
        request_id=str(first.value["request_id"]),
        record=_record(first),
        datasets=_datasets(first, same),
        requested_at=min(parse_time(entry.value["requested_at"]) for entry in entries),
        completed_at=min(parse_time(entry.value["completed_at"]) for entry in entries),
        method=str(first.value["method"]),
        entries=tuple(entries),
    )


def _record(entry: Received) -> Record:
    value: Mapping[str, Json] = entry.value
    return str(value["key_space"]), str(value["pseudonym"])


def _datasets(entry: Received, same: Same) -> frozenset[DatasetName] | None:
    datasets = entry.value["datasets"]
    return None if datasets == "*" else frozenset(same(dataset_of(one)) for one in datasets)
