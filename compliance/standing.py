"""Standing work: what runs on its own beside the schedule, and proofs that projections are what the log says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection

from compliance.answers import Answers
from compliance.notify import announce, unannounced
from compliance.projections import Projections
from compliance.store import PROGRAM, Store
from compliance.tables import PROJECTIONS

SHOWN_AT_MOST = 3


MEMBERS_BELOW = (
    "SELECT pseudonym, series, since, CASE WHEN until >= :size THEN 0 ELSE until END FROM member WHERE since < :size"
    " ORDER BY pseudonym, series, since"
)
"""Who was in the manifests of the first so many entries: who left later had not left."""


def announce_changes(store: Store, answers: Answers) -> int:
    """Tell the channels which controls changed, and which sources fell silent or report again; how many those were."""
    notify = store.settings.notify
    if notify.webhook_url is None and notify.urls_file is None:
        return 0
    basis = answers.basis()
    sources = {
        f"source:{state.name}": (
            "silent" if state.cause == "stale" else "effective",
            "source of evidence",
            state.detail,
        )
        for state in answers.facts(basis).sources()
    }
    changes = unannounced(store.operations, {**answers.control_statuses(basis), **sources})
    announce(store.operations, store.settings.notify, changes, at=basis.at, sample=store.sample)
    return len(changes)


def projections_equal_a_rebuild(store: Store) -> list[str]:
    """Make the projections anew beside the served ones and compare every row; what differs, in sentences."""
    served_size = store.projections.catch_up()
    with tempfile.TemporaryDirectory(prefix="muniment-rebuild-") as folder:
        anew = Projections(Path(folder), store.log, store.readers, program=PROGRAM)
        anew.catch_up()
        with store.projections.connect() as served, anew.connect() as fresh:
            problems = [
                problem
                for table in sorted(PROJECTIONS.tables)
                if table != "progress"
                for problem in _differences(table, served, fresh, served_size)
            ]
        anew.close()
    return problems


def _differences(table: str, served: Connection, fresh: Connection, size: int) -> list[str]:
    columns = sorted(c.name for c in PROJECTIONS.tables[table].columns if c.name != "id")
    select = MEMBERS_BELOW if table == "member" else (
        f"SELECT {', '.join(columns)} FROM {table} WHERE log_index < :size"  # noqa: S608 (names of our own tables)
        f" ORDER BY {', '.join(columns)}"
    )  # fmt: skip
    left, right = (_rows(connection, select, size) for connection in (served, fresh))
    problems = []
    for mine, theirs in _unequal(left, right):
        problems.append(f"projection {table} differs from a rebuild: served {mine}, rebuilt {theirs}")
        if len(problems) == SHOWN_AT_MOST:
            break
    return problems


def _rows(connection: Connection, select: str, size: int) -> Iterator[tuple[object, ...]]:
    for row in connection.execute(text(select), {"size": size}):
        yield tuple(row)


def _unequal(
    left: Iterator[tuple[object, ...]], right: Iterator[tuple[object, ...]]
) -> Iterator[tuple[object, object]]:
    """Pairs at which two row streams differ, a missing one as None; stops at the first misalignment."""
    while True:
        mine, theirs = next(left, None), next(right, None)
        if mine is None and theirs is None:
            return
        if mine != theirs:
            yield _short(mine), _short(theirs)
            return


def _short(row: tuple[object, ...] | None) -> str:
    """A row for a message, without its values: they may hold pseudonyms."""
    return "nothing" if row is None else f"a row of {len(row)} columns"
