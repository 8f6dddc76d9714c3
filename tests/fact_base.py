"""A plain ``FactBase`` in memory, for tests: what is put in is what is known, in the stated order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from compliance.canonical import content_bytes
from compliance.facts import Fact, Received, ReceivedKind, ScopeState, SourceState, Unseen

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""The instant that tests judge at unless they say otherwise."""


@dataclass
class MemoryFacts:
    """Everything known as of ``at``: given, not computed."""

    at: datetime = AT
    given: Sequence[Fact] = ()
    states: Sequence[ScopeState] = ()
    records: Sequence[Received] = ()
    feeds: Sequence[SourceState] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    holdings: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    log_size: int = 1
    points: tuple[datetime, ...] | None = None
    """Every change of every type; None: those that show in what is given."""

    def facts(self, type_: str) -> Iterator[Fact]:
        """The facts of one type, ordered by source, scope and resource."""
        live = (fact for fact in self.given if fact.type == type_)
        yield from sorted(live, key=lambda fact: (fact.source, fact.scope, fact.resource))

    def scopes(self, type_: str) -> tuple[ScopeState, ...]:
        """The scopes of one type, ordered by source and scope."""
        states = (state for state in self.states if state.fact == type_)
        return tuple(sorted(states, key=lambda state: (state.source, state.scope)))

    def received(self, kind: ReceivedKind) -> tuple[Received, ...]:
        """The records of one kind, ordered by instant, source and content."""
        records = (record for record in self.records if record.kind == kind)
        return tuple(sorted(records, key=lambda r: (r.instant, r.source, content_bytes(r.value))))

    def sources(self) -> tuple[SourceState, ...]:
        """The sources, ordered by name."""
        return tuple(sorted(self.feeds, key=lambda source: source.name))

    def config(self) -> Mapping[str, Any]:
        """The configuration in force."""
        return self.settings

    def change_points(self, types: Iterable[str]) -> tuple[datetime, ...]:
        """Every instant at or before ``at`` at which something of the types was seen."""
        if self.points is not None:
            return tuple(point for point in self.points if point <= self.at)
        wanted = set(types)
        instants = {fact.observed_at for fact in self.given if fact.type in wanted}
        instants |= {s.observed_at for s in self.states if s.fact in wanted and s.observed_at is not None}
        instants |= {record.instant for record in self.records if record.kind in wanted}
        return tuple(sorted(instant for instant in instants if instant <= self.at))

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The manifests that were said to hold the pseudonym."""
        return self.holdings.get((key_space, pseudonym), frozenset())


def memory_facts(
    at: datetime = AT,
    *,
    facts: Sequence[Fact] = (),
    scopes: Sequence[ScopeState] = (),
    received: Sequence[Received] = (),
    sources: Sequence[SourceState] = (),
    config: Mapping[str, Any] | None = None,
    holdings: Mapping[tuple[str, str], frozenset[str]] | None = None,
) -> MemoryFacts:
    """A fact base of what is named; everything else is empty."""
    return MemoryFacts(at, facts, scopes, received, sources, config or {}, holdings or {})


def seen(
    type_: str,
    resource: str,
    value: Mapping[str, Any],
    *,
    unseen: Mapping[str, Unseen] | None = None,
    at: datetime = AT,
    source: str = "aws",
    scope: str = "123456789012",
    evidence: Sequence[str] = ("1/0",),
) -> Fact:
    """A fact of one resource, seen at ``at``."""
    return Fact(type_, resource, source, scope, value, unseen or {}, at, tuple(evidence))


def whole(
    type_: str, *, at: datetime = AT, source: str = "aws", scope: str = "123456789012", evidence: str = "2"
) -> ScopeState:
    """A scope that the run at ``at`` saw whole."""
    return ScopeState(type_, source, scope, at, None, "", (evidence,), at)
