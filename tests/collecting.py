"""Running a collector and reading back what it brought, as the product does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from compliance.canonical import Json
from compliance.evidence import Collector, CollectorName, Coverage, Entry, Item, Payload, Response
from compliance.facts import Fragment, Opened, Reader, Reading, Unseen

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes on by one second whenever it is looked at."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """The time now, a second later than the last."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(frozen=True)
class Ran:
    """What one run yielded."""

    responses: tuple[Response, ...]
    coverages: tuple[Coverage, ...]

    def of(self, operation: str) -> list[Response]:
        """The responses to one operation."""
        return [r for r in self.responses if r.request["operation"] == operation]


def run(collector: Collector) -> Ran:
    """Everything that a collector yields; each scope's coverage must follow its last response."""
    yielded = list(collector.collect())
    ended: set[str] = set()
    for seen in yielded:
        assert seen.scope not in ended
        if isinstance(seen, Coverage):
            ended.add(seen.scope)
    return Ran(
        tuple(seen for seen in yielded if isinstance(seen, Response)),
        tuple(seen for seen in yielded if isinstance(seen, Coverage)),
    )


def opened(kind: str, responses: Iterable[Response], *, index: int = 7, source: str = "src") -> Opened:
    """The responses as one entry of the log."""
    body, items = b"", []
    for r in responses:
        at = r.source_time or r.received_at
        items.append(
            Item(r.scope, r.request, r.status, r.caller, at, len(body), len(r.body), "", r.redactions)
        )
        body += r.body
    received = NOON + timedelta(hours=1)
    payload = Payload("0" * 64, len(body), "application/octet-stream")
    entry = Entry(kind, source, CollectorName("test", "1"), received, received, payload, tuple(items))
    return Opened(index, entry, body)


@dataclass
class Joined:
    """The fragments of one resource joined as facts are."""

    value: dict[str, Json] = field(default_factory=dict)
    unseen: dict[str, Unseen] = field(default_factory=dict)
    evidence: set[str] = field(default_factory=set)


def facts_of(readings: Iterable[Reading], type_: str) -> dict[str, Joined]:
    """The resources of a type by id: parts in their order, a seen field before an unseen one."""
    parts = [r for r in readings if isinstance(r, Fragment) and r.fact == type_]
    joined: dict[str, Joined] = {}
    for part in sorted(parts, key=lambda p: (p.resource, p.part)):
        whole = joined.setdefault(part.resource, Joined())
        whole.value |= part.value
        whole.unseen |= part.unseen
        whole.evidence.add(part.evidence)
    for whole in joined.values():
        whole.unseen = {name: why for name, why in whole.unseen.items() if name not in whole.value}
    return joined


def read(reader: Reader, kind: str, responses: Iterable[Response]) -> list[Reading]:
    """What a reader says of responses, each resource's fields checked against the schema."""
    readings = list(reader.read(opened(kind, responses)))
    for reading in readings:
        if isinstance(reading, Fragment):
            assert_fits(reader, reading)
    return readings


TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "int": int, "bool": bool, "time": str, "strings": list, "records": list, "double": float,
    "record": dict,
}  # fmt: skip


def assert_fits(reader: Reader, fragment: Fragment) -> None:
    """No field outside the schema, none both seen and unseen, each of the type that is stated."""
    schema = next(s for s in reader.schemas if s.name == fragment.fact)
    fields: dict[str, Any] = {f.name: f for f in schema.fields}
    assert not set(fragment.value) & set(fragment.unseen)
    assert set(fragment.value) | set(fragment.unseen) <= set(fields)
    for name, value in fragment.value.items():
        if value is None:
            assert fields[name].optional, f"{name} is absent and not optional"
        else:
            assert isinstance(value, TYPES[fields[name].type]), f"{name} is {value!r}"


__all__ = ["NOON", "Clock", "Joined", "Ran", "facts_of", "opened", "read", "run"]
