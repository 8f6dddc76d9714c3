"""The schedule: a slot is run once, by whoever claims it; a dead worker's run is taken up again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from compliance.database import sqlite_engine
from compliance.errors import InputRefused, SourceFailed
from compliance.schedule import LEASE, Schedule, claim, finish, slot_of, trigger_of
from compliance.settings import SourceSettings
from compliance.tables import OPERATIONS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def operations(tmp_path: Path) -> Engine:
    """An operational database of its own."""
    engine = sqlite_engine(tmp_path / "operations.db")
    OPERATIONS.create_all(engine)
    return engine


def source(**fields: object) -> SourceSettings:
    """A source that is pulled every fifteen minutes."""
    return SourceSettings.model_validate({"name": "kms", "kind": "aws-kms", "schedule": "15m"} | fields)


def test_a_slot_is_claimed_once(operations: Engine) -> None:
    """Of many workers that tick for one slot, exactly one gets the run."""
    got: list[object] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        got.append(claim(operations, "kms", 0, NOON))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in got if one is not None]) == 1


def test_a_dead_workers_run_is_taken_up_and_fenced(operations: Engine) -> None:
    """After its lease a run is taken over; the first worker, waking late, can no longer finish it."""
    first = claim(operations, "kms", 0, NOON)
    assert first is not None
    assert claim(operations, "kms", 0, NOON + LEASE - timedelta(seconds=1)) is None
    second = claim(operations, "kms", 0, NOON + LEASE + timedelta(seconds=1))
    assert second is not None
    assert second.attempt == 2
    assert not finish(operations, first, "done", "", NOON)
    assert finish(operations, second, "done", "", NOON)
    assert claim(operations, "kms", 0, NOON + 3 * LEASE) is None


def test_a_slot_is_the_same_for_all_who_tick_within_it() -> None:
    """Two processes that tick seconds apart mean the same slot."""
    assert slot_of(source(), NOON) == slot_of(source(), NOON + timedelta(minutes=14))
    assert slot_of(source(), NOON) != slot_of(source(), NOON + timedelta(minutes=15))


@pytest.mark.parametrize("schedule", ["15m", "6h", "*/5 * * * *", "0 3 * * 1"])
def test_a_schedule_is_an_interval_or_a_cron_expression(schedule: str) -> None:
    """Both forms give a next time to fire."""
    trigger = trigger_of(source(schedule=schedule))
    assert trigger is not None
    assert trigger.get_next_fire_time(None, NOON) is not None


def test_a_schedule_that_cannot_be_read_names_its_source() -> None:
    """What is neither is refused, naming the source."""
    with pytest.raises(InputRefused, match="kms"):
        trigger_of(source(schedule="61 3 * * *"))


def test_a_failed_run_is_recorded_as_failed(operations: Engine) -> None:
    """A run whose source fails is closed as failed, with the reason, and the schedule goes on."""

    def fails(name: str) -> str:
        raise SourceFailed(f"{name} is out of reach")

    schedule = Schedule(operations, (source(),), collect=fails, standing=lambda: None, clock=lambda: NOON)
    schedule.run_due("kms")
    with operations.connect() as connection:
        row = connection.execute(text("SELECT outcome, detail FROM collection_run")).one()
    assert tuple(row) == ("failed", "kms is out of reach")


def test_the_scheduler_ticks_on_its_own(operations: Engine) -> None:
    """A started schedule runs a source that is due without being asked, and says when it runs next."""
    ran = threading.Event()

    def collects(_name: str) -> str:
        ran.set()
        return "ok"

    schedule = Schedule(
        operations,
        (source(schedule="1s"),),
        collect=collects,
        standing=lambda: None,
        clock=lambda: datetime.now(UTC),
    )
    schedule.start()
    try:
        assert schedule.next_runs().keys() == {"kms"}
        assert ran.wait(timeout=10)
    finally:
        schedule.stop()
