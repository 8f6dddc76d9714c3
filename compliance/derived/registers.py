"""Rows of registers that people keep, and whether the absence of a row means anything.

Pure. A register that was never listed, or not whole, hides what would only hold by absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.derived.joining import Looked, look
from compliance.facts import Fact, FactBase, Unseen


def unlisted(base: FactBase, *types: str) -> Unseen | None:
    """Why the absence of a row of these types says nothing; None where it does."""
    return next((why for type_ in types if (why := _unlisted(base, type_)) is not None), None)


def _unlisted(base: FactBase, type_: str) -> Unseen | None:
    scopes = base.scopes(type_)
    failing = next((scope for scope in scopes if scope.cause is not None), None)
    if failing is not None and failing.cause is not None:
        return Unseen(failing.cause, f"{failing.source}, {failing.scope}: {failing.detail}")
    return None if scopes else Unseen("missing", f"no source lists {type_}")


def unplaced(base: FactBase, type_: str, *fields: str) -> Unseen | None:
    """The same, also where a row hides a field that says what it is about: it may be about anything."""
    return unlisted(base, type_) or hidden(base.facts(type_), *fields)


def by(rows: Iterable[Fact], key: Callable[[Fact], Iterable[str]]) -> Mapping[str, list[Fact]]:
    """Rows by each of the names that they bear; a row may stand under several."""
    found: dict[str, list[Fact]] = defaultdict(list)
    for row in rows:
        for name in key(row):
            found[name].append(row)
    return found


def names(row: Fact, field: str) -> list[str]:
    """A list of names in a row; empty where it could not be seen, which ``hidden`` tells."""
    held = look(row, field)
    if isinstance(held, Unseen) or held is None:
        return []
    return [str(one) for one in held] if isinstance(held, list | tuple) else [str(held)]


def hidden(rows: Iterable[Fact], *fields: str) -> Unseen | None:
    """The first of these fields that some row hides."""
    held = (look(row, field) for row in rows for field in fields)
    return next((one for one in held if isinstance(one, Unseen)), None)


def when(row: Fact, field: str) -> datetime | None:
    """A time in a row; None where it is absent or could not be seen."""
    held = look(row, field)
    return None if isinstance(held, Unseen) or held is None else as_time(held)


def as_time(held: Json) -> datetime:
    """A value of the type time, in whichever of its two forms."""
    return held if isinstance(held, datetime) else parse_time(str(held))


def seen_is(row: Fact, field: str, wanted: Json) -> bool:
    """Whether a field was seen with this value."""
    held = look(row, field)
    return not isinstance(held, Unseen) and held == wanted


def evidence_of(*rows: Fact) -> set[str]:
    """What rows rest on."""
    return {name for row in rows for name in row.evidence}


def absent_unless(row: Fact | None, fields: Iterable[str], whole: Unseen | None) -> dict[str, Looked]:
    """The fields of a row; without a row each is absent, or unseen where the register was not seen whole."""
    if row is not None:
        return {field: look(row, field) for field in fields}
    return dict.fromkeys(fields, whole)
