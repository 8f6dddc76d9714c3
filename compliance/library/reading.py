"""Library files as data with line numbers: a small, safe part of YAML.

Pure. No anchors, aliases, tags, merge keys or duplicate keys; only true, false and null (or ~, or
nothing) are special words, only plain digits are numbers; everything else is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from compliance.canonical import Json
from compliance.errors import Fault

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_LEVELS = 20
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: Mapping[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}

Location: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the root of a document to a value."""


@dataclass(frozen=True)
class Document:
    """One library file: its value, and the line on which each part of it begins."""

    path: str
    value: Json
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """The line of a part, or of the nearest part around it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


@dataclass
class Faults:
    """What is wrong in the library, gathered so that all of it is shown at once."""

    found: list[Fault] = field(default_factory=list)

    def add(self, document: Document, location: Location, found: str, expected: str) -> None:
        """Note a fault at a part of a document."""
        self.at_line(document.path, document.line(location), found, expected)

    def at_line(self, path: str, line: int, found: str, expected: str) -> None:
        """Note a fault at a line."""
        self.found.append(Fault(path, line, found, expected))


class _Refused(Exception):
    def __init__(self, line: int, found: str, expected: str) -> None:
        super().__init__(found)
        self.line, self.found, self.expected = line, found, expected


def read_document(path: str, text: str, faults: Faults) -> Document | None:
    """The file's value with its lines; None, and a fault, where it cannot be read."""
    if len(text) > MAX_CHARACTERS:
        faults.at_line(path, 1, f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
        return None
    try:
        builder = _Builder()
        for event in yaml.parse(text, Loader=_PARSER):
            builder.take(event)
        return Document(path, builder.root, builder.lines)
    except _Refused as error:
        faults.at_line(path, error.line, error.found, error.expected)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "a character that YAML does not take"
        faults.at_line(path, mark.line + 1 if mark else 1, str(problem), "YAML")
    except UnicodeError:
        faults.at_line(path, 1, "text that is not well-formed Unicode", "UTF-8")
    return None


@dataclass
class _Frame:
    container: dict[str, Json] | list[Json]
    location: Location
    key: str | None = None


class _Builder:
    """Builds a value out of parser events, and refuses what the library does not use."""

    def __init__(self) -> None:
        self.root: Json = None
        self.lines: dict[Location, int] = {}
        self._frames: list[_Frame] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "an anchor or alias", "the value itself, written out")
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise _Refused(line, f"the tag {tag}", "a value without a tag")
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _Refused(line, "a second document", "one document in a file")
            case yaml.MappingStartEvent():
                self._open({}, line)
            case yaml.SequenceStartEvent():
                self._open([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._frames.pop()
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case _:
                pass

    def _open(self, container: dict[str, Json] | list[Json], line: int) -> None:
        if len(self._frames) >= MAX_LEVELS:
            raise _Refused(line, f"more than {MAX_LEVELS} levels", "a flatter file")
        location = self._put(container, line)
        self._frames.append(_Frame(container, location))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.container, dict) and frame.key is None:
            self._key(frame, event.value, line)
            return
        plain = event.style in {None, ""} and event.tag != "!"
        self._put(_resolved(event.value) if plain else event.value, line)

    def _key(self, frame: _Frame, key: str, line: int) -> None:
        if key == "<<":
            raise _Refused(line, "the merge key <<", "the keys themselves, written out")
        if key in frame.container:
            raise _Refused(line, f"the key {key!r} twice", "each key once")
        frame.key = key
        self.lines[(*frame.location, key)] = line

    def _put(self, value: Json, line: int) -> Location:
        if not self._frames:
            self.root = value
            self.lines[()] = line
            return ()
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            location: Location = (*frame.location, len(frame.container))
            frame.container.append(value)
            self.lines[location] = line
            return location
        if frame.key is None:
            raise _Refused(line, "a list or mapping as a key", "a word")
        location = (*frame.location, frame.key)
        frame.container[frame.key] = value
        frame.key = None
        return location


def _resolved(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
