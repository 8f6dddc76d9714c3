"""Facts: what entries say about resources, with every field either seen or unseen.

Pure. Readers turn entries into fragments, listings and received records; this module says what
those are, and joins fragments into facts as of an instant and a log size. A field is *seen* (it
has a value, or is known to be absent: None) or *unseen*, with the cause; hiding a field never
makes a check pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from compliance.canonical import Json
from compliance.evidence import Cause, Entry

FieldType = Literal["string", "int", "double", "bool", "time", "strings", "record", "records"]
"""``strings`` and ``records`` are lists; ``time`` is an instant in UTC; ``int`` is 64 bits."""


@dataclass(frozen=True)
class Field:
    """One field of a fact. ``optional`` ones may be known to be absent (None)."""

    name: str
    type: FieldType
    doc: str
    optional: bool = False
    fields: tuple[Field, ...] = ()
    """The members, where the type is ``record`` or ``records``."""


@dataclass(frozen=True)
class FactSchema:
    """The typed form of one kind of fact, from which predicates are compiled."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    inputs: tuple[str, ...] = ()
    """For a derived fact, the fact types and kinds of received record that it is computed from."""
    adds: tuple[str, ...] = ()
    """Further ones that it also reads, but whose absence hides single fields of it only, not the fact."""


@dataclass(frozen=True)
class Unseen:
    """Why a field could not be seen: the cause, and a phrase such as ``kms:GetKeyRotationStatus denied``."""

    cause: Cause
    why: str


@dataclass(frozen=True)
class Fragment:
    """What one item of evidence says about one resource.

    A resource's fact is the union of its live fragments, one per ``part`` (the request that
    brought it). ``unseen`` names fields (dotted paths) that the item should have shown but could not.
    """

    fact: str
    resource: str
    scope: str
    part: str
    value: Mapping[str, Json]
    instant: datetime
    evidence: str
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    dated: bool = False
    """Whether the source itself states the time of the content (a report's generation time): then
    being listed again unchanged does not make it fresher."""


@dataclass(frozen=True)
class Listing:
    """One run's account of one scope: what it saw whole, or why it did not.

    ``items`` are the evidence ids of every response of the run in this scope, those that came back
    unchanged named by their former id. A fragment older than the last complete listing and not in
    its items is no longer live.
    """

    facts: tuple[str, ...]
    source: str
    scope: str
    instant: datetime
    complete: bool
    items: frozenset[str]
    detail: str
    evidence: str
    expected: int | None = None
    got: int | None = None


SOURCES = "source"
"""What ``change_points`` calls the states of sources: who fails, falls silent or reports again."""
REPORTS = "report"
"""What it calls every single report of any source."""

ReceivedKind = Literal[
    "lineage", "consent", "erasure", "contract", "purpose", "decision", "manifest",
    "model_version", "feature_view", "table_versions", "model_decision", "attestation", "exception",
]  # fmt: skip


@dataclass(frozen=True)
class Received:
    """One thing that happened or was declared, as received: an event, a consent, a contract.

    ``value`` is the document of CONTRACT section 3 with raw keys already replaced by pseudonyms.
    """

    kind: ReceivedKind
    source: str
    value: Mapping[str, Json]
    instant: datetime
    evidence: str


@dataclass(frozen=True)
class Members:
    """The pseudonyms of one membership manifest, beside its ``Received`` header of kind ``manifest``.

    Kept as a difference, it holds the members of the manifest ``base`` (an evidence id) less
    ``removed``, and ``pseudonyms`` besides.
    """

    evidence: str
    pseudonyms: tuple[str, ...]
    base: str | None = None
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Defect:
    """Something wrong with what was received that did not keep it from being taken."""

    evidence: str
    what: str


Reading: TypeAlias = Fragment | Listing | Received | Members | Defect


@dataclass(frozen=True)
class Opened:
    """An entry with its bytes, unsealed: what a reader reads."""

    index: int
    entry: Entry
    body: bytes | None

    def item_body(self, number: int) -> bytes:
        """The raw bytes of one collected response."""
        item = self.entry.items[number]
        return (self.body or b"")[item.offset : item.offset + item.size]


class Reader(Protocol):
    """Turns entries of every version ever written into readings. Pure; it never judges."""

    kinds: tuple[str, ...]
    """The entry kinds it reads, with versions: ``("aws-kms/1",)``."""
    schemas: tuple[FactSchema, ...]

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        ...


@dataclass(frozen=True)
class Fact:
    """A resource as it was seen, joined from its live fragments or derived from other facts.

    ``observed_at`` is when it was last seen (freshness counts from it); ``evidence`` is sorted.
    """

    type: str
    resource: str
    source: str
    scope: str
    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    observed_at: datetime
    evidence: tuple[str, ...]
    seen_at: Mapping[str, datetime] = field(default_factory=dict)
    """For each field, when the part that shows or hides it was last seen, where the fact has several parts."""

    def as_read(self, fields: Iterable[str]) -> Fact:
        """The same fact, as old as the oldest of the fields (dotted paths) that are read of it.

        A report of yesterday does not make stale what a listing of today shows beside it.
        """
        if not self.seen_at:
            return self
        ages = [self.seen_at.get(path.partition(".")[0], self.observed_at) for path in fields]
        return replace(self, observed_at=min(ages, default=self.observed_at))


@dataclass(frozen=True)
class ScopeState:
    """How well one scope of one source is known for one fact type at an instant.

    ``cause`` is None if the last run saw it whole; ``missing`` if no run ever did anything there.
    """

    fact: str
    source: str
    scope: str
    seen_whole_at: datetime | None
    cause: Cause | None
    detail: str
    evidence: tuple[str, ...]
    observed_at: datetime | None = None
    """The instant of the last run, whole or not."""


@dataclass(frozen=True)
class SourceState:
    """A configured source at an instant: when it last reported, and whether that is too long ago."""

    name: str
    kind: str
    last_seen: datetime | None
    cause: Cause | None
    detail: str
    accepts: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class FactBase(Protocol):
    """Everything known as of one instant and log size; every order is stated and stable."""

    at: datetime
    log_size: int

    def facts(self, type_: str) -> Iterator[Fact]:
        """The live facts of one base type, ordered by source, scope and resource."""
        ...

    def scopes(self, type_: str) -> tuple[ScopeState, ...]:
        """How well each scope is known for a base type, ordered by source and scope."""
        ...

    def received(self, kind: ReceivedKind) -> tuple[Received, ...]:
        """Received records of a kind, without duplicates, ordered by instant, source and content."""
        ...

    def sources(self) -> tuple[SourceState, ...]:
        """The configured sources, ordered by name."""
        ...

    def config(self) -> Mapping[str, Json]:
        """The judgement-relevant configuration in force (the last ``config`` entry)."""
        ...

    def change_points(self, types: Iterable[str]) -> tuple[datetime, ...]:
        """Every instant at or before ``at`` at which something of these types changed, ascending.

        Types are fact types, kinds of received record, ``SOURCES`` and ``REPORTS``.
        """
        ...

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of all manifests of the key space that contain the pseudonym."""
        ...
