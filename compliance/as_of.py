"""What is known by the first N entries and true at an instant: facts, records, scopes, sources.

A pure function of the rows with an index below the log size and an instant not after ``at``,
whatever order they arrived in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

from compliance.canonical import Json, evidence_id, from_micros, micros, parse_evidence_id
from compliance.facts import REPORTS, SOURCES, Fact, Received, ReceivedKind, ScopeState, SourceState, Unseen
from compliance.history import (
    History,
    SeenFragment,
    SeenListing,
    SeenRecord,
    SeenUnreadable,
)
from compliance.listings import ScopeListings, cited, told
from compliance.membership import manifests_of
from compliance.projections import ANY_FACT, Projections
from compliance.silence import allowed_silence, state_turns
from compliance.visible import Visible

LISTED_AT_MOST = 5
MINUTE, HOUR = 60, 3600
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
        visible: Visible | None = None,
    ) -> None:
        """``visible`` is what another instant of the same history and log size has arranged already."""
        self.at = at
        self.log_size = log_size
        self._until = micros(at)
        self._history = history
        self._visible = visible or Visible(history, log_size)
        self._projections = projections
        self._config = config
        self._kind_facts = kind_facts
        self._scopes: dict[str, tuple[ScopeState, ...]] = {}

    def moved_to(self, at: datetime) -> FactsAsOf:
        """The same entries at another instant."""
        return FactsAsOf(
            self._history, self._projections, at=at, log_size=self.log_size, config=self._config,
            kind_facts=self._kind_facts, visible=self._visible,
        )  # fmt: skip

    def config(self) -> Mapping[str, Json]:
        """The judgement-relevant configuration in force (the last ``config`` entry)."""
        return self._config

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of all manifests of the key space that contain the pseudonym."""
        spaces = self._manifest_spaces
        return frozenset(name for name in self._manifests_with(pseudonym) if spaces.get(name) == key_space)

    def _manifests_with(self, pseudonym: str) -> Sequence[str]:
        return self._visible.holding(pseudonym, self._looked_up)

    def _looked_up(self, pseudonym: str) -> Sequence[str]:
        with self._projections.connect() as connection:
            held = manifests_of(connection, bytes.fromhex(pseudonym), self.log_size)
        return tuple(map(evidence_id, held))

    @cached_property
    def _manifest_spaces(self) -> Mapping[str, str]:
        return {row.evidence: row.value["key_space"] for row in self._rows("manifest")}

    # --- resources -----------------------------------------------------------------------------

    def facts(self, type_: str) -> Iterator[Fact]:
        """The live facts of one base type, ordered by source, scope and resource."""
        rows, listings = self._visible.fragments(type_, self._until), self._scope_listings(type_)
        yield from self._visible.facts(rows, listings, lambda: self._live(type_, rows, listings))

    def _live(self, type_: str, rows: Iterable[SeenFragment], listings: ScopeListings) -> Iterator[Fact]:
        newest: dict[tuple[str, str, str], dict[str, SeenFragment]] = defaultdict(dict)
        for row in rows:
            if not listings.live(row):
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
        return self._visible.listings(type_, self._until)

    @cached_property
    def _unreadable(self) -> Sequence[SeenUnreadable]:
        return self._visible.unreadable(self._until)

    def scopes(self, type_: str) -> tuple[ScopeState, ...]:
        """How well each scope is known for a base type, ordered by source and scope."""
        if type_ not in self._scopes:
            listings = self._scope_listings(type_)
            states = (state for source in self._sources_of(type_) for state in listings.states(type_, source))
            self._scopes[type_] = tuple(states)
        return self._scopes[type_]

    def _sources_of(self, type_: str) -> list[str]:
        """The sources that should show facts of a type: the configured ones, by their kind."""
        kinds = {kind for kind, facts in self._kind_facts.items() if type_ in facts}
        return sorted(
            s["name"]
            for s in self._config.get("sources", ())
            if s["kind"] in kinds and (not s.get("registers") or type_ in s["registers"])
        )

    # --- records -------------------------------------------------------------------------------

    def _rows(self, kind: str) -> Iterator[SeenRecord]:
        """The records of a kind in view, by instant, source and content."""
        for row in self._history.received.get(kind, ()):
            if row.instant > self._until:
                return
            if row.index < self.log_size:
                yield row

    def received(self, kind: ReceivedKind) -> tuple[Received, ...]:
        """Received records of a kind, without duplicates, ordered by instant, source and content.

        Sent again, the same content counts once, from its earliest instant.
        """
        return self._visible.received(kind, self._until)

    def last_change(self, kinds: Iterable[str]) -> tuple[int, int]:
        """How many records of these kinds are in view, and the index of the last: what a cache keys on."""
        rows = [row.index for kind in kinds for row in self._rows(kind)]
        return len(rows), max(rows, default=-1)

    # --- sources -------------------------------------------------------------------------------

    @cached_property
    def _configured(self) -> Mapping[str, Mapping[str, Json]]:
        configured = {str(source["name"]): source for source in self._config.get("sources", ())}
        # What a token without a source, or of one configured no longer, said and cannot be read is missed too.
        unread = {row.source for row in self._unreadable} - configured.keys()
        return {**configured, **{name: {"name": name, "kind": "push"} for name in unread}}

    @cached_property
    def _source_states(self) -> tuple[SourceState, ...]:
        sources = self._configured
        return tuple(self._source_state(sources[name]) for name in sorted(sources))

    def sources(self) -> tuple[SourceState, ...]:
        """The configured sources, and others of which something cannot be read, ordered by name."""
        return self._source_states

    def _source_state(self, source: Mapping[str, Json]) -> SourceState:
        name, kind = source["name"], source["kind"]
        last = self._visible.last_entry(name, self._until)
        state = SourceState(
            name=name, kind=kind, last_seen=None if last is None else from_micros(last.received_at),
            cause=None, detail="", accepts=tuple(source.get("accepts", ())),
            namespaces=tuple(source.get("namespaces", ())),
            evidence=() if last is None else (evidence_id(last.index),),
        )  # fmt: skip
        return self._failing(state) or self._unread(state) or self._silent(state, source) or state

    def _failing(self, state: SourceState) -> SourceState | None:
        latest: dict[str, SeenListing] = {}
        for row in self._visible.listed(state.name, self._until):
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

    def _unread(self, state: SourceState) -> SourceState | None:
        if not any(row.source == state.name for row in self._unreadable):
            return None
        unread = self._visible.listings_of_source(state.name, self._until).unread(state.name)
        if not unread:
            return None
        evidence = cited(unread[:LISTED_AT_MOST])
        return replace(state, cause="unreadable", detail=told(unread), evidence=evidence)

    def _silent(self, state: SourceState, source: Mapping[str, Json]) -> SourceState | None:
        allowed = allowed_silence(source)
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
        named = list(types)
        instants = {instant for type_ in named for instant in self._visible.instants(type_, self._until)}
        if instants:
            instants |= {
                *self._visible.instants(ANY_FACT, self._until),
                *(row.instant for row in self._unreadable),
            }
        for source in self._configured.values():
            if SOURCES in named:
                instants |= set(state_turns(self._visible, source, self._until))
            if REPORTS in named:
                reports = (row.counts_from for row in self._visible.entries(source["name"]))
                instants |= {counts_from for counts_from in reports if counts_from <= self._until}
        return tuple(from_micros(value) for value in sorted(instants))


def _newer(row: SeenFragment, held: SeenFragment) -> bool:
    """The later one stands; at one instant the content decides, so that arrival does not."""
    if row.instant != held.instant:
        return row.instant > held.instant
    return row.content > held.content


def _evidence_order(name: str) -> tuple[int, int]:
    index, item = parse_evidence_id(name)
    return index, -1 if item is None else item


def _span(value: timedelta) -> str:
    seconds = value.total_seconds()
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} seconds"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} minutes"
    hours = seconds / HOUR
    return f"{hours:.0f} hours" if hours < HOURS_IN_WORDS else f"{hours / 24:.0f} days"
