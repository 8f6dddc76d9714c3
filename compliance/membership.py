"""Which manifests hold a pseudonym: membership coded as intervals over the manifests of a series.

A manifest that is kept as its difference to the newest one of its series continues that series; any other begins one.
A person is then one row for each time they joined, ``[since, until)`` in log indices, however many manifests held them in
between: 99 of 100 members who stay cost nothing. It is exact: who leaves and comes again has two rows, and a manifest that
is the difference to an older one than the newest begins a series of its own with a copy of that one's members.

Statements on SQLite and PostgreSQL alike, within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection

from compliance.bulk import copy, put
from compliance.tables import ManifestRow

PRESENT = 0
"""``until`` of those who have not left."""
AT_ONCE = 500
"""Pseudonyms asked for in one statement: fewer than any database's limit of parameters."""
_HOLDING = text(
    "SELECT m.pseudonym, s.log_index FROM member AS m JOIN manifest AS s ON s.series = m.series"
    " AND m.since <= s.log_index AND (m.until = 0 OR m.until > s.log_index)"
    " WHERE m.pseudonym IN :asked AND s.log_index < :size ORDER BY s.log_index"
).bindparams(bindparam("asked", expanding=True))
_MEMBERS = text(
    "SELECT pseudonym FROM member WHERE series = :series AND since <= :index AND (until = 0 OR until > :index)"
    " ORDER BY pseudonym"
)


@dataclass(frozen=True, slots=True)
class Stated:
    """What an entry states: who joined and who left since its base; without a base, everybody joined."""

    index: int
    base: int | None
    joined: Sequence[bytes]
    left: Sequence[bytes] = ()


def add(connection: Connection, stated: Stated) -> bool:
    """Take a manifest in; False, with nothing done, where its base is not held."""
    if stated.base is None:
        _begin(connection, stated)
        return True
    found = connection.execute(
        text(
            "SELECT series, (SELECT max(log_index) FROM manifest AS o WHERE o.series = s.series) FROM manifest AS s"
            " WHERE log_index = :base"
        ),
        {"base": stated.base},
    ).first()
    if found is None:
        return False
    series, newest = found
    if newest == stated.base:
        _continue(connection, series, stated)
    else:
        left = frozenset(stated.left)
        copied = [member for member in members_of(connection, stated.base) if member not in left]
        _begin(connection, Stated(stated.index, None, [*copied, *stated.joined]))
    return True


def _begin(connection: Connection, stated: Stated) -> None:
    index = stated.index
    put(connection, ManifestRow, [{"log_index": index, "series": index}])
    # Twice named is once held.
    _insert(connection, stated.joined, index, index)


def _continue(connection: Connection, series: int, stated: Stated) -> None:
    put(connection, ManifestRow, [{"log_index": stated.index, "series": series}])
    _insert(connection, stated.joined, series, stated.index)
    gone = [{"index": stated.index, "series": series, "pseudonym": member} for member in stated.left]
    if gone:
        connection.execute(
            text(
                "UPDATE member SET until = :index"
                " WHERE pseudonym = :pseudonym AND series = :series AND until = 0 AND since < :index"
            ),
            gone,
        )


def _insert(connection: Connection, members: Iterable[bytes], series: int, since: int) -> None:
    """Add rows in the order of the primary key, twice named once, past the layers that cost most of the time."""
    rows = [(member, series, since, PRESENT) for member in sorted(set(members))]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        copy(connection, "member", ("pseudonym", "series", "since", "until"), rows)
    else:
        connection.exec_driver_sql(
            "INSERT INTO member (pseudonym, series, since, until) VALUES (?, ?, ?, ?)", rows
        )


def forget(connection: Connection, indexes: Iterable[int]) -> None:
    """Take manifests away, each with all that are differences to it: what is left is what was before them."""
    for index in indexes:
        asked = {"index": index}
        series = connection.execute(
            text("SELECT series FROM manifest WHERE log_index = :index"), asked
        ).scalar()
        if series is None:
            continue
        asked["series"] = series
        for statement in (
            "DELETE FROM manifest WHERE log_index = :index AND series = :series",
            "DELETE FROM member WHERE series = :series AND since = :index",
            "UPDATE member SET until = 0 WHERE series = :series AND until = :index",
        ):
            connection.execute(text(statement), asked)


# --- asking --------------------------------------------------------------------------------------


def manifests_of(connection: Connection, pseudonym: bytes, size: int) -> list[int]:
    """The log indices, below ``size``, of the manifests that hold a pseudonym, in order."""
    return manifests_of_each(connection, [pseudonym], size).get(pseudonym, [])


def manifests_of_each(
    connection: Connection, pseudonyms: Sequence[bytes], size: int
) -> dict[bytes, list[int]]:
    """The same for many at once; who is in none is left out."""
    found: dict[bytes, list[int]] = {}
    for start in range(0, len(pseudonyms), AT_ONCE):
        asked = list(pseudonyms[start : start + AT_ONCE])
        for pseudonym, index in connection.execute(_HOLDING, {"asked": asked, "size": size}):
            found.setdefault(bytes(pseudonym), []).append(index)
    return found


def members_of(connection: Connection, index: int) -> list[bytes]:
    """The members of one manifest, sorted."""
    asked = {"index": index}
    series = connection.execute(text("SELECT series FROM manifest WHERE log_index = :index"), asked).scalar()
    if series is None:
        return []
    found = connection.execute(_MEMBERS, {**asked, "series": series}).scalars()
    return list(dict.fromkeys(map(bytes, found)))
