"""What is in force at an instant: contracts, purposes of the register, consents.

Pure. The rules are those of the contract for record usage: of several declarations the latest
``valid_from`` at or before the instant stands, all of them at a tie; of two register entries at a
tie the one by consent counts; a withdrawal wins a tie against a grant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from compliance.canonical import Json, parse_time
from compliance.facts import FactBase, Received, ReceivedKind
from compliance.lineage.names import Names
from compliance.lineage.records import DatasetName
from compliance.lineage.remembered import Remembered, Very

K = TypeVar("K", bound=Hashable)
Same = Callable[[DatasetName], DatasetName]
"""Gives the one name of a dataset that has several."""
DATED: tuple[ReceivedKind, ...] = ("contract", "purpose")
NO_OTHER_NAMES = Names()
SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Timeline(Generic[K]):
    """Records by key, each with the instant from which it counts."""

    by_key: Mapping[K, tuple[tuple[datetime, Received], ...]]

    @classmethod
    def of(
        cls, records: Iterable[Received], key: Callable[[Received], K], since: Callable[[Received], datetime]
    ) -> Timeline[K]:
        """Arrange the records."""
        found: dict[K, list[tuple[datetime, Received]]] = defaultdict(list)
        for record in records:
            found[key(record)].append((since(record), record))
        return cls({k: tuple(sorted(v, key=lambda pair: pair[0])) for k, v in found.items()})

    def in_force(self, key: K, at: datetime) -> tuple[Received, ...]:
        """The latest records at or before the instant; several at a tie, none if none counts yet."""
        held = self.by_key.get(key, ())
        stop = bisect_right(held, at, key=lambda pair: pair[0])
        return tuple(record for since, record in held[:stop] if since == held[stop - 1][0])


@dataclass(frozen=True)
class Purpose:
    """A purpose as the register has it at an instant."""

    id: str
    lawful_basis: str | None
    controller: str | None
    retention_days: int | None
    evidence: tuple[str, ...]


Record = tuple[str, str]
"""Key space and pseudonym of a record. Never leaves this package."""
Subject = tuple[str, str, str]
"""Key space, pseudonym and purpose of a consent. Never leaves this package."""


@dataclass(frozen=True, eq=False)
class Declared:
    """All declarations of a fact base."""

    contracts: Timeline[DatasetName]
    purposes: Timeline[str]
    consents: Timeline[Subject]

    @classmethod
    def of(cls, base: FactBase, same: Names = NO_OTHER_NAMES) -> Declared:
        """Read them; ``same`` gives the one name of a dataset that has several.

        Bases that know the same declarations share one.
        """
        contracts, purposes, consents = (
            base.received("contract"),
            base.received("purpose"),
            base.received("consent"),
        )
        given = Very(purposes, consents), same.renamed
        return _DECLARED.of(contracts, given, lambda: cls(
            Timeline.of(contracts, lambda r: same(dataset_of(r.value)), _valid_from),
            Timeline.of(purposes, lambda r: str(r.value["id"]), _valid_from),
            Timeline.of(consents, _subject, lambda r: parse_time(r.value["at"])),
        ))  # fmt: skip

    def purpose(self, name: str, at: datetime) -> Purpose | None:
        """The purpose in the register, or None where it is not registered at that instant."""
        held = self.purposes.in_force(name, at)
        if not held:
            return None
        chosen = min(held, key=lambda r: (r.value.get("lawful_basis") != "consent", r.evidence))
        value = chosen.value
        return Purpose(
            name, value.get("lawful_basis"), value.get("controller"), value.get("retention_days"),
            tuple(record.evidence for record in held),
        )  # fmt: skip

    def consent(self, subject: Subject, at: datetime) -> str | None:
        """``granted`` or ``withdrawn``, whichever came last; None where nothing was ever said."""
        held = {record.value["action"] for record in self.consents.in_force(subject, at)}
        if not held:
            return None
        return "withdrawn" if "withdrawn" in held else "granted"

    def withdrawals(self, purpose: str) -> Iterator[tuple[Record, Received]]:
        """The first withdrawal of each record that was ever withdrawn for a purpose."""
        for (key_space, pseudonym, named), events in self.consents.by_key.items():
            told = next((r for _, r in events if named == purpose and r.value["action"] == "withdrawn"), None)
            if told is not None:
                yield (key_space, pseudonym), told

    def refused(self, dataset: DatasetName, purposes: Iterable[str], at: datetime) -> tuple[str, ...]:
        """The purposes that the dataset's contract in force does not permit; none where it has no contract."""
        permitted = [
            set(r.value.get("permitted_purposes") or ()) for r in self.contracts.in_force(dataset, at)
        ]
        return tuple(sorted({p for p in purposes if any(p not in allowed for allowed in permitted)}))


_DECLARED: Remembered[Declared] = Remembered(at_most=8)


def comings(base: FactBase) -> Iterator[datetime]:
    """When the contracts and purposes that are known and not yet in force come into force."""
    for kind in DATED:
        for record in base.received(kind):
            since = _valid_from(record)
            if since > base.at:
                yield since


def no_turns(base: FactBase) -> Iterable[datetime]:
    """Of what changes with what is known alone."""
    del base
    return ()


def dataset_of(value: Mapping[str, Json]) -> DatasetName:
    """The dataset that a document names."""
    return str(value["namespace"]), str(value["name"])


def dataset_id(dataset: DatasetName) -> str:
    """The resource id of a dataset in findings (CONTRACT section 6)."""
    return f"{dataset[0]}/{dataset[1]}"


def key_id_of(value: Mapping[str, Json], key_space: str, base: FactBase) -> str | None:
    """The secret that a document's pseudonyms were made under: as stated, else the current one's id."""
    current = base.config().get("key_spaces", {}).get(key_space) or [None]
    stated: str | None = value.get("key_id") or current[0]
    return stated


def _valid_from(record: Received) -> datetime:
    text = record.value.get("valid_from")
    return SINCE_EVER if text is None else parse_time(text)


def _subject(record: Received) -> Subject:
    value = record.value
    return str(value["key_space"]), str(value["pseudonym"]), str(value["purpose"])
