"""Reads entries of Marquez collections: OpenLineage events as if they had been sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.items import SeenItem, items_of
from collectors.lineage.accept import FORM
from collectors.rest.answers import problem_of
from compliance.canonical import Json, instant_of, strict_json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Opened, Reading, Received


class MarquezReader:
    """Reads ``marquez/1``. An item is a page; all its events bear the item's evidence id."""

    kinds: tuple[str, ...] = ("marquez/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A record for each event."""
        for seen in items_of(opened):
            if not seen.repeated and problem_of(seen.item.status, seen.body) is None:
                for event in strict_json(seen.body, what="page"):
                    yield from _event(opened, seen, event)


READER = MarquezReader()


def _event(opened: Opened, seen: SeenItem, event: Json) -> Iterator[Reading]:
    try:
        defects, time = FORM.check(event), FORM.time(event)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: {error.message}")
        return
    received_at = opened.entry.received_at
    instant = received_at if time is None else instant_of(time, received_at)
    yield Received("lineage", opened.entry.source, event, instant, seen.evidence)
    yield from (Defect(seen.evidence, what) for what in defects)
