"""What is known by the first N entries and true at an instant: facts, records, scopes, sources.

A pure function of the rows with an index below the log size and an instant not after ``at``,
whatever order they arrived in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import text

from compliance.canonical import Json, content_bytes, evidence_id, from_micros, micros, parse_evidence_id
from compliance.facts import Fact, Received, ReceivedKind, ScopeState, SourceState, Unseen
from compliance.history import History, SeenFragment, SeenListing, SeenRecord
from compliance.listings import ScopeListings
from compliance.projections import ANY_FACT, Projections
from compliance.settings import interval

LISTED_AT_MOST = 5
PULLED_LATE_AFTER = 2
"""A pulled source is stale after so many of its intervals without a run."""
HOURS_IN_WORDS = 72
"""Up to so many hours a span is told in hours, beyond in days."""


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
        self._listings: dict[str, ScopeListings] = {}

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
        parts: Mapping[str, SeenFragment], listings: ScopeListings,
    ) -> Fact:  # fmt: skip
        value: dict[str, Json] = {}
        unseen: dict[str, Unseen] = {}
        seen_at: dict[str, int] = {}
        for _, row in sorted(parts.items()):
            value |= row.value
            unseen |= row.unseen
            shown = {path.partition(".")[0] for path in (*row.value, *row.unseen)}
            seen_at |= dict.fromkeys(shown, listings.seen_at(row))
        oldest = min(listings.seen_at(row) for row in parts.values())
        evidence = sorted({row.evidence for row in parts.values()}, key=_evidence_order)
        return Fact(
            type_, resource, source, scope, value, {k: v for k, v in unseen.items() if k not in value},
            from_micros(oldest), tuple(evidence), {name: from_micros(at) for name, at in seen_at.items()},
        )  # fmt: skip

    def _scope_listings(self, type_: str) -> ScopeListings:
        if type_ not in self._listings:
            rows = self._history.listings[type_] + self._history.listings[ANY_FACT]
            known = [row for row in rows if row.index < self.log_size and row.instant <= self._until]
            self._listings[type_] = ScopeListings(known)
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
            instants |= {
                row.instant for row in self._history.received.get(type_, ()) if row.index < self.log_size
            }
        if instants:
            any_listing = self._history.listings.get(ANY_FACT, ())
            instants |= {row.instant for row in any_listing if row.index < self.log_size}
        return tuple(from_micros(value) for value in sorted(instants) if value <= self._until)


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
    return f"{hours:.0f} hours" if hours < HOURS_IN_WORDS else f"{hours / 24:.0f} days"
