"""Runs of sources as rows: planned once for each slot, claimed once by one of any number of processes.

A claim is a lease. Whoever carries a run out extends it; of a process that was killed it runs out, and
another takes the run up under the next attempt. The attempt is a fence: who lost the lease can neither
extend nor end the run. Of one source only one run is under way at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, bindparam, text
from sqlalchemy.engine import Connection

from compliance.canonical import micros

LEASE = timedelta(minutes=2)
"""How long a claim holds without being extended."""
CLAIMING = 0x4D55
"""Class of PostgreSQL's advisory locks under which the runs of one source are claimed one after the other."""

_OTHERS_UNDER_WAY = (
    "EXISTS (SELECT 1 FROM collection_run o WHERE o.source = r.source AND o.id <> r.id AND o.finished_at IS NULL"
    " AND (o.lease_until >= :now OR (o.tries > 0 AND o.due_at > :now)))"
)
_FREE = (
    "r.finished_at IS NULL AND r.due_at <= :now AND (r.lease_until IS NULL OR r.lease_until < :now)"
    f" AND NOT {_OTHERS_UNDER_WAY}"
)


@dataclass(frozen=True)
class Run:
    """A run that this process carries out: which row, under which attempt, for which slot.

    ``tries`` counts the attempts that ended and are tried again: with source and slot it names one
    account of the source, which a taken-up run gives at most once.
    """

    run: int
    source: str
    attempt: int
    slot: int
    tries: int

    @property
    def name(self) -> str:
        """Names it in the evidence, whoever carries it out."""
        return f"{self.source}/{self.slot}/{self.tries}"


def plan(operations: Engine, source: str, slot: int, due_at: int) -> bool:
    """Make the row of a slot, due at an instant (both microseconds since 1970, UTC). False if it is there."""
    fields = {"source": source, "slot": slot, "due": due_at}
    with operations.begin() as connection:
        _begin(connection)
        made = connection.execute(
            text(
                "INSERT INTO collection_run (source, slot, attempt, outcome, detail, due_at, tries)"
                " SELECT CAST(:source AS VARCHAR), CAST(:slot AS BIGINT), 0, 'due', '', CAST(:due AS BIGINT), 0"
                " WHERE NOT EXISTS (SELECT 1 FROM collection_run WHERE source = :source AND slot = :slot)"
                " ON CONFLICT DO NOTHING"
            ),
            fields,
        )
        return made.rowcount == 1


def supersede(operations: Engine, source: str, before: int, now: datetime) -> int:
    """End the runs of earlier slots that nobody took: the newest stands for them. How many those were."""
    with operations.begin() as connection:
        ended = connection.execute(
            text(
                "UPDATE collection_run SET finished_at = :now, outcome = 'missed', detail = 'a later slot stands for it'"
                " WHERE source = :source AND slot < :before AND finished_at IS NULL AND due_at IS NOT NULL"
                " AND lease_until IS NULL AND tries = 0"
            ),
            {"source": source, "before": before, "now": micros(now)},
        )
        return ended.rowcount


def last_slots(operations: Engine, sources: Iterable[str]) -> dict[str, int]:
    """The newest slot of each source that has a row."""
    ask = text("SELECT source, max(slot) FROM collection_run WHERE source IN :sources GROUP BY source")
    with operations.connect() as connection:
        rows = connection.execute(
            ask.bindparams(bindparam("sources", expanding=True)), {"sources": list(sources)}
        )
        return {source: int(slot) for source, slot in rows}


def claim_next(
    operations: Engine, sources: Iterable[str], now: datetime, lease: timedelta = LEASE
) -> Run | None:
    """Take the run that has been due longest, or was left behind. None where there is nothing to do.

    On SQLite the write lock is taken first; on PostgreSQL the row is locked past those that others
    are taking, and the source is locked while it is looked at again.
    """
    named, fields = list(sources), {"now": micros(now), "lease": micros(now + lease)}
    if not named:
        return None
    with operations.begin() as connection:
        _begin(connection)
        skip = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
        ask = text(
            f"SELECT r.id, r.source FROM collection_run r WHERE r.source IN :sources AND {_FREE}"  # noqa: S608
            f" ORDER BY CASE WHEN r.tries > 0 THEN 0 ELSE 1 END, r.due_at, r.id LIMIT 1{skip}"
        ).bindparams(bindparam("sources", expanding=True))
        found = connection.execute(ask, {**fields, "sources": named}).first()
        if found is None:
            return None
        if connection.dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:claiming, hashtext(:source))")
            connection.execute(lock, {"claiming": CLAIMING, "source": found.source})
        taken = connection.execute(
            text(
                "UPDATE collection_run AS r SET attempt = attempt + 1, lease_until = :lease, started_at = :now,"  # noqa: S608
                f" outcome = 'running' WHERE r.id = :id AND {_FREE} RETURNING id, source, attempt, slot, tries"
            ),
            {**fields, "id": found.id},
        ).first()
    return None if taken is None else Run(*taken)


def extend(operations: Engine, run: Run, until: datetime) -> bool:
    """Hold the lease longer. False if another process has taken the run up."""
    return _change(operations, run, "lease_until = :value", micros(until))


def try_later(operations: Engine, run: Run, due_at: datetime) -> bool:
    """Let the run be due again, for whoever comes first. False if another process has taken it up."""
    change = "lease_until = NULL, outcome = 'due', tries = tries + 1, due_at = :value"
    return _change(operations, run, change, micros(due_at))


def end(operations: Engine, run: Run, outcome: str, detail: str, now: datetime) -> bool:
    """End the run. False if another process has taken it up: then its attempt counts."""
    change = "finished_at = :value, outcome = :outcome, detail = :detail"
    return _change(operations, run, change, micros(now), outcome=outcome, detail=detail)


def _change(operations: Engine, run: Run, change: str, value: int, **more: str) -> bool:
    statement = text(
        f"UPDATE collection_run SET {change}"  # noqa: S608 (statements of our own)
        " WHERE id = :id AND attempt = :attempt AND finished_at IS NULL AND lease_until IS NOT NULL"
    )
    with operations.begin() as connection:
        changed = connection.execute(
            statement, {"id": run.run, "attempt": run.attempt, "value": value, **more}
        )
        return changed.rowcount == 1


def _begin(connection: Connection) -> None:
    """SQLite's driver begins late and shared: two that read first would both write."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))
