"""Reads entries of a collected deletion log: one erasure for each line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.erasures.accept import FORM
from collectors.items import SeenItem, items_of
from collectors.pushed.reading import with_key_id
from compliance.canonical import AHEAD_ALLOWED, instant_of, strict_json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Opened, Reading, Received


class DeletionLogReader:
    """Reads ``deletion-log/1``. An item is a chunk of a file; all its lines bear the item's evidence id."""

    kinds: tuple[str, ...] = ("deletion-log/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A record for each line that is not empty; lines that were withheld stand empty."""
        for seen in items_of(opened):
            first = int(seen.item.request["first_line"])
            for number, line in enumerate(seen.body.split(b"\n"), start=first):
                if line.strip():
                    yield from _line(opened, seen, number, line)


READER = DeletionLogReader()


def _line(opened: Opened, seen: SeenItem, number: int, line: bytes) -> Iterator[Reading]:
    try:
        item = strict_json(line, what=f"line {number}")
        defects, time = FORM.check(item), FORM.time(item)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: line {number}: {error.message}")
        return
    received_at = opened.entry.received_at
    value = with_key_id(item, {"key_ids": seen.item.request.get("key_ids", {})})
    instant = received_at if time is None else instant_of(time, received_at)
    yield Received("erasure", opened.entry.source, value, instant, seen.evidence)
    yield from (Defect(seen.evidence, f"line {number}: {what}") for what in defects)
    if time is not None and time > received_at + AHEAD_ALLOWED:
        yield Defect(seen.evidence, f"line {number}: its time lies after its receipt, which counts instead")
