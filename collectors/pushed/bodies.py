"""Taking a received body apart into its items, and putting it together again, byte for byte.

Pure. A body is one JSON object, a JSON array, or NDJSON (one JSON document a line).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from collectors.pushed.spans import elements, patched
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused, TooLarge

Layout = Literal["object", "array", "lines"]
MOST_ITEMS = 500_000
"""Items of one body: more than fit into the default limit on its size, unless they are next to nothing."""
JSON_TYPE = "application/json"
LINES_TYPE = "application/x-ndjson"
_LINE = re.compile(r"[^\n]+")
LINES_TYPES = frozenset({LINES_TYPE, "application/jsonl", "application/ndjson", "application/jsonlines"})


@dataclass(frozen=True)
class Body:
    """A body taken apart. ``places`` name each item as an error does: ``/3``, ``line 4``, or nothing."""

    text: str
    layout: Layout
    values: tuple[Json, ...]
    places: tuple[str, ...]

    @property
    def media_type(self) -> str:
        """The media type that says how to take the stored bytes apart again."""
        return LINES_TYPE if self.layout == "lines" else JSON_TYPE

    @cached_property
    def slices(self) -> list[tuple[int, int]]:
        """Where each item stands in the text."""
        match self.layout:
            case "object":
                return [(0, len(self.text))]
            case "array":
                return elements(self.text)
            case "lines":
                return [match.span() for match in _LINE.finditer(self.text) if match.group().strip()]

    def item_text(self, number: int) -> str:
        """The text of one item, as received."""
        start, end = self.slices[number]
        return self.text[start:end]

    def with_changed(self, changed: Mapping[int, str]) -> bytes:
        """The body with the texts of some items replaced and every other byte kept."""
        changes = sorted((*self.slices[number], text) for number, text in changed.items())
        return patched(self.text, changes).encode()

    def of_only(self, texts: Sequence[str]) -> bytes:
        """An array of these item texts alone."""
        return ("[" + ",".join(texts) + "]").encode()


def take_apart(body: bytes, *, media_type: str = "") -> Body:
    """The items of a body. Raises InputRefused or TooLarge naming what is wrong, and in which line."""
    text = _text(body)
    start = text.lstrip(" \t\r\n")[:1]
    if not start:
        raise InputRefused("The body is empty; expected a JSON object, a JSON array or NDJSON.", field="")
    if start == "[":
        values = strict_json(body)
        _refuse_too_many(len(values))
        return _checked(
            Body(text, "array", tuple(values), tuple(f"/{number}" for number in range(len(values))))
        )
    if media_type.partition(";")[0].strip().lower() in LINES_TYPES or _is_many_lines(text):
        return _lines(text)
    return _checked(Body(text, "object", (strict_json(body),), ("",)))


def _text(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise InputRefused(
            "The body starts with a byte order mark; expected plain UTF-8 (RFC 8259).", field=""
        )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputRefused(
            f"The body is not UTF-8: {error.reason} at byte {error.start}.", field=""
        ) from error


def _is_many_lines(text: str) -> bool:
    """Whether the first line is a document of its own, with more behind it."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip():
        return False
    try:
        strict_json(first.encode())
    except InputRefused:
        return False
    return True


def _lines(text: str) -> Body:
    values: list[Json] = []
    places: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        _refuse_too_many(len(values) + 1)
        values.append(_line(line, number))
        places.append(f"line {number}")
    if not values:
        raise InputRefused("The body is empty; expected one JSON document a line.", field="")
    return _checked(Body(text, "lines", tuple(values), tuple(places)))


def _refuse_too_many(items: int) -> None:
    if items > MOST_ITEMS:
        message = f"The body has more than {MOST_ITEMS} items; send it in parts."
        raise TooLarge(message, field="body")


def _line(line: str, number: int) -> Json:
    try:
        return strict_json(line.encode(), what=f"line {number}")
    except InputRefused as error:
        raise type(error)(error.message, field=f"line {number}") from error


_SUSPECT = re.compile(r"[0-9][eE]|[0-9]{300}|\\u")
"""Without any of these, a text in ASCII holds neither an infinite number nor half of a surrogate pair."""


def _checked(body: Body) -> Body:
    """Refuse what JSON can write and no store can keep: infinite numbers, halves of surrogate pairs."""
    if body.text.isascii() and not _SUSPECT.search(body.text):
        return body
    for value, place in zip(body.values, body.places, strict=True):
        for leaf in _leaves(value):
            if isinstance(leaf, float) and not math.isfinite(leaf):
                raise InputRefused("A number is too large to be read.", field=place)
            if isinstance(leaf, str) and not _is_unicode(leaf):
                raise InputRefused("A text holds half of a surrogate pair, which is no Unicode.", field=place)
    return body


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _leaves(value: Json) -> Iterator[Json]:
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, dict):
            stack.extend(inner.values())
            yield from inner
        elif isinstance(inner, list):
            stack.extend(inner)
        else:
            yield inner
