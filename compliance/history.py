"""Rows of the projections in memory, and the facts that they amount to at an instant and a log size.

``History`` holds the rows read so far and grows with the log. ``FactsAsOf`` is a view of it: a pure
function of the rows with an index below the log size and an instant not after ``at``, whatever
order they arrived in.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast

from sqlalchemy import text
from sqlalchemy.engine import Connection

from compliance.canonical import Json, content_bytes, evidence_id, expand_ranges, from_micros, micros, parse_evidence_id
from compliance.facts import Fact, Received, ReceivedKind, ScopeState, SourceState, Unseen
from compliance.projections import ANY_FACT, Projections
from compliance.settings import interval

LISTED_AT_MOST = 5
PULLED_LATE_AFTER = 2
"""A pulled source is stale after so many of its intervals without a run."""
PUSHED_AS = {
    "lineage": "lineage", "decisions": "decision", "consents": "consent", "erasures": "erasure",
    "members": "manifest", "contracts": "contract", "purposes": "purpose",
}  # fmt: skip
"""What a pushed source may send, and the kind of received record that comes of it."""


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


@dataclass(frozen=True)
class SeenListing:
    """A row of ``listing``."""

    source: str
    scope: str
    instant: int
    index: int
    complete: bool
    items: frozenset[str]
    detail: str


@dataclass(frozen=True)
class SeenRecord:
    """A row of ``received``."""

    source: str
    digest: str
    instant: int
    index: int
    evidence: str
    value: Mapping[str, Json]


@dataclass(frozen=True)
class SeenEntry:
    """A row of ``entry``, as far as sources need it."""

    source: str
    kind: str
    instant: int
    received_at: int
    index: int


class History:
    """All projected rows up to ``log_size``, kept by type."""

    def __init__(self) -> None:
        self.log_size = 0
        self.fragments: dict[str, list[SeenFragment]] = defaultdict(list)
        self.listings: dict[str, list[SeenListing]] = defaultdict(list)
        self.received: dict[str, list[SeenRecord]] = defaultdict(list)
        self.entries: dict[str, list[SeenEntry]] = defaultdict(list)

    def grow(self, connection: Connection, log_size: int) -> None:
        """Read the rows of the entries from ``self.log_size`` up to ``log_size``."""
        span = {"start": self.log_size, "stop": log_size}
        where = "WHERE log_index >= :start AND log_index < :stop ORDER BY log_index"
        self._fragments(connection, where, span)
        self._listings(connection, where, span)
        self._received(connection, where, span)
        for row in connection.execute(
            text(f"SELECT source, kind, instant, received_at, log_index FROM entry {where}"), span  # noqa: S608 (constant)
        ):
            self.entries[row.source].append(SeenEntry(*row))
        self.log_size = log_size

    def _fragments(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "fact, source, scope, resource, part, instant, log_index, evidence, value, unseen, dated"
        for row in connection.execute(text(f"SELECT {columns} FROM fragment {where}"), span):  # noqa: S608 (constant)
            unseen = {path: Unseen(cause, why) for path, (cause, why) in json.loads(row.unseen).items()}
            self.fragments[row.fact].append(
                SeenFragment(
                    row.source, row.scope, row.resource, row.part, row.instant, row.log_index,
                    row.evidence, json.loads(row.value), unseen, bool(row.dated),
                )  # fmt: skip
            )

    def _listings(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "fact, source, scope, instant, log_index, complete, items, detail"
        for row in connection.execute(text(f"SELECT {columns} FROM listing {where}"), span):  # noqa: S608 (constant)
            self.listings[row.fact].append(
                SeenListing(
                    row.source, row.scope, row.instant, row.log_index, bool(row.complete),
                    frozenset(expand_ranges(json.loads(row.items))), row.detail,
                )  # fmt: skip
            )

    def _received(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "kind, source, digest, instant, log_index, evidence, value"
        for row in connection.execute(text(f"SELECT {columns} FROM received {where}"), span):  # noqa: S608 (constant)
            self.received[row.kind].append(
                SeenRecord(row.source, row.digest, row.instant, row.log_index, row.evidence, json.loads(row.value))
            )


class FactsAsOf:
    """``facts.FactBase`` over a history: what is known by the first N entries and true at an instant."""

    def __init__(
        self,
        history: History,
        projections: Projections,
        *,
        at: datetime,
        log_size: int,
        config: Mapping[str, Json],
        kind_facts: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.at = at
        self.log_size = log_size
        self._until = micros(at)
        self._history = history
        self._projections = projections
        self._config = config
        self._kind_facts = kind_facts
        self._listings: dict[str, _ScopeListings] = {}

    def moved_to(self, at: datetime) -> FactsAsOf:
        """The same entries at another instant."""
        return FactsAsOf(
            self._history, self._projections, at=at, log_size=self.log_size, config=self._config,
            kind_facts=self._kind_facts,
        )  # fmt: skip

    def config(self) -> Mapping[str, Json]:
        """The judgement-relevant configuration in force (the last ``config`` entry)."""
        return self._config

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of all manifests of the key space that contain the pseudonym."""
        spaces = {row.evidence: row.value["key_space"] for row in self._rows("manifest")}
        with self._projections.connect() as connection:
            rows = connection.execute(
                text("SELECT log_index FROM member WHERE pseudonym = :pseudonym AND log_index < :size"),
                {"pseudonym": bytes.fromhex(pseudonym), "size": self.log_size},
            ).all()
        return frozenset(name for (index,) in rows if spaces.get(name := evidence_id(index)) == key_space)

    # --- resources -----------------------------------------------------------------------------

    def facts(self, type_: str) -> Iterator[Fact]:
        """The live facts of one base type, ordered by source, scope and resource."""
        listings = self._scope_listings(type_)
        newest: dict[tuple[str, str, str], dict[str, SeenFragment]] = defaultdict(dict)
        for row in self._history.fragments[type_]:
            if row.index >= self.log_size or row.instant > self._until or not listings.live(row):
                continue
            parts = newest[row.source, row.scope, row.resource]
            held = parts.get(row.part)
            if held is None or _newer(row, held):
                parts[row.part] = row
        for (source, scope, resource), parts in sorted(newest.items()):
            yield self._joined(type_, source, scope, resource, parts, listings)

    def _joined(
        self, type_: str, source: str, scope: str, resource: str,
        parts: Mapping[str, SeenFragment], listings: _ScopeListings,
    ) -> Fact:  # fmt: skip
        value: dict[str, Json] = {}
        unseen: dict[str, Unseen] = {}
        for _, row in sorted(parts.items()):
            value |= row.value
            unseen |= row.unseen
        seen_at = min(listings.seen_at(row) for row in parts.values())
        evidence = sorted({row.evidence for row in parts.values()}, key=_evidence_order)
        return Fact(
            type_, resource, source, scope, value, {k: v for k, v in unseen.items() if k not in value},
            from_micros(seen_at), tuple(evidence),
        )  # fmt: skip

    def _scope_listings(self, type_: str) -> _ScopeListings:
        if type_ not in self._listings:
            rows = self._history.listings[type_] + self._history.listings[ANY_FACT]
            known = [row for row in rows if row.index < self.log_size and row.instant <= self._until]
            self._listings[type_] = _ScopeListings(known)
        return self._listings[type_]

    def scopes(self, type_: str) -> tuple[ScopeState, ...]:
        """How well each scope is known for a base type, ordered by source and scope."""
        listings = self._scope_listings(type_)
        states = []
        for source in self._sources_of(type_):
            scopes = listings.scopes_of(source) or [source]
            states += [listings.state(type_, source, scope) for scope in scopes]
        return tuple(states)

    def _sources_of(self, type_: str) -> list[str]:
        """The sources that should show facts of a type: the configured ones, by their kind."""
        kinds = {kind for kind, facts in self._kind_facts.items() if type_ in facts}
        return sorted(s["name"] for s in self._config.get("sources", ()) if s["kind"] in kinds)

    # --- records -------------------------------------------------------------------------------

    def _rows(self, kind: str) -> Iterator[SeenRecord]:
        for row in self._history.received[kind]:
            if row.index < self.log_size and row.instant <= self._until:
                yield row

    def received(self, kind: ReceivedKind) -> tuple[Received, ...]:
        """Received records of a kind, without duplicates, ordered by instant, source and content."""
        first: dict[tuple[str, str], SeenRecord] = {}
        for row in self._rows(kind):
            held = first.setdefault((row.source, row.digest), row)
            # Sent again, the same content counts from its earliest instant.
            if row.instant < held.instant:
                first[row.source, row.digest] = replace(held, instant=row.instant)
        ordered = sorted(first.values(), key=lambda row: (row.instant, row.source, row.digest))
        return tuple(
            Received(kind, row.source, row.value, from_micros(row.instant), row.evidence) for row in ordered
        )

    def last_change(self, kinds: Iterable[str]) -> tuple[int, int]:
        """How many records of these kinds are in view, and the index of the last: what a cache keys on."""
        rows = [row.index for kind in kinds for row in self._rows(kind)]
        return len(rows), max(rows, default=-1)

    # --- sources -------------------------------------------------------------------------------

    @cached_property
    def _source_states(self) -> tuple[SourceState, ...]:
        configured = sorted(self._config.get("sources", ()), key=lambda source: str(source["name"]))
        return tuple(self._source_state(source) for source in configured)

    def sources(self) -> tuple[SourceState, ...]:
        """The configured sources, ordered by name."""
        return self._source_states

    def _source_state(self, source: Mapping[str, Json]) -> SourceState:
        name, kind = source["name"], source["kind"]
        entries = [
            row for row in self._history.entries[name]
            if row.index < self.log_size and row.received_at <= self._until
        ]  # fmt: skip
        last = max(entries, key=lambda row: (row.received_at, row.index), default=None)
        state = SourceState(
            name=name, kind=kind, last_seen=None if last is None else from_micros(last.received_at),
            cause=None, detail="", accepts=tuple(source.get("accepts", ())),
            namespaces=tuple(source.get("namespaces", ())),
            evidence=() if last is None else (evidence_id(last.index),),
        )  # fmt: skip
        return self._failing(state) or self._silent(state, source) or state

    def _failing(self, state: SourceState) -> SourceState | None:
        rows = [
            row for rows in self._history.listings.values() for row in rows
            if row.source == state.name and row.index < self.log_size and row.instant <= self._until
        ]  # fmt: skip
        latest: dict[str, SeenListing] = {}
        for row in sorted(rows, key=lambda row: (row.instant, row.index)):
            if row.scope == "":
                latest.clear()
            else:
                latest.pop("", None)
            latest[row.scope] = row
        bad = [row for _, row in sorted(latest.items()) if not row.complete]
        if not bad:
            return None
        said = "; ".join(row.detail for row in bad[:LISTED_AT_MOST])
        return replace(state, cause="incomplete", detail=f"the last run was not complete: {said}")

    def _silent(self, state: SourceState, source: Mapping[str, Json]) -> SourceState | None:
        allowed = _allowed_silence(source)
        if state.last_seen is None:
            return replace(state, cause="missing", detail="it has never reported") if allowed else None
        if allowed is None:
            return replace(state, detail="its silence cannot be told: no expect_every is configured")
        silent_for = self.at - state.last_seen
        if silent_for <= allowed:
            return None
        detail = f"silent for {_span(silent_for)}; at most {_span(allowed)} is expected"
        return replace(state, cause="stale", detail=detail)

    # --- change points -------------------------------------------------------------------------

    def change_points(self, types: Iterable[str]) -> tuple[datetime, ...]:
        """Every instant at or before ``at`` at which something of these types changed, ascending."""
        instants: set[int] = set()
        for type_ in types:
            rows = [*self._history.fragments.get(type_, ()), *self._history.listings.get(type_, ())]
            instants |= {row.instant for row in rows if row.index < self.log_size}
            instants |= {row.instant for row in self._history.received.get(type_, ()) if row.index < self.log_size}
        if instants:
            any_listing = self._history.listings.get(ANY_FACT, ())
            instants |= {row.instant for row in any_listing if row.index < self.log_size}
        return tuple(from_micros(value) for value in sorted(instants) if value <= self._until)


class _ScopeListings:
    """The listings of one fact type in view, by source and scope, oldest first."""

    def __init__(self, rows: Iterable[SeenListing]) -> None:
        self._by_scope: dict[tuple[str, str], list[SeenListing]] = defaultdict(list)
        self._whole_source: dict[str, list[SeenListing]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row.instant, row.index)):
            if row.scope == "":
                self._whole_source[row.source].append(row)
            else:
                self._by_scope[row.source, row.scope].append(row)
        self._named_at: dict[tuple[str, str], dict[str, int]] = {}

    def scopes_of(self, source: str) -> list[str]:
        return sorted(scope for held, scope in self._by_scope if held == source)

    def live(self, row: SeenFragment) -> bool:
        """Whether nothing seen whole since then says that the resource is gone.

        A fragment is live if it is newer than the last complete listing, or if that listing or
        any later one names its item.
        """
        whole = self._last_complete(row.source, row.scope)
        if whole is None or row.instant > whole.instant:
            return True
        named_at = self._names(row.source, row.scope).get(row.evidence)
        return named_at is not None and named_at >= whole.instant

    def seen_at(self, row: SeenFragment) -> int:
        """When the content was last seen: its own time, or the last listing that names its item."""
        if row.dated:
            return row.instant
        return max(row.instant, self._names(row.source, row.scope).get(row.evidence, row.instant))

    def _names(self, source: str, scope: str) -> dict[str, int]:
        key = source, scope
        if key not in self._named_at:
            named: dict[str, int] = {}
            for listing in self._by_scope.get(key, ()):
                named.update(dict.fromkeys(listing.items, listing.instant))
            self._named_at[key] = named
        return self._named_at[key]

    def _last_complete(self, source: str, scope: str) -> SeenListing | None:
        rows = self._by_scope.get((source, scope), ())
        return next((row for row in reversed(rows) if row.complete), None)

    def state(self, fact: str, source: str, scope: str) -> ScopeState:
        rows = self._by_scope.get((source, scope), [])
        failed = self._whole_source.get(source, [])
        last = max([*rows[-1:], *failed[-1:]], key=lambda row: (row.instant, row.index), default=None)
        whole = self._last_complete(source, scope)
        seen_whole_at = None if whole is None else from_micros(whole.instant)
        if last is None:
            return ScopeState(fact, source, scope, None, "missing", "it was never collected", ())
        cause = None if last.complete else "incomplete"
        return ScopeState(
            fact, source, scope, seen_whole_at, cast("None", cause), last.detail, (evidence_id(last.index),),
            from_micros(last.instant),
        )  # fmt: skip


def _newer(row: SeenFragment, held: SeenFragment) -> bool:
    """The later one stands; at one instant the content decides, so that arrival does not."""
    if row.instant != held.instant:
        return row.instant > held.instant
    return content_bytes(dict(row.value)) > content_bytes(dict(held.value))


def _evidence_order(name: str) -> tuple[int, int]:
    index, item = parse_evidence_id(name)
    return index, -1 if item is None else item


def _allowed_silence(source: Mapping[str, Json]) -> timedelta | None:
    if source.get("expect_every"):
        return interval(source["expect_every"])
    if source["kind"] == "push" or not source.get("schedule"):
        return None
    every = interval(source["schedule"], or_none=True)
    return None if every is None else every * PULLED_LATE_AFTER


def _span(value: timedelta) -> str:
    hours = value.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"  # noqa: PLR2004 (three days)


def index_at(points: tuple[datetime, ...], at: datetime) -> int:
    """The position of the last change point at or before an instant, or -1."""
    return bisect_right(points, at) - 1
