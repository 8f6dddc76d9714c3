"""How readers make a fragment of an answer: each field is seen, or unseen with the cause. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from collectors.items import SeenItem
from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused
from compliance.facts import Fragment, Unseen

Fields: TypeAlias = Mapping[str, Callable[[], Json | Unseen]]
"""How each field is read. A reading that fails leaves its field unseen, cause unreadable."""
UNREADABLE = (InputRefused, AttributeError, LookupError, TypeError, ValueError, OverflowError)


def fragment(
    seen: SeenItem, fact: str, resource: str, part: str, fields: Fields, *, dated: bool = False
) -> Fragment:
    """What one item says about one resource."""
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    for name, reading in fields.items():
        try:
            found = reading()
        except UNREADABLE as error:
            found = Unseen(
                "unreadable", f"{seen.action} states {name} in a form that cannot be read: {error}"
            )
        if isinstance(found, Unseen):
            unseen[name] = found
        else:
            value[name] = found
    return Fragment(fact, resource, seen.item.scope, part, value, seen.instant, seen.evidence, unseen, dated)


def hidden(
    seen: SeenItem, fact: str, resource: str, part: str, names: Iterable[str], why: Unseen
) -> Fragment:
    """A fragment in which nothing could be seen."""
    return Fragment(
        fact, resource, seen.item.scope, part, {}, seen.instant, seen.evidence, dict.fromkeys(names, why)
    )


# --- values of hostile JSON, each refused where it has another form --------------------------------


def text(value: Json) -> str:
    """A text that is not empty. Raises InputRefused."""
    if not isinstance(value, str) or not value:
        raise InputRefused(f"a {type(value).__name__}, expected a text")
    return value


def text_or_none(value: Json) -> str | None:
    """A text, or None where there is none. Raises InputRefused."""
    return None if value in (None, "") else text(value)


def whole(value: Json) -> int:
    """A whole number. Raises InputRefused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputRefused(f"a {type(value).__name__}, expected a whole number")
    return value


def flag(value: Json) -> bool:
    """True or false. Raises InputRefused."""
    if not isinstance(value, bool):
        raise InputRefused(f"a {type(value).__name__}, expected true or false")
    return value


def time(value: Json) -> str:
    """A time as facts carry it: RFC 3339 in UTC. Raises InputRefused."""
    return format_time(parse_time(value))


def time_or_none(value: Json) -> str | None:
    """A time, or None where there is none. Raises InputRefused."""
    return None if value in (None, "") else time(value)


def members(value: Json, what: str = "list") -> list[dict[str, Json]]:
    """A list of objects, empty where it is left out. Raises InputRefused."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
        raise InputRefused(f"{what} is no list of objects", field=what)
    return value


def texts(value: Json) -> list[str]:
    """A list of texts, sorted, each once; empty where it is left out. Raises InputRefused."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        raise InputRefused("no list of texts")
    return sorted(set(value))
