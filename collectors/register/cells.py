"""A row's cells as a fact's fields: each seen, or unseen with the cause. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from collectors.register.rows import Row
from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused
from compliance.facts import FactSchema, Field, Unseen

ID = "id"
DATE = len("2026-11-23")
INT64 = 2**63
WORDS = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
SEPARATOR = ";"


@dataclass(frozen=True)
class Read:
    """What a row says, and in sentences without its values what is wrong with it."""

    resource: str
    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    faults: tuple[str, ...] = field(default=())


def read_row(name: str, row: Row, schema: FactSchema) -> Read:
    """The row as a fact. Raises InputRefused where it has no id. ``name`` is the file's."""
    where = f"{name}:{row.line}"
    resource = row.value.get(ID)
    if isinstance(resource, bool) or not isinstance(resource, str | int) or not str(resource).strip():
        raise InputRefused(f"{where}: the row has no id; expected a text in the column id.")
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    faults: list[str] = []
    for one in schema.fields:
        try:
            found = _cell(row, one, str(resource).strip())
        except InputRefused as error:
            faults.append(f"{where}: {one.name} is {error.message}")
            found = Unseen("unreadable", f"{where} states {one.name} as {error.message}")
        if isinstance(found, Unseen):
            unseen[one.name] = found
        else:
            value[one.name] = found
    known = {ID} | {one.name for one in schema.fields}
    faults += [f"{where}: the register {schema.name} has no column {name_!r}"
               for name_ in sorted(set(row.value) - known) if row.header is None]  # fmt: skip
    return Read(str(resource).strip(), value, unseen, tuple(faults))


def _cell(row: Row, one: Field, resource: str) -> Json | Unseen:
    """A column that CSV's header lacks was never asked; one that is left out of an object is empty."""
    if one.name == ID:
        return resource
    raw = row.value.get(one.name)
    if row.header is not None:
        if one.name not in row.header:
            return Unseen("missing", f"the file has no column {one.name}")
        return _absent(one) if not str(raw).strip() else _of_text(one, str(raw).strip())
    if one.name not in row.value or raw is None:
        if one.optional:
            return None
        return Unseen("missing", f"the row states no {one.name}")
    return _of_json(one, raw)


def _absent(one: Field) -> Json | Unseen:
    if one.optional:
        return None
    return [] if one.type in ("strings", "records") else Unseen("missing", f"the cell {one.name} is empty")


def _of_text(one: Field, text: str) -> Json:
    match one.type:
        case "bool":
            if text.lower() not in WORDS:
                raise InputRefused("a text; expected true or false")
            return WORDS[text.lower()]
        case "int":
            return _of_json(one, _number(text, int))
        case "double":
            return _of_json(one, _number(text, float))
        case "strings":
            return [part.strip() for part in text.split(SEPARATOR) if part.strip()]
        case "records" | "record":
            raise InputRefused("a text; a CSV file cannot hold this column, use YAML or JSON")
        case _:
            return _of_json(one, text)


def _number(text: str, made: type[int | float]) -> int | float:
    try:
        return made(text)
    except ValueError as error:
        raise InputRefused("no number") from error


def _of_json(one: Field, raw: Json) -> Json:
    if not FITS[one.type](raw):
        raise InputRefused(f"a {_called(raw)}; expected {EXPECTED[one.type]}")
    match one.type:
        case "string":
            return str(raw)
        case "double":
            return float(raw)
        case "time":
            return _time(raw)
        case "strings":
            return [str(part) for part in raw]
        case "records":
            return [_record(one, part) for part in raw]
        case _:
            return _record(one, raw) if one.type == "record" else raw


def _is_number(raw: Json) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw)


FITS: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda raw: isinstance(raw, str) or _is_number(raw),
    "bool": lambda raw: isinstance(raw, bool),
    "int": lambda raw: isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < INT64,
    "double": _is_number,
    "time": lambda raw: isinstance(raw, str),
    "strings": lambda raw: isinstance(raw, list) and all(isinstance(part, str | int) for part in raw),
    "record": lambda raw: isinstance(raw, dict),
    "records": lambda raw: isinstance(raw, list) and all(isinstance(part, dict) for part in raw),
}
EXPECTED = {
    "string": "a text", "int": "a whole number", "double": "a number", "bool": "true or false",
    "time": "a date such as 2026-11-23, or a time with its zone", "strings": "a list of texts",
    "record": "an object", "records": "a list of objects",
}  # fmt: skip


def _called(raw: Json) -> str:
    named = {bool: "truth value", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return named.get(type(raw), "value")


def _time(raw: str) -> str:
    """A date alone is its first moment in UTC."""
    try:
        return format_time(parse_time(f"{raw}T00:00:00Z" if len(raw) == DATE else raw))
    except InputRefused as error:
        raise InputRefused(f"a text that is no time; expected {EXPECTED['time']}") from error


def _record(one: Field, raw: Mapping[str, Json]) -> Json:
    made: dict[str, Json] = {}
    for inner in one.fields:
        if raw.get(inner.name) is None:
            if not inner.optional:
                raise InputRefused(f"an object without {inner.name}")
            made[inner.name] = None
        else:
            made[inner.name] = _of_json(inner, raw[inner.name])
    return made
