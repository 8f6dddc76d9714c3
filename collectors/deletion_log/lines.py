"""Lines of a deletion log, made fit to be stored: keys replaced, unreadable lines withheld. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from collectors.erasures.accept import FORM
from collectors.pushed.accepting import accept
from collectors.pushed.redaction import Cleaner
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused, NotFound

MAX_LINE_BYTES = 65_536
LINES_AT_MOST = 2_000
BYTES_AT_MOST = 4 * 1024 * 1024
"""A chunk ends at so many lines or bytes: one that is full never changes when the file grows."""
NAMED_AT_MOST = 20
TELLING_LENGTH = 6
"""A key at least so long is taken out wherever it stands inside other texts of its line; a shorter
one, which may be part of any number, where it is the whole text."""
MEANING = ("key_space", "datasets", "requested_at", "completed_at", "key_id")
"""What a line must still say after its key was taken out, or it is withheld."""

Pseudonymise = Callable[[str, str], str]
"""(key space, raw key) -> pseudonym. Raises NotFound for a key space that is not configured."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive lines of one file, fit to be stored. ``first_line`` counts from 1."""

    first_line: int
    body: bytes
    entries: int
    replaced: int
    withheld: tuple[int, ...]
    """The numbers of lines that could not be read; they stand empty in ``body``."""

    def redactions(self) -> tuple[str, ...]:
        """What was taken out, without saying what it was."""
        said = [f"key replaced by its pseudonym on {self.replaced} lines"] if self.replaced else []
        return (*said, f"withheld: {numbered(self.withheld)}") if self.withheld else tuple(said)


def numbered(lines: Sequence[int]) -> str:
    """Such as ``lines 3, 7 and 12 more``."""
    named = ", ".join(str(number) for number in lines[:NAMED_AT_MOST])
    more = len(lines) - NAMED_AT_MOST
    return f"line{'s' if len(lines) > 1 else ''} {named}" + (f" and {more} more" if more > 0 else "")


def split_lines(parts: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines of a stream without their ends; None for one that is longer than a line may be."""
    held, too_long = b"", False
    for part in parts:
        *whole, rest = (held + part).split(b"\n")
        for line in whole:
            yield None if too_long or len(line) > MAX_LINE_BYTES else line
            too_long = False
        too_long |= len(rest) > MAX_LINE_BYTES
        held = b"" if too_long else rest
    if held or too_long:
        yield None if too_long else held


def chunks(lines: Iterable[bytes | None], pseudonymise: Pseudonymise) -> Iterator[Chunk]:
    """The lines in chunks, always cut at the same places."""
    gathered = _Gathered(1)
    for line in lines:
        gathered.add(line, pseudonymise)
        if len(gathered.lines) >= LINES_AT_MOST or gathered.size >= BYTES_AT_MOST:
            yield gathered.chunk()
            gathered = _Gathered(gathered.first_line + len(gathered.lines))
    if gathered.lines:
        yield gathered.chunk()


class _Gathered:
    """The chunk that is being filled."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.lines: list[bytes] = []
        self.size = 0
        self._entries = 0
        self._replaced = 0
        self._withheld: list[int] = []

    def add(self, line: bytes | None, pseudonymise: Pseudonymise) -> None:
        fit = b""
        if line is None or line.strip():
            try:
                fit = _fit(line, pseudonymise)
                self._entries += 1
                self._replaced += fit != line
            except InputRefused:
                self._withheld.append(self.first_line + len(self.lines))
        self.lines.append(fit)
        self.size += len(fit) + 1

    def chunk(self) -> Chunk:
        body = b"".join(line + b"\n" for line in self.lines)
        return Chunk(self.first_line, body, self._entries, self._replaced, tuple(self._withheld))


def _fit(line: bytes | None, pseudonymise: Pseudonymise) -> bytes:
    """The line as received where it names its record by pseudonym, else with the key replaced."""
    if line is None:
        raise InputRefused(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    item = strict_json(line, what="line")
    accepted = accept(
        line, FORM, Cleaner(_refusing(pseudonymise), patterns=_elsewhere(item)), only_object=True
    )
    if not accepted.rewritten:
        return line
    if any(accepted.items[0].value.get(name) != item.get(name) for name in MEANING):
        raise InputRefused("The key stands inside a field that says what was erased when.")
    return accepted.body


def _refusing(pseudonymise: Pseudonymise) -> Pseudonymise:
    def made(key_space: str, key: str) -> str:
        try:
            return pseudonymise(key_space, key)
        except NotFound as error:
            raise InputRefused(error.message, field="key_space") from error

    return made


def _elsewhere(item: Json) -> tuple[re.Pattern[str], ...]:
    key = item.get("key") if isinstance(item, dict) else None
    if not isinstance(key, str) or not key:
        return ()
    inside = re.escape(key) if len(key) >= TELLING_LENGTH else rf"\A{re.escape(key)}\Z"
    return (re.compile(inside, re.IGNORECASE),)
