"""The schedule: APScheduler only ticks; a run is a row, claimed once across processes.

APScheduler 3 has no locking between processes, so any number of servers and workers on one store
tick at once. Each plans the slots that fell due, which makes at most one row for each, and carries
out what it can claim (see ``runs``). A run that its source throttled is tried again later, with
jitter; a run whose process died is taken up by another when its lease has run out.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine

from compliance.canonical import from_micros, micros
from compliance.errors import MunimentError
from compliance.runs import (
    LEASE,
    Run,
    claim_next,
    end,
    extend,
    last_slots,
    plan,
    supersede,
    try_later,
)
from compliance.settings import SourceSettings
from compliance.slots import jittered, next_slot, slot_of, slots_due, trigger_of

STANDING_EVERY = timedelta(seconds=60)
TICKS_EVERY = timedelta(seconds=1)
AT_ONCE = 4
"""Runs that one process carries out at the same time."""
TRIES = 6
"""How often a run that its source throttles is carried out before it ends as failed."""
BACKS_OFF, AT_MOST = timedelta(seconds=30), timedelta(hours=1)
CHECK = "muniment"
"""The source, which no configured one may be named, under which verification has its runs."""
CHECK_LEASE = timedelta(hours=1)

logger = logging.getLogger("muniment.schedule")


@dataclass(frozen=True)
class Collected:
    """How a run went, in a sentence; ``throttled`` says that it is worth trying again later."""

    sentence: str
    throttled: bool = False
    complete: bool = True


def back_off(tries: int, share: float) -> timedelta:
    """How long a throttled source is left alone: doubled with each try, and a random share of that."""
    most: timedelta = min(AT_MOST, BACKS_OFF * 2**tries)
    return most / 2 + most / 2 * share


class Schedule:
    """Runs the scheduled sources, and the standing work, inside a server or worker."""

    def __init__(
        self,
        operations: Engine,
        sources: tuple[SourceSettings, ...],
        *,
        collect: Callable[[Run], Collected],
        standing: Callable[[], None],
        clock: Callable[[], datetime],
        check: Callable[[], bool] | None = None,
        check_every: timedelta = timedelta(hours=6),
        lease: timedelta = LEASE,
    ) -> None:
        """``collect`` carries out one run and says how it went; ``check`` verifies the store."""
        self._operations = operations
        self._sources = {source.name: source for source in sources if source.schedule}
        self._collect = collect
        self._standing = standing
        self._clock = clock
        self._check = check
        self._check_every = check_every
        self._lease = lease
        self._started = clock()
        self._planned: dict[str, datetime] = {}
        """Until when nothing further of a source is due to be planned."""
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="run")
        self._under_way: set[Future[None]] = set()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begin to tick. Raises InputRefused where a schedule cannot be read."""
        for source in self._sources.values():
            trigger_of(source)
        for act, every in ((self._tick, TICKS_EVERY), (self._stand, STANDING_EVERY)):
            self._scheduler.add_job(act, IntervalTrigger(seconds=int(every.total_seconds()), timezone=UTC))
        if self._check is not None:
            every_minute = IntervalTrigger(seconds=int(STANDING_EVERY.total_seconds()), timezone=UTC)
            self._scheduler.add_job(self.check_due, every_minute)
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ticking and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    def next_runs(self) -> dict[str, datetime]:
        """When each scheduled source runs next, in UTC, whichever process runs it."""
        found = {}
        for name, source in self._sources.items():
            slot = next_slot(source, self._clock())
            if slot is not None:
                found[name] = from_micros(jittered(source, micros(slot)))
        return found

    # --- ticking -------------------------------------------------------------------------------

    def plan(self) -> None:
        """Make the rows of the slots that fell due since the last one of each source."""
        now = self._clock()
        due = [name for name in self._sources if self._planned.get(name, now) <= now]
        last = last_slots(self._operations, due) if due else {}
        for name in due:
            source = self._sources[name]
            slots = slots_due(source, last.get(name), self._started, now)
            for slot in slots:
                plan(self._operations, name, slot, jittered(source, slot))
            if slots and source.catch_up != "all":
                supersede(self._operations, name, slots[-1], now)
            self._planned[name] = next_slot(source, now) or now

    def run_next(self) -> bool:
        """Carry out one run that is due, if there is one."""
        run = claim_next(self._operations, self._sources, self._clock(), self._lease)
        if run is not None:
            self._carry_out(run)
        return run is not None

    def until_idle(self) -> int:
        """Plan, and carry out everything that is due; how many runs those were."""
        self.plan()
        count = 0
        while self.run_next():
            count += 1
        return count

    def _tick(self) -> None:
        try:
            self.plan()
            self._under_way = {future for future in self._under_way if not future.done()}
            while len(self._under_way) < AT_ONCE:
                run = claim_next(self._operations, self._sources, self._clock(), self._lease)
                if run is None:
                    return
                self._under_way.add(self._pool.submit(self._carry_out, run))
        except MunimentError as error:
            logger.warning("runs could not be planned or claimed: %s", error.message)

    def _carry_out(self, run: Run) -> None:
        try:
            with self._extending(run):
                collected = self._collect(run)
            self._close(run, collected)
        except MunimentError as error:
            logger.warning("collection of %s failed: %s", run.source, error.message)
            try:
                end(self._operations, run, "failed", error.message, self._clock())
            except MunimentError as further:
                # Its lease runs out, and another process takes it up.
                logger.warning("the run of %s could not be ended: %s", run.source, further.message)

    def _close(self, run: Run, collected: Collected) -> None:
        now = self._clock()
        if collected.throttled and run.tries + 1 < TRIES:
            share = random.random()  # noqa: S311 (spreads load, hides nothing)
            try_later(self._operations, run, now + back_off(run.tries, share))
        else:
            outcome = "done" if collected.complete else "incomplete"
            end(self._operations, run, outcome, collected.sentence, now)

    @contextmanager
    def _extending(self, run: Run) -> Iterator[None]:
        """Extend the lease of a run while it is carried out, at most until its time-out."""
        done = threading.Event()
        beat = threading.Thread(
            target=self._beat, args=(run, done), name=f"lease of {run.source}", daemon=True
        )
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()

    def _beat(self, run: Run, done: threading.Event) -> None:
        while not done.wait(self._lease.total_seconds() / 3):
            try:
                if not extend(self._operations, run, self._clock() + self._lease):
                    return
            except MunimentError as error:
                logger.warning("the lease of %s could not be extended: %s", run.source, error.message)

    # --- standing work -------------------------------------------------------------------------

    def check_due(self) -> None:
        """Verify the store, once in each slot of its interval, whichever of several processes comes first."""
        now, length = self._clock(), int(self._check_every.total_seconds()) * 1_000_000
        try:
            if self._check is None:
                return
            plan(self._operations, CHECK, micros(now) // length * length, micros(now))
            run = claim_next(self._operations, [CHECK], now, CHECK_LEASE)
            if run is not None:
                end(self._operations, run, "done" if self._check() else "failed", "", self._clock())
        except MunimentError as error:
            logger.warning("the store could not be verified: %s", error.message)

    def _stand(self) -> None:
        try:
            self._standing()
        except MunimentError as error:
            logger.warning("standing work failed: %s", error.message)


__all__ = ["CHECK", "Collected", "Schedule", "slot_of", "trigger_of"]
