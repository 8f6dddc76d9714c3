"""Collects registers: every file of a folder, each of the register that it is named after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from collectors.coverage import Tally
from collectors.filing import asked, every, media_type, names_of, reachable
from collectors.places import Folder
from collectors.register.naming import register_of
from collectors.register.reading import NO_TOOL, rows_of, tool_of, without_samples
from collectors.register.rows import SUFFIXES
from collectors.register.schemas import REGISTERS
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

FOLDER = "folder"
"""The scope in which it is said which files belong to no register."""


class RegisterCollector:
    """Registers in a folder. Each register is a scope of its own; its observations must be sealed.

    ``registers`` are those that the folder must hold: one without a file is incomplete. Without them it
    holds whatever its files are named after.
    """

    kind = "register/1"
    name = CollectorName("register", "1")

    def __init__(self, *, path: Path, clock: Callable[[], datetime], registers: Sequence[str] = ()) -> None:
        unknown = sorted(set(registers) - set(REGISTERS))
        if unknown:
            raise InputRefused(
                f"There is no register {', '.join(unknown)}; there are {', '.join(REGISTERS)}.",
                field="registers",
            )
        self._files = Folder(path, SUFFIXES)
        self._registers = tuple(registers)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every register once. What cannot be read in a row is said with its file and line."""
        overall = Tally(FOLDER, ())
        names = names_of(self._files, overall)
        if names is None:
            for register in self._registers or tuple(REGISTERS):
                yield _unlisted(register, overall)
            return
        found = {name: register_of(name) for name in names}
        for register in sorted({*self._registers, *(r for r in found.values() if r)}):
            yield from self._register(register, [name for name in names if found[name] == register])
        for name in (name for name, register in found.items() if register is None):
            overall.gap(f"{name} is named after no register, and was not read")
        yield overall.coverage()

    def _register(self, register: str, names: Sequence[str]) -> Iterator[Response | Coverage]:
        tally = Tally(register, (register,))
        if not names:
            tally.gap(f"there is no file of the register {register}, such as {register}.yaml")
        ids: set[str] = set()
        for name, body in every(self._files, names, tally):
            kept, taken_out = without_samples(name, body)
            yield Response(
                scope=register, request=asked(self._files, name), status=200, body=kept, caller=self._files.caller,
                received_at=self._clock(), media_type=media_type(name), redactions=taken_out,
            )  # fmt: skip
            self._count(register, name, kept, ids, tally)
        yield tally.coverage()

    def _count(self, register: str, name: str, body: bytes, ids: set[str], tally: Tally) -> None:
        """Note the faults: what hides a row makes the register incomplete, what hides a cell only that."""
        try:
            for row in rows_of(REGISTERS[register], name, body):
                tally.got += 1
                for fault in row.faults:
                    tally.note(fault)
                if row.resource in ids and tool_of(name, body) == NO_TOOL:
                    tally.gap(f"{name}: the id of a row stands in another row too")
                ids.add(row.resource)
        except InputRefused as error:
            tally.gap(error.message.rstrip("."))

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        return reachable(self._files, self._registers or tuple(REGISTERS))


def _unlisted(register: str, overall: Tally) -> Coverage:
    said = overall.coverage()
    return Coverage(register, (register,), complete=False, got=0, denied=said.denied, detail=said.detail)
