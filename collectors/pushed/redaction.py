"""Replacing in a received item what must not be stored, and saying what was replaced.

Pure. Raw keys become pseudonyms, literals of SQL texts are masked, configured pointers and patterns
are redacted (CONTRACT section 3). Each redaction is named by its place and kind, never by its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from collectors.pushed.spans import Edit, Path, pointer, replaced
from collectors.pushed.sql_masking import mask
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

REDACTED = "[redacted]"
"""Stands in the place of what a configured pointer or pattern took out."""

RedactionKind = Literal["key", "sql", "pointer", "pattern"]
Pseudonymise = Callable[[str, str], str]
"""(key space, raw key) → pseudonym. Raises InputRefused for a key space that is not configured."""


@dataclass(frozen=True, order=True)
class Redaction:
    """Where something was replaced, as a JSON pointer within its item, and why."""

    pointer: str
    kind: RedactionKind


@dataclass(frozen=True)
class SqlText:
    """Where an item holds a SQL text and the dialect it states, or one literal of a parsed text."""

    path: Path
    dialect: str | None = None
    is_literal: bool = False


@dataclass(frozen=True)
class Cleaner:
    """What is taken out of every item, as configured."""

    pseudonymise: Pseudonymise
    pointers: tuple[tuple[str, ...], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def configured(
        cls, pseudonymise: Pseudonymise, *, pointers: Sequence[str] = (), patterns: Sequence[str] = ()
    ) -> Cleaner:
        """Compile pointers and patterns. Raises InputRefused naming the setting that is wrong."""
        return cls(
            pseudonymise,
            tuple(_parts(text) for text in pointers),
            tuple(_compiled(text) for text in patterns),
        )


@dataclass(frozen=True)
class Cleaned:
    """An item after redaction: its value, its text where it was touched, and what was replaced."""

    value: Json
    text: str | None = None
    redactions: tuple[Redaction, ...] = ()


def clean(
    value: Json,
    text: Callable[[], str],
    cleaner: Cleaner,
    *,
    holders: Iterable[Path] = (),
    sql: Iterable[SqlText] = (),
) -> Cleaned:
    """The item without what must not be stored.

    ``holders`` are the objects that may name a record by ``key``; ``sql`` its SQL texts; ``text``
    gives its text as received. Raises InputRefused where a raw key cannot be replaced.
    """
    edits = _Edits()
    for path, found in _pointed(value, cleaner.pointers):
        edits.add(path, Edit(REDACTED), "pointer", found)
    for holder in holders:
        _replace_key(value, holder, cleaner.pseudonymise, edits)
    for place in sql:
        _mask_sql(value, place, edits)
    _apply_patterns(value, cleaner.patterns, edits)
    if not edits.by_path:
        return Cleaned(value)
    touched = replaced(text(), edits.by_path)
    return Cleaned(strict_json(touched.encode(), what="redacted item"), touched, tuple(sorted(edits.made)))


class _Edits:
    """The edits of one item; none lies inside another, and the first for a place stands."""

    def __init__(self) -> None:
        self.by_path: dict[Path, Edit] = {}
        self.made: set[Redaction] = set()

    def add(self, path: Path, edit: Edit, kind: RedactionKind, shown: Path) -> None:
        if self.covers(path):
            return
        for inner in [held for held in self.by_path if held[: len(path)] == path]:
            del self.by_path[inner]
        self.by_path[path] = edit
        self.made.add(Redaction(pointer(shown), kind))

    def covers(self, path: Path) -> bool:
        return any(path[:length] in self.by_path for length in range(len(path) + 1))

    def pending(self, path: Path, value: Json) -> Json:
        edit = self.by_path.get(path)
        return value if edit is None else edit.value


# --- configured pointers -----------------------------------------------------------------------


def _parts(text: str) -> tuple[str, ...]:
    if not text.startswith("/"):
        raise InputRefused(f"The pointer {text!r} does not start with /.", field="redact.pointers")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _compiled(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InputRefused(
            f"The pattern {text!r} is no regular expression: {error}.", field="redact.patterns"
        ) from error


def _pointed(value: Json, pointers: Iterable[tuple[str, ...]]) -> Iterator[tuple[Path, Path]]:
    for parts in pointers:
        for path in _matches(value, parts, ()):
            yield path, path


def _matches(value: Json, parts: tuple[str, ...], path: Path) -> Iterator[Path]:
    if not parts:
        yield path
        return
    for part, inner in _members(value):
        if parts[0] in ("*", str(part)):
            yield from _matches(inner, parts[1:], (*path, part))


def _members(value: Json) -> list[tuple[str | int, Json]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def at(value: Json, path: Path) -> Json:
    """What stands at a path that is known to exist."""
    for part in path:
        value = value[part]
    return value


# --- raw keys and SQL --------------------------------------------------------------------------


def _replace_key(value: Json, holder: Path, pseudonymise: Pseudonymise, edits: _Edits) -> None:
    holding = at(value, holder)
    if "key" not in holding or edits.covers(holder):
        return
    where = pointer((*holder, "key"))
    if "pseudonym" in holding:
        raise InputRefused(
            f"Both key and pseudonym stand at {pointer(holder) or 'the top'}; give one.", field=where
        )
    key, key_space = holding["key"], holding.get("key_space")
    if not isinstance(key, str) or not key:
        raise InputRefused("A key must be a text that is not empty.", field=where)
    if not isinstance(key_space, str):
        raise InputRefused("A key needs its key_space beside it.", field=pointer((*holder, "key_space")))
    try:
        made = pseudonymise(key_space, key)
    except InputRefused as error:
        raise InputRefused(error.message, field=pointer((*holder, "key_space"))) from error
    edits.add((*holder, "key"), Edit(made, "pseudonym"), "key", (*holder, "key"))


def _mask_sql(value: Json, place: SqlText, edits: _Edits) -> None:
    text = at(value, place.path)
    masked = "?" if place.is_literal or not isinstance(text, str) else mask(text, place.dialect)
    if masked != text:
        edits.add(place.path, Edit(masked), "sql", place.path)


# --- patterns ----------------------------------------------------------------------------------


def _apply_patterns(value: Json, patterns: Sequence[re.Pattern[str]], edits: _Edits) -> None:
    if not patterns:
        return
    stack: list[Path] = [()]
    while stack:
        path = stack.pop()
        inner = edits.pending(path, at(value, path))
        if isinstance(inner, str):
            _redact_text(inner, path, patterns, edits)
        elif path not in edits.by_path:
            stack += [(*path, part) for part, _ in _members(inner)]
    _redact_names(value, patterns, edits)


def _redact_text(text: str, path: Path, patterns: Sequence[re.Pattern[str]], edits: _Edits) -> None:
    left = _without(text, patterns)
    if left == text:
        return
    former = edits.by_path.pop(path, None)
    edits.add(path, Edit(left, None if former is None else former.name), "pattern", _shown(path, patterns))


def _without(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        text = pattern.sub(REDACTED, text)
    return text


def _shown(path: Path, patterns: Sequence[re.Pattern[str]]) -> Path:
    return tuple(_without(part, patterns) if isinstance(part, str) else part for part in path)


def _redact_names(value: Json, patterns: Sequence[re.Pattern[str]], edits: _Edits) -> None:
    """A member whose name matches is renamed, and what it holds goes: what it means is in its name."""
    stack: list[Path] = [()]
    while stack:
        path = stack.pop()
        for part, inner in _members(at(value, path)):
            here = (*path, part)
            if isinstance(part, str) and _without(part, patterns) != part:
                name = f"{_without(part, patterns)} {len(edits.by_path)}"
                edits.add(here, Edit(REDACTED, name), "pattern", _shown(here, patterns))
            elif isinstance(inner, dict | list) and not edits.covers(here):
                stack.append(here)
