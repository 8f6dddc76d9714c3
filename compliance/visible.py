"""What all instants of one log size share: the rows below it in order of time, arranged once.

What is known at an instant is how far one has read in these orders, so the fact bases of neighbouring
instants share what lies before both. Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

from compliance.facts import Fact, Received
from compliance.history import History, SeenEntry, SeenFragment, SeenListing, SeenRecord, SeenUnreadable
from compliance.lineage.remembered import Remembered, Very
from compliance.listings import ScopeListings, by_time
from compliance.projections import ANY_FACT

T = TypeVar("T")
LOOKED_UP = 20_000
"""Pseudonyms whose manifests are kept."""


class _Row(Protocol):
    @property
    def instant(self) -> int: ...

    @property
    def index(self) -> int: ...


RowT = TypeVar("RowT", bound=_Row)


class _Ordered(Generic[T]):
    """Things by the time from which on each counts."""

    def __init__(self, things: Iterable[tuple[int, T]]) -> None:
        pairs = sorted(things, key=lambda pair: pair[0])
        self.times = [time for time, _ in pairs]
        self._things = [thing for _, thing in pairs]
        self._read: tuple[T, ...] = ()

    def read(self, until: int) -> tuple[T, ...]:
        """Those that count at an instant: the very same tuple for as long as they are the same."""
        held, count = self._read, bisect_right(self.times, until)
        if len(held) != count:
            self._read = held = tuple(self._things[:count])
        return held

    def last(self, until: int) -> T | None:
        """The last that counts at an instant."""
        count = bisect_right(self.times, until)
        return self._things[count - 1] if count else None


class Visible:
    """The rows of a history below a log size. Safe to share between threads: what is arranged never changes."""

    def __init__(self, history: History, log_size: int) -> None:
        self._history = history
        self._size = log_size
        self._kept: dict[tuple[str, str], Any] = {}
        self._facts: Remembered[tuple[Fact, ...]] = Remembered(at_most=64)
        self._holding: dict[str, Sequence[str]] = {}

    def fragments(self, type_: str, until: int) -> Sequence[SeenFragment]:
        """The fragments of a fact type in view."""
        return self._rows("fragment", type_, self._history.fragments.get(type_, ())).read(until)

    def facts(
        self, rows: Sequence[SeenFragment], listings: ScopeListings, draw: Callable[[], Iterable[Fact]]
    ) -> tuple[Fact, ...]:
        """The facts of these fragments under these listings: the same for as long as both are the very same."""
        return self._facts.of(listings, Very(rows), lambda: tuple(draw()))

    def listings(self, type_: str, until: int) -> ScopeListings:
        """The listings of a fact type in view, and those that speak of their whole source."""
        rows = self._listed(type_).read(until), self._listed(ANY_FACT).read(until)
        return self._arranged(type_, rows, self.unreadable(until))

    def listed(self, source: str, until: int) -> Sequence[SeenListing]:
        """The listings of a source in view, oldest first, each once whatever the types that it speaks of."""
        ordered = self._once("listed", source, lambda: _Ordered(
            (row.instant, row) for row in sorted(self._of_source(source), key=by_time)
        ))  # fmt: skip
        return ordered.read(until)

    def listings_of_source(self, source: str, until: int) -> ScopeListings:
        """The same, by scope."""
        return self._arranged(f"of {source}", (self.listed(source, until),), self.unreadable(until))

    def unreadable(self, until: int) -> Sequence[SeenUnreadable]:
        """The entries in view that could not be read, by source."""
        rows = [row for rows in self._history.unreadable.values() for row in rows]
        return self._rows("unreadable", "", rows).read(until)

    def received(self, kind: str, until: int) -> tuple[Received, ...]:
        """The records of a kind in view, without duplicates, by instant, source and content.

        Sent again, the same content counts once, from its earliest instant.
        """
        ordered = self._once("received", kind, lambda: _Ordered(
            (row.instant, row.record) for row in self._firsts(kind)
        ))  # fmt: skip
        return ordered.read(until)

    def last_entry(self, source: str, until: int) -> SeenEntry | None:
        """The entry of a source that was received last, of those that count at an instant."""
        return self._once("last", source, lambda: self._latest(source)).last(until)

    def entries(self, source: str) -> Sequence[SeenEntry]:
        """The entries of a source, by the instant from which on they count."""
        rows = (row for row in self._history.entries.get(source, ()) if row.index < self._size)
        return sorted(rows, key=lambda row: row.counts_from)

    def holding(self, pseudonym: str, look_up: Callable[[str], Sequence[str]]) -> Sequence[str]:
        """The manifests that contain a pseudonym, looked up once."""
        held = self._holding.get(pseudonym)
        if held is None:
            held = look_up(pseudonym)
            if len(self._holding) >= LOOKED_UP:
                self._holding = {}
            self._holding[pseudonym] = held
        return held

    def instants(self, type_: str, until: int) -> Iterator[int]:
        """When something of a fact type or kind of record that is in view was seen, listed or received."""
        of = self._history
        for rows in (of.fragments.get(type_, ()), of.listings.get(type_, ()), of.received.get(type_, ())):
            yield from (row.instant for row in rows if row.index < self._size and row.instant <= until)

    # --- arranging -----------------------------------------------------------------------------

    def _once(self, what: str, name: str, make: Callable[[], T]) -> T:
        key = what, name
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def _rows(self, what: str, name: str, rows: Iterable[RowT]) -> _Ordered[RowT]:
        return self._once(what, name, lambda: _Ordered((row.instant, row) for row in self._below(rows)))

    def _below(self, rows: Iterable[RowT]) -> Iterator[RowT]:
        return (row for row in rows if row.index < self._size)

    def _listed(self, type_: str) -> _Ordered[SeenListing]:
        return self._rows("listing", type_, self._history.listings.get(type_, ()))

    def _arranged(
        self, name: str, rows: tuple[Sequence[SeenListing], ...], unreadable: Sequence[SeenUnreadable]
    ) -> ScopeListings:
        """Listings by scope: the same for as long as these are the very same tuples of rows."""
        held: tuple[tuple[object, ...], ScopeListings] | None = self._kept.get(("arranged", name))
        given = (*rows, unreadable)
        if held is None or any(one is not other for one, other in zip(held[0], given, strict=True)):
            made = ScopeListings([row for some in rows for row in some], unreadable)
            self._kept["arranged", name] = held = given, made
        return held[1]

    def _of_source(self, source: str) -> Iterable[SeenListing]:
        found: dict[tuple[int, str], SeenListing] = {}
        for rows in self._history.listings.values():
            for row in self._below(rows):
                if row.source == source:
                    found[row.index, row.scope] = row
        return found.values()

    def _firsts(self, kind: str) -> Iterable[SeenRecord]:
        first: dict[tuple[str, str], SeenRecord] = {}
        for row in self._below(self._history.received.get(kind, ())):
            first.setdefault((row.source, row.digest), row)
        return first.values()

    def _latest(self, source: str) -> _Ordered[SeenEntry]:
        def later(one: SeenEntry, other: SeenEntry) -> SeenEntry:
            return max(one, other, key=lambda row: (row.received_at, row.index))

        entries = self.entries(source)
        return _Ordered(zip((row.counts_from for row in entries), accumulate(entries, later), strict=True))
