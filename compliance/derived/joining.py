"""What every derivation does alike: look at fields, and put a fact together out of what was seen.

Pure. A derivation never fills a gap with a value: what one of its inputs hides, or what nothing
says, is unseen in the derived fact, with the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, format_time, parse_evidence_id
from compliance.facts import Fact, FactSchema, Received, Unseen

Looked = Json | Unseen
"""A value (None where it is known to be absent), or why it could not be seen."""


def look(fact: Fact, name: str) -> Looked:
    """A field of a fact. A list of records is unseen as soon as one member of any record is."""
    hidden = sorted(path for path in fact.unseen if path == name or path.startswith(f"{name}."))
    if hidden:
        return fact.unseen[hidden[0]]
    if name not in fact.value:
        return Unseen("missing", f"{fact.type} {fact.resource} does not show {name}")
    return fact.value[name]


def need(fact: Fact, name: str) -> Looked:
    """A field that is never absent: None there means that it could not be read."""
    value = look(fact, name)
    return (
        Unseen("unreadable", f"{fact.type} {fact.resource} has no value for {name}")
        if value is None
        else value
    )


def first_unseen(*looked: Looked) -> Unseen | None:
    """The first of several that could not be seen."""
    return next((one for one in looked if isinstance(one, Unseen)), None)


@dataclass(frozen=True)
class Origin:
    """Where a derived fact comes from: its source and scope, when it was last seen, its evidence."""

    source: str
    scope: str
    observed_at: datetime
    evidence: tuple[str, ...]

    def citing(self, evidence: Iterable[str]) -> Origin:
        """The same with further evidence."""
        return Origin(self.source, self.scope, self.observed_at, ordered({*self.evidence, *evidence}))


def of_facts(first: Fact, *others: Fact) -> Origin:
    """The origin of a join of collected facts: as old as the oldest of them."""
    facts = (first, *others)
    cited = {name for fact in facts for name in fact.evidence}
    return Origin(first.source, first.scope, min(fact.observed_at for fact in facts), ordered(cited))


def of_record(record: Received, scope: str = "") -> Origin:
    """The origin of a fact about something that happened or was declared, seen when it was recorded."""
    return Origin(record.source, scope, record.instant, (record.evidence,))


def ordered(evidence: Iterable[str]) -> tuple[str, ...]:
    """Evidence ids without duplicates, by log index and item."""

    def place(name: str) -> tuple[int, int]:
        index, item = parse_evidence_id(name)
        return index, -1 if item is None else item

    return tuple(sorted(set(evidence), key=place))


def derived(schema: FactSchema, resource: str, looked: Mapping[str, Looked], origin: Origin) -> Fact:
    """A fact of the schema: every field of it is either a value or unseen."""
    value = {name: _json(one) for name, one in looked.items() if not isinstance(one, Unseen)}
    unseen = {name: one for name, one in looked.items() if isinstance(one, Unseen)}
    return Fact(
        schema.name, resource, origin.source, origin.scope, value, unseen,
        origin.observed_at, ordered(origin.evidence),
    )  # fmt: skip


def _json(value: Json) -> Json:
    return format_time(value) if isinstance(value, datetime) else value
