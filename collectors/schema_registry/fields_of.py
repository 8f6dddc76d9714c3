"""The fields of an Avro or JSON schema, with the tags that they bear. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

INLINE = "confluent:tags"
PROTO_FIELD = re.compile(
    r"^\s*(?:repeated\s+|optional\s+|required\s+)?(?:map\s*<[^>]*>|[A-Za-z_][\w.]*)\s+([A-Za-z_]\w*)\s*=\s*\d+\s*[;\[]",
    re.MULTILINE,
)


@dataclass
class Described:
    """Paths of fields, tags of the whole, and (path, tag) of tagged fields."""

    fields: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    tagged: set[tuple[str, str]] = field(default_factory=set)


def described(schema_type: str, schema: str, metadata: Json) -> Described:
    """What a schema and its metadata say. Raises InputRefused where it cannot be read."""
    found = Described()
    match schema_type:
        case "AVRO":
            _avro(_parsed(schema), "", found)
        case "JSON":
            _json(_parsed(schema), "", found)
        case "PROTOBUF":
            found.fields |= set(PROTO_FIELD.findall(schema))
        case other:
            raise InputRefused(f"a schema of type {other!r}; expected AVRO, JSON or PROTOBUF")
    _metadata(metadata, found)
    return found


def _parsed(schema: str) -> Json:
    return strict_json(schema.encode("utf-8", "surrogatepass"), what="schema")


def _tags(value: Mapping[str, Json]) -> Iterator[str]:
    stated = value.get(INLINE, [])
    if not isinstance(stated, list) or not all(isinstance(tag, str) for tag in stated):
        raise InputRefused(f"{INLINE} is no list of texts")
    yield from stated


def _take(path: str, value: Mapping[str, Json], found: Described) -> None:
    found.fields.add(path)
    found.tagged |= {(path, tag) for tag in _tags(value)}


def _avro(schema: Json, before: str, found: Described) -> None:
    """Records within arrays, maps and unions are gone into; a type that is named only is not."""
    if isinstance(schema, list):
        for one in schema:
            _avro(one, before, found)
    elif isinstance(schema, dict):
        for one in schema.get("fields", ()) if schema.get("type") == "record" else ():
            path = f"{before}{one['name']}"
            _take(path, one, found)
            _avro(one.get("type"), f"{path}.", found)
        for inner in ("items", "values"):
            _avro(schema.get(inner), before, found)
        if isinstance(schema.get("type"), dict | list):
            _avro(schema["type"], before, found)


def _json(schema: Json, before: str, found: Described) -> None:
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    for name, one in properties.items() if isinstance(properties, dict) else ():
        if isinstance(one, dict):
            _take(f"{before}{name}", one, found)
            _json(one, f"{before}{name}.", found)
    _json(schema.get("items"), before, found)


def _metadata(metadata: Json, found: Described) -> None:
    """Tags by path; ``*`` and ``**`` stand for any field, so such a path is kept as it is written."""
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    for path, names in tags.items() if isinstance(tags, dict) else ():
        for tag in names:
            if path in ("", "$", "**"):
                found.tags.add(str(tag))
            else:
                found.tagged.add((path.removeprefix("$.").removeprefix("**."), str(tag)))
