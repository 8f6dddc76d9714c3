"""The schedule: APScheduler only ticks; a run is a row, claimed once across processes.

APScheduler 3 has no locking between processes, so two servers on one store tick at the same slots.
Whoever inserts the row ``(source, slot)`` runs it. A claim is a lease: one whose process died is
taken up again by the next tick, with the attempt number as fence, so that a run that woke up late
cannot finish what another took over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from compliance.canonical import EPOCH, micros
from compliance.errors import InputRefused, MunimentError
from compliance.settings import SourceSettings, interval

LEASE = timedelta(minutes=15)
"""How long a claim holds without being finished; a collection that takes longer is run again."""
STANDING_EVERY = timedelta(seconds=60)
CHECK = "muniment"
"""The source, which no configured one may be named, under which verification has its runs."""

logger = logging.getLogger("muniment.schedule")


@dataclass(frozen=True)
class Claim:
    """A run that this process may carry out: which row, and under which attempt."""

    run: int
    source: str
    attempt: int


def trigger_of(source: SourceSettings) -> BaseTrigger | None:
    """The trigger that ``schedule`` stands for: an interval (15m) or a cron expression; None without one."""
    if source.schedule is None:
        return None
    every = interval(source.schedule, or_none=True)
    if every is not None:
        # Counted from 1970, as slots are: a server that is started again and again still runs each slot.
        return IntervalTrigger(seconds=int(every.total_seconds()), start_date=EPOCH, timezone=UTC)
    try:
        return CronTrigger.from_crontab(source.schedule, timezone=UTC)
    except ValueError as error:
        message = (
            f"The schedule {source.schedule!r} of source {source.name} is neither an interval such as 15m"
            f" nor a cron expression of five fields: {error}."
        )
        raise InputRefused(message, field=f"sources.{source.name}.schedule") from error


def slot_of(source: SourceSettings, now: datetime) -> int:
    """The slot that an instant falls in, in microseconds: equal for all processes that tick for it."""
    every = interval(source.schedule or "1m", or_none=True) or timedelta(minutes=1)
    length = int(every.total_seconds()) * 1_000_000
    return micros(now) // length * length


def claim(operations: Engine, source: str, slot: int, now: datetime) -> Claim | None:
    """Take a slot's run, or take up one whose lease ran out. None if another process has it."""
    fields = {"source": source, "slot": slot, "now": micros(now), "lease": micros(now + LEASE)}
    try:
        with operations.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO collection_run (source, slot, attempt, lease_until, started_at, outcome, detail)"
                    " VALUES (:source, :slot, 1, :lease, :now, 'running', '')"
                ),
                fields,
            )
    except IntegrityError:
        return _take_over(operations, fields)
    return _claimed(operations, fields)


def _take_over(operations: Engine, fields: dict[str, object]) -> Claim | None:
    with operations.begin() as connection:
        taken = connection.execute(
            text(
                "UPDATE collection_run SET attempt = attempt + 1, lease_until = :lease, started_at = :now"
                " WHERE source = :source AND slot = :slot AND finished_at IS NULL AND lease_until < :now"
            ),
            fields,
        ).rowcount
    return _claimed(operations, fields) if taken else None


def left_behind(operations: Engine, source: str, slot: int, now: datetime) -> bool:
    """Whether the slot's run was begun by somebody whose lease ran out before it was finished."""
    with operations.connect() as connection:
        found = connection.execute(
            text(
                "SELECT 1 FROM collection_run WHERE source = :source AND slot = :slot"
                " AND finished_at IS NULL AND lease_until < :now"
            ),
            {"source": source, "slot": slot, "now": micros(now)},
        )
        return found.first() is not None


def _claimed(operations: Engine, fields: dict[str, object]) -> Claim:
    with operations.connect() as connection:
        row = connection.execute(
            text("SELECT id, source, attempt FROM collection_run WHERE source = :source AND slot = :slot"),
            fields,
        ).one()
    return Claim(row.id, row.source, row.attempt)


def finish(operations: Engine, claimed: Claim, outcome: str, detail: str, now: datetime) -> bool:
    """Close a run. False if its lease was taken over meanwhile: then the other attempt counts."""
    with operations.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE collection_run SET finished_at = :now, outcome = :outcome, detail = :detail"
                " WHERE id = :id AND attempt = :attempt AND finished_at IS NULL"
            ),
            {
                "now": micros(now),
                "outcome": outcome,
                "detail": detail,
                "id": claimed.run,
                "attempt": claimed.attempt,
            },
        ).rowcount
    return bool(done)


class Schedule:
    """Runs the scheduled sources, and the standing work, inside a serving process."""

    def __init__(
        self,
        operations: Engine,
        sources: tuple[SourceSettings, ...],
        *,
        collect: Callable[[str], str],
        standing: Callable[[], None],
        clock: Callable[[], datetime],
        check: Callable[[], bool] | None = None,
        check_every: timedelta = timedelta(hours=6),
    ) -> None:
        """``collect`` runs one source by name and says in a sentence how it went; ``check`` verifies the store."""
        self._operations = operations
        self._sources = {source.name: source for source in sources if source.schedule}
        self._collect = collect
        self._standing = standing
        self._clock = clock
        self._check = check
        self._check_every = check_every
        self._running: set[str] = set()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begin to tick. Raises InputRefused where a schedule cannot be read."""
        for name, source in self._sources.items():
            self._scheduler.add_job(self.run_due, trigger_of(source), args=[name], id=f"source:{name}")
            if interval(source.schedule or "", or_none=True) is not None:
                # What the slot that we are in has missed is made up for; if it ran already, nothing happens.
                self._scheduler.add_job(self.run_due, args=[name], id=f"missed:{name}")
        every = IntervalTrigger(seconds=int(STANDING_EVERY.total_seconds()), timezone=UTC)
        self._scheduler.add_job(self._stand, every, id="standing")
        if self._check is not None:
            self._scheduler.add_job(self.check_due, every, id="check")
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ticking and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def next_runs(self) -> dict[str, datetime]:
        """When each scheduled source runs next, in UTC."""
        jobs = {job.id.removeprefix("source:"): job.next_run_time for job in self._scheduler.get_jobs()}
        return {name: when for name, when in jobs.items() if when is not None and name in self._sources}

    def run_due(self, name: str) -> None:
        """Run one source for the slot that now falls in, unless another process has it."""
        try:
            claimed = claim(
                self._operations, name, slot_of(self._sources[name], self._clock()), self._clock()
            )
        except MunimentError as error:
            logger.warning("collection of %s could not be claimed: %s", name, error.message)
            return
        if claimed is None:
            return
        self._running.add(name)
        try:
            outcome, detail = "done", self._collect(name)
        except MunimentError as error:
            outcome, detail = "failed", error.message
            logger.warning("collection of %s failed: %s", name, error.message)
        finally:
            self._running.discard(name)
        finish(self._operations, claimed, outcome, detail, self._clock())

    def check_due(self) -> None:
        """Verify the store, once in each slot of its interval, whichever of several processes comes first."""
        now, length = self._clock(), int(self._check_every.total_seconds()) * 1_000_000
        try:
            claimed = claim(self._operations, CHECK, micros(now) // length * length, now)
            if claimed is not None and self._check is not None:
                outcome = "done" if self._check() else "failed"
                finish(self._operations, claimed, outcome, "", self._clock())
        except MunimentError as error:
            logger.warning("the store could not be verified: %s", error.message)

    def _stand(self) -> None:
        try:
            self._standing()
            for name, source in self._sources.items():
                if name not in self._running and left_behind(
                    self._operations, name, slot_of(source, self._clock()), self._clock()
                ):
                    self.run_due(name)
        except MunimentError as error:
            logger.warning("standing work failed: %s", error.message)
