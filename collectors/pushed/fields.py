"""Checking the fields of a received item, each refusal naming the field by its JSON pointer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from collectors.pushed.spans import Path, pointer
from compliance.canonical import Json, is_pseudonym, parse_time
from compliance.errors import InputRefused


def member(item: Json, path: Path) -> Json:
    """What stands at a path; None where anything on the way is missing."""
    for part in path:
        # The exact type first: asking an abstract class takes ten times as long, at every field.
        if (type(item) is dict or isinstance(item, Mapping)) and isinstance(part, str):
            item = item.get(part)
        elif isinstance(item, list) and isinstance(part, int) and part < len(item):
            item = item[part]
        else:
            return None
    return item


def text(item: Json, *path: str | int) -> str:
    """A text that is not empty. Raises InputRefused."""
    value = member(item, path)
    if isinstance(value, str) and value.strip():
        return value
    raise _refused(path, value, "a text that is not empty")


def optional_text(item: Json, *path: str | int) -> str | None:
    """A text, or nothing. Raises InputRefused."""
    return None if member(item, path) is None else text(item, *path)


def one_of(item: Json, allowed: Sequence[str], *path: str | int) -> str:
    """One of the allowed words. Raises InputRefused listing them."""
    value = member(item, path)
    if isinstance(value, str) and value in allowed:
        return value
    raise _refused(path, value, f"one of {', '.join(allowed)}")


def time(item: Json, *path: str | int) -> datetime:
    """An RFC 3339 time with a zone. Raises InputRefused."""
    where = pointer(path)
    value = member(item, path)
    if value is None:
        raise _refused(path, value, "an RFC 3339 time with a zone")
    return parse_time(value, field=where)


def optional_time(item: Json, *path: str | int) -> datetime | None:
    """An RFC 3339 time with a zone, or nothing. Raises InputRefused."""
    return None if member(item, path) is None else time(item, *path)


def optional_days(item: Json, *path: str | int) -> int | None:
    """A whole number of days, zero or more, or nothing. Raises InputRefused."""
    value = member(item, path)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise _refused(path, value, "a whole number of days")


def each(item: Json, check: Callable[..., object], *path: str | int) -> Iterator[int]:
    """Check every element of an array by a check of this module, and give their positions."""
    value = member(item, path)
    if not isinstance(value, list):
        raise _refused(path, value, "an array")
    for number in range(len(value)):
        check(item, *path, number)
        yield number


def texts(item: Json, *path: str | int) -> None:
    """An array of texts. Raises InputRefused."""
    list(each(item, text, *path))


def mapping(item: Json, *path: str | int) -> Mapping[str, Json]:
    """An object. Raises InputRefused."""
    value = member(item, path)
    if type(value) is dict or isinstance(value, Mapping):
        return value
    raise _refused(path, value, "an object")


def pseudonymous(item: Json, *path: str | int) -> None:
    """A ``key_space`` with a ``pseudonym`` beside it, as raw keys have been replaced already."""
    text(item, *path, "key_space")
    optional_text(item, *path, "key_id")
    value = member(item, (*path, "pseudonym"))
    if value is None:
        raise _refused((*path, "pseudonym"), None, "a pseudonym of 32 lower-case hex digits, or a key")
    if not is_pseudonym(value):
        # What stands here may be a raw key by mistake: it is not repeated.
        message = f"{pointer((*path, 'pseudonym'))} is no pseudonym; expected 32 lower-case hex digits."
        raise InputRefused(message, field=pointer((*path, "pseudonym")))


def dataset(item: Json, *path: str | int) -> tuple[str, str]:
    """The namespace and name of a dataset. Raises InputRefused."""
    return text(item, *path, "namespace"), text(item, *path, "name")


def _refused(path: Path, value: Json, expected: str) -> InputRefused:
    where = pointer(path)
    found = "missing" if value is None else f"{_shape(value)}"
    return InputRefused(f"{where or 'The item'} is {found}; expected {expected}.", field=where)


def _shape(value: Json) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "another text" if value.strip() else "empty"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case _:
            return "an object"
