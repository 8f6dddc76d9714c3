"""Where the values of a JSON text stand, so that a few of them can be replaced and nothing else changed.

Pure. Evidence is stored byte for byte; where something in it must be replaced, the bytes around it
stay as they were received.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from compliance.canonical import Json

Path: TypeAlias = tuple[str | int, ...]
"""The member names and positions that lead from a document's top to a value in it."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


@dataclass(frozen=True)
class Edit:
    """What shall stand in a value's place, and the name that its member shall have instead."""

    value: Json
    name: str | None = None


@dataclass
class _Level:
    """One open array or object of the scan."""

    is_object: bool
    start: int
    part: str | int = 0
    name: tuple[int, int] | None = None


@dataclass(frozen=True)
class Span:
    """Where one value stands in the text, and where its member's name stands, quotes included."""

    path: Path
    start: int
    end: int
    name: tuple[int, int] | None


def spans(text: str) -> Iterator[Span]:
    """The span of every value of a JSON text, inner ones before those that hold them.

    The text must have been parsed before: what is no JSON gives spans without meaning.
    """
    levels: list[_Level] = []
    at_name = False
    for match in _TOKEN.finditer(text):
        mark = match.group()
        if mark in "{[":
            levels.append(_Level(mark == "{", match.start()))
            at_name = mark == "{"
        elif mark in "}]":
            level = levels.pop()
            yield _span(levels, level.start, match.end())
        elif mark == ",":
            at_name = levels[-1].is_object
            _next_position(levels[-1])
        elif mark == ":":
            at_name = False
        elif at_name:
            levels[-1].part, levels[-1].name = json.loads(mark), match.span()
        else:
            yield _span(levels, match.start(), match.end())


def _span(levels: list[_Level], start: int, end: int) -> Span:
    return Span(tuple(level.part for level in levels), start, end, levels[-1].name if levels else None)


def _next_position(level: _Level) -> None:
    if isinstance(level.part, int) and not level.is_object:
        level.part += 1


def replaced(text: str, edits: Mapping[Path, Edit]) -> str:
    """The text with the values at these paths replaced; every other character is kept.

    No path may lie inside another.
    """
    changes: list[tuple[int, int, str]] = []
    for span in spans(text):
        edit = edits.get(span.path)
        if edit is None:
            continue
        changes.append((span.start, span.end, json.dumps(edit.value, ensure_ascii=False)))
        if edit.name is not None and span.name is not None:
            changes.append((*span.name, json.dumps(edit.name, ensure_ascii=False)))
    return patched(text, sorted(changes))


def patched(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """The text with what stands from one position up to another replaced, in ascending order."""
    kept, position = [], 0
    for start, end, new in changes:
        kept += [text[position:start], new]
        position = end
    return "".join([*kept, text[position:]])


def elements(text: str) -> list[tuple[int, int]]:
    """Where each element of a JSON array stands, in order, without the space around it."""
    decoder, found = json.JSONDecoder(), []
    position = _skip(text, text.index("[") + 1)
    while text[position] != "]":
        _, end = decoder.raw_decode(text, position)
        found.append((position, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found


_SPACE = re.compile(r"[ \t\n\r]*")


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()
