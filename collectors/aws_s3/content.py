"""S3's answers as values: XML in which any element may come several times, and policies in JSON. Pure."""

from __future__ import annotations

from collectors.aws.content import xml_value
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

TEXT = ""
"""The name under which the text of a root element without elements stands."""


def content(body: bytes) -> dict[str, Json]:
    """What an answer says: the members of a JSON object, or each element's values by its name."""
    if not body.lstrip().startswith(b"<"):
        value = strict_json(body, what="answer")
        if not isinstance(value, dict):
            raise InputRefused(f"The answer is a {type(value).__name__}; expected an object.")
        return value
    name, value = xml_value(body, _grouped)
    if name == "Error":
        raise InputRefused("The answer is an Error under a status of success.")
    return value if isinstance(value, dict) else {TEXT: [value]}


def _grouped(children: list[tuple[str, Json]]) -> Json:
    grouped: dict[str, list[Json]] = {}
    for name, value in children:
        grouped.setdefault(name, []).append(value)
    return grouped


def one(said: Json, *path: str) -> Json:
    """The first value along a path of elements, or None where there is none. Raises InputRefused."""
    value = said
    for name in path:
        if value in (None, ""):
            return None
        if not isinstance(value, dict):
            raise InputRefused(f"{name} does not stand in an element of elements")
        value = next(iter(value.get(name, ())), None)
    return value


def every(said: Json, name: str) -> list[Json]:
    """All values of an element. Raises InputRefused."""
    if said in (None, ""):
        return []
    if not isinstance(said, dict):
        raise InputRefused(f"{name} does not stand in an element of elements")
    found: list[Json] = said.get(name, [])
    return found
