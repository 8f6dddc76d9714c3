"""Reads entries of registers: one fact for each row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.items import SeenItem, items_of
from collectors.register.reading import NO_TOOL, rows_of, tool_of
from collectors.register.schemas import REGISTERS
from compliance.canonical import instant_of, parse_time
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading


class RegisterReader:
    """Reads ``register/1``. An item is a file; its scope is the register that it belongs to."""

    kinds: tuple[str, ...] = ("register/1",)
    schemas: tuple[FactSchema, ...] = tuple(REGISTERS.values())

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each row, and a defect for each fault in one."""
        for seen in items_of(opened):
            if seen.item.scope in REGISTERS:
                yield from _file(opened, seen)


READER = RegisterReader()


def _file(opened: Opened, seen: SeenItem) -> Iterator[Reading]:
    """A tool's result is as old as it says; a register that people keep holds as long as it lies there."""
    name, register = str(seen.item.request["file"]), seen.item.scope
    dated = tool_of(name, seen.body) != NO_TOOL
    try:
        for row in rows_of(REGISTERS[register], name, seen.body):
            performed = row.value.get("performed")
            stated = parse_time(performed) if dated and performed else seen.instant
            instant = instant_of(stated, opened.entry.received_at)
            yield Fragment(
                register, row.resource, register, "row", row.value, instant, seen.evidence, row.unseen, dated
            )
            yield from (Defect(seen.evidence, f"unreadable: {fault}") for fault in row.faults)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: {error.message}")
