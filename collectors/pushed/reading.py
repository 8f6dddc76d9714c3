"""Reading the entries of pushed evidence back into received records. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from collectors.pushed.accepting import Form, own_time
from collectors.pushed.bodies import take_apart
from compliance.canonical import AHEAD_ALLOWED, Json, evidence_id
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Opened, Reading, Received, ReceivedKind


def as_received(item: Mapping[str, Json], _detail: Mapping[str, Json]) -> Mapping[str, Json]:
    """The item as it was received."""
    return item


def with_key_id(item: Mapping[str, Json], detail: Mapping[str, Json]) -> Mapping[str, Json]:
    """The item with the key id that was current at its receipt, where it names none."""
    held = detail.get("key_ids", {}).get(item.get("key_space"))
    return {**item, "key_id": held} if held and item.get("key_id") is None else item


@dataclass
class PushedReader:
    """Reads the entries of one kind of pushed evidence: one record for each item of the body."""

    kinds: tuple[str, ...]
    received_as: ReceivedKind
    form: Form
    value: Callable[[Mapping[str, Json], Mapping[str, Json]], Mapping[str, Json]] = as_received
    """(item, the entry's detail) → the record's value."""
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A record for each item, and a defect for each thing that is wrong with one."""
        for position, item in enumerate(items_of(opened)):
            yield from self._item(opened, evidence_id(opened.index, position), item)

    def _item(self, opened: Opened, evidence: str, item: Json) -> Iterator[Reading]:
        try:
            defects, time = self.form.check(item), self.form.time(item)
            value = self.value(item, opened.entry.detail)
        except InputRefused as error:
            yield Defect(evidence, f"unreadable: {error.message}")
            return
        received_at = opened.entry.received_at
        yield Received(
            self.received_as, opened.entry.source, value, self.form.instant(time, received_at), evidence
        )
        yield from (Defect(evidence, what) for what in defects)
        if self.form.instant is own_time and time is not None and time > received_at + AHEAD_ALLOWED:
            yield Defect(
                evidence, "its time lies more than five minutes after its receipt, which counts instead"
            )


def items_of(opened: Opened) -> tuple[Json, ...]:
    """The items of a pushed body, in the order in which evidence ids count them."""
    if opened.body is None or opened.entry.payload is None:
        return ()
    return take_apart(opened.body, media_type=opened.entry.payload.media_type).values
