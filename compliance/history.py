"""Rows of the projections in memory, kept by type; a later history shares what did not change.

A history is never changed once it is made, so that any number of threads read it while the log grows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import TypeVar, cast

from sqlalchemy import Row, text
from sqlalchemy.engine import Connection

from compliance.canonical import Json, content_bytes, expand_ranges, from_micros
from compliance.facts import Received, ReceivedKind, Unseen

T = TypeVar("T")
ITSELF = "muniment"
"""The source of the store's own entries."""


@dataclass(frozen=True)
class SeenFragment:
    """A row of ``fragment``."""

    source: str
    scope: str
    resource: str
    part: str
    instant: int
    index: int
    evidence: str
    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    dated: bool

    @cached_property
    def content(self) -> tuple[bytes, bytes, bool]:
        """What decides between two of one instant, so that their arrival does not."""
        unseen = {path: [hidden.cause, hidden.why] for path, hidden in self.unseen.items()}
        return content_bytes(dict(self.value)), content_bytes(unseen), self.dated


@dataclass(frozen=True)
class SeenListing:
    """A row of ``listing``."""

    source: str
    scope: str
    instant: int
    index: int
    complete: bool
    ranges: str
    """The items as the row has them: a JSON list of ranges of evidence ids."""
    detail: str

    @property
    def items(self) -> frozenset[str]:
        """The evidence ids of every item that the run saw in the scope."""
        return _items(self.ranges)


@lru_cache(maxsize=512)
def _items(ranges: str) -> frozenset[str]:
    """Most runs of a source see the same items, so the same text is expanded once."""
    return frozenset(expand_ranges(json.loads(ranges)))


@dataclass(frozen=True)
class SeenRecord:
    """A row of ``received``."""

    kind: ReceivedKind
    source: str
    digest: str
    instant: int
    index: int
    evidence: str
    value: Mapping[str, Json]

    @cached_property
    def record(self) -> Received:
        """What it says."""
        return Received(self.kind, self.source, self.value, from_micros(self.instant), self.evidence)


@dataclass(frozen=True)
class SeenEntry:
    """A row of ``entry``, as far as sources need it."""

    source: str
    kind: str
    instant: int
    received_at: int
    index: int

    @property
    def counts_from(self) -> int:
        """No answer at an earlier instant may know of it: neither its own instant nor its receipt is after it."""
        return max(self.instant, self.received_at)


@dataclass(frozen=True)
class SeenUnreadable:
    """A row of ``unreadable``."""

    source: str
    kind: str
    instant: int
    index: int
    why: str
    by: int | None = None
    """The entry by which its content was erased or has expired."""


@dataclass(frozen=True)
class History:
    """All projected rows of the first ``log_size`` entries, by fact type, kind or source."""

    log_size: int = 0
    fragments: Mapping[str, tuple[SeenFragment, ...]] = field(default_factory=dict)
    listings: Mapping[str, tuple[SeenListing, ...]] = field(default_factory=dict)
    received: Mapping[str, tuple[SeenRecord, ...]] = field(default_factory=dict)
    """By instant, source and content, so that a record that came again stands behind its first."""
    entries: Mapping[str, tuple[SeenEntry, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, tuple[SeenUnreadable, ...]] = field(default_factory=dict)

    def grown(self, connection: Connection, log_size: int) -> History:
        """This history with the rows of the entries up to ``log_size``."""
        span = {"start": self.log_size, "stop": log_size}

        def read(
            table: str, key: str, columns: str, make: Callable[[Row[tuple[Json, ...]]], T]
        ) -> dict[str, list[T]]:
            statement = (
                f"SELECT {key} AS filed_under, {columns} FROM {table}"  # noqa: S608 (names of our own tables)
                " WHERE log_index >= :start AND log_index < :stop ORDER BY log_index"
            )
            found: dict[str, list[T]] = defaultdict(list)
            for row in connection.execute(text(statement), span):
                found[row.filed_under].append(make(row))
            return found

        received = read("received", "kind", "source, digest, instant, log_index, evidence, value", _record)
        return replace(
            self,
            log_size=log_size,
            fragments=_with(self.fragments, read("fragment", "fact", _FRAGMENT, _fragment)),
            listings=_with(self.listings, read("listing", "fact", _LISTING, _listing)),
            received={**self.received, **{
                kind: tuple(sorted((*self.received.get(kind, ()), *rows), key=_by_content))
                for kind, rows in received.items()
            }},
            entries=_with(self.entries, read("entry", "source", "kind, instant, received_at, log_index", _entry)),
            unreadable=_with(self.unreadable, read("unreadable", "source", "kind, instant, log_index, why, by_index", _unreadable)),
        )  # fmt: skip

    def earliest_between(self, start: int, stop: int) -> int | None:
        """The earliest instant from which on the entries from ``start`` up to ``stop`` change what is known.

        None where they change nothing: the store's own entries (lookups, reports) say nothing of the world.
        """
        said: Iterable[tuple[SeenFragment | SeenListing | SeenRecord | SeenUnreadable, ...]] = chain(
            self.fragments.values(), self.listings.values(), self.received.values(), self.unreadable.values()
        )
        instants = (row.instant for rows in said for row in rows if start <= row.index < stop)
        receipts = (
            row.counts_from
            for source, entries in self.entries.items()
            for row in entries
            if source != ITSELF and start <= row.index < stop
        )
        return min(chain(instants, receipts), default=None)


def _with(held: Mapping[str, tuple[T, ...]], more: Mapping[str, Iterable[T]]) -> dict[str, tuple[T, ...]]:
    return {**held, **{key: (*held.get(key, ()), *rows) for key, rows in more.items()}}


def _by_content(row: SeenRecord) -> tuple[int, str, str, int]:
    return row.instant, row.source, row.digest, row.index


_FRAGMENT = "source, scope, resource, part, instant, log_index, evidence, value, unseen, dated"
_LISTING = "source, scope, instant, log_index, complete, items, detail"


def _fragment(row: Row[tuple[Json, ...]]) -> SeenFragment:
    unseen = {path: Unseen(cause, why) for path, (cause, why) in json.loads(row.unseen).items()}
    return SeenFragment(
        row.source, row.scope, row.resource, row.part, row.instant, row.log_index, row.evidence,
        json.loads(row.value), unseen, bool(row.dated),
    )  # fmt: skip


def _listing(row: Row[tuple[Json, ...]]) -> SeenListing:
    return SeenListing(
        row.source, row.scope, row.instant, row.log_index, bool(row.complete), row.items, row.detail
    )


def _record(row: Row[tuple[Json, ...]]) -> SeenRecord:
    kind = cast("ReceivedKind", row.filed_under)
    return SeenRecord(
        kind, row.source, row.digest, row.instant, row.log_index, row.evidence, json.loads(row.value)
    )


def _entry(row: Row[tuple[Json, ...]]) -> SeenEntry:
    return SeenEntry(row.filed_under, row.kind, row.instant, row.received_at, row.log_index)


def _unreadable(row: Row[tuple[Json, ...]]) -> SeenUnreadable:
    return SeenUnreadable(row.filed_under, row.kind, row.instant, row.log_index, row.why, row.by_index)
