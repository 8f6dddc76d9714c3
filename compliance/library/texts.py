"""Plain texts of the library: ``{field}`` of the fact's schema, and durations.

Pure. A text is never a template of another kind: nothing is looked up but named fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from compliance.canonical import Json, format_time
from compliance.facts import FactSchema, Field

_PLACE = re.compile(r"\{([^{}]*)\}")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1),
          "y": timedelta(days=366)}  # fmt: skip
SHOWN_ITEMS = 5
"""Elements of a list that a text shows."""
SHOWN_CHARACTERS = 200
"""Characters of a value that a text shows."""
RESOURCE = "resource"


def duration(text: str) -> timedelta:
    """A duration as the library writes it: ``90m``, ``24h``, ``7d``, ``2w``, ``6y``.

    A year is 366 days, so that a retention never falls short of the calendar's.
    """
    return int(text[:-1]) * _UNITS[text[-1]]


def places_in(text: str) -> list[str]:
    """The names in braces, in their order; a brace that stands alone is a place named by it."""
    loose = re.findall(r"[{}]", _PLACE.sub("", text))
    return [match[1].strip() for match in _PLACE.finditer(text)] + loose


def paths_of(schema: FactSchema) -> tuple[str, ...]:
    """Every dotted path of a schema's fields, in their order."""

    def below(fields: tuple[Field, ...], prefix: str) -> list[str]:
        found = []
        for part in fields:
            found += [f"{prefix}{part.name}", *below(part.fields, f"{prefix}{part.name}.")]
        return found

    return tuple(below(schema.fields, ""))


def filled(text: str, resource: str, value: Mapping[str, Json]) -> str:
    """A text with its places filled. What was not seen says so."""

    def put(match: re.Match[str]) -> str:
        name = match[1].strip()
        return plain(resource) if name == RESOURCE else plain(value_at(value, name))

    return _PLACE.sub(put, text)


_NOT_SEEN = object()


def value_at(value: Json, path: str) -> object:
    """The value at a dotted path; of a list of records, the list of its members' values."""
    for name in path.split("."):
        if isinstance(value, list | tuple):
            value = [
                member.get(name, _NOT_SEEN) if isinstance(member, Mapping) else _NOT_SEEN for member in value
            ]
        elif value is None:
            return None
        else:
            value = value.get(name, _NOT_SEEN) if isinstance(value, Mapping) else _NOT_SEEN
        if value is _NOT_SEEN:
            return value
    return value


def plain(value: object) -> str:
    """A value in words: true, absent, not seen, a list cut after five elements."""
    match value:
        case bool():
            shown = "true" if value else "false"
        case datetime():
            shown = format_time(value)
        case list() | tuple():
            shown = _listed(value)
        case Mapping():
            shown = f"({_cut(', '.join(f'{key} {plain(inner)}' for key, inner in value.items()))})"
        case _:
            shown = {id(None): "absent", id(_NOT_SEEN): "not seen"}.get(id(value)) or _cut(str(value))
    return shown


def _listed(value: Sequence[object]) -> str:
    shown = ", ".join(plain(item) for item in value[:SHOWN_ITEMS]) or "none"
    more = len(value) - SHOWN_ITEMS
    return f"{shown} and {more} more" if more > 0 else shown


def _cut(text: str) -> str:
    """Hostile text in one line: what a page, a terminal or a spreadsheet could act on is taken out."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return clean if len(clean) <= SHOWN_CHARACTERS else clean[:SHOWN_CHARACTERS] + "…"


def span(value: timedelta) -> str:
    """A length of time in its largest two units: ``3 days 2 hours``, ``5 minutes``."""
    minutes = int(value.total_seconds() // 60)
    parts = [(minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute")]
    shown = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count][:2]
    return " ".join(shown) or "less than a minute"
