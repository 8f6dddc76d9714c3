"""What a bound does to the projections: the facts of content that is gone go, and why stands in their place.

The same rows come out whether an entry was read while its content was there, or is read after: that is
what makes a rebuild equal to what is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.engine import Connection

from compliance import membership
from compliance.bounds import Bound
from compliance.bulk import put
from compliance.tables import DefectRow, UnreadableRow

_SAID = ("fragment", "listing", "received", "defect", "unreadable")
"""Tables of what entries say, each with the index of the entry."""


def forget(connection: Connection, bound: Bound, kinds: Iterable[str]) -> None:
    """Take away what the entries concerned said. ``kinds`` are those that are read at all."""
    gone = _concerned(connection, bound)
    _wipe(connection, (*_SAID, "difference"), gone)
    read = frozenset(kinds)
    _say(
        connection,
        [row for row in _rows(connection, gone) if row["kind"] in read],
        bound.sentence,
        bound.index,
    )
    _forget_dependents(connection, gone)


def without_base(base: int) -> str:
    """Why a manifest that is kept as a difference cannot be read."""
    return f"it states its difference to the manifest of entry {base}, which cannot be read"


def _concerned(connection: Connection, bound: Bound) -> list[int]:
    """The entries concerned, less those that an earlier bound has dealt with."""
    asked = [
        (
            "SELECT log_index FROM entry WHERE sealed_by = :name AND log_index < :index",
            {"name": name, "index": bound.index},
        )
        for name, _ in bound.keys
    ]
    asked += [
        (
            "SELECT log_index FROM entry WHERE log_index BETWEEN :first AND :last AND log_index < :index",
            {"first": first, "last": last, "index": bound.index},
        )
        for first, last in bound.spans
    ]
    found = {index for statement, values in asked for (index,) in connection.execute(text(statement), values)}
    before = connection.execute(text("SELECT log_index FROM unreadable WHERE by_index IS NOT NULL"))
    return sorted(found - {index for (index,) in before})


def _forget_dependents(connection: Connection, gone: Sequence[int]) -> None:
    """Manifests that are differences to one that is gone, and differences to those."""
    bases = list(gone)
    while bases:
        dependents: list[int] = []
        for base in bases:
            found = connection.execute(
                text("SELECT log_index FROM difference WHERE base_index = :base ORDER BY log_index"),
                {"base": base},
            )
            indexes = [index for (index,) in found]
            _wipe(connection, _SAID, indexes)
            _say(connection, _rows(connection, indexes), without_base(base), None)
            dependents += indexes
        bases = dependents


def _wipe(connection: Connection, tables: Iterable[str], indexes: Sequence[int]) -> None:
    if indexes:
        membership.forget(connection, indexes)
        for table in tables:
            statement = f"DELETE FROM {table} WHERE log_index = :index"  # noqa: S608 (names of our own tables)
            connection.execute(text(statement), [{"index": index} for index in indexes])


def _rows(connection: Connection, indexes: Iterable[int]) -> list[Mapping[str, object]]:
    ask = text("SELECT log_index, kind, source, instant FROM entry WHERE log_index = :index")
    found = (connection.execute(ask, {"index": index}).mappings().first() for index in indexes)
    return [dict(row) for row in found if row is not None]


def _say(connection: Connection, rows: Sequence[Mapping[str, object]], why: str, by: int | None) -> None:
    put(connection, UnreadableRow, [{**row, "why": why, "by_index": by} for row in rows])
    put(
        connection, DefectRow,
        [{"log_index": row["log_index"], "evidence": str(row["log_index"]), "what": f"unreadable: {why}"} for row in rows],
    )  # fmt: skip
