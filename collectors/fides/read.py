"""Reads entries of Fides exports: consent events as if they had been sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.consents.accept import FORM
from collectors.items import SeenItem, items_of
from compliance.canonical import instant_of, strict_json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Opened, Reading, Received


class FidesReader:
    """Reads ``fides/1``. An item is an export; all its events bear the item's evidence id."""

    kinds: tuple[str, ...] = ("fides/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A record for each line."""
        for seen in items_of(opened):
            for number, line in enumerate(seen.body.split(b"\n"), start=1):
                if line.strip():
                    yield from _line(opened, seen, number, line)


READER = FidesReader()


def _line(opened: Opened, seen: SeenItem, number: int, line: bytes) -> Iterator[Reading]:
    try:
        event = strict_json(line, what=f"line {number}")
        FORM.check(event)
        time = FORM.time(event)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: line {number}: {error.message}")
        return
    received_at = opened.entry.received_at
    instant = received_at if time is None else instant_of(time, received_at)
    yield Received("consent", opened.entry.source, event, instant, seen.evidence)
