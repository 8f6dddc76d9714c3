"""The schedule: a slot is run once, by whoever claims it; a dead worker's run is taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from compliance.canonical import micros
from compliance.database import sqlite_engine
from compliance.errors import InputRefused, SourceFailed
from compliance.postgres import Postgres
from compliance.runs import LEASE, Run, claim_next, end, extend, plan, try_later
from compliance.schedule import AT_MOST, BACKS_OFF, TRIES, Collected, Schedule, back_off
from compliance.settings import SourceSettings
from compliance.slots import jittered, next_slot, slot_of, slots_due, trigger_of
from compliance.upgrading import upgrade
from tests.logs import Clock

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORKER = Path(__file__).parent / "crash" / "worker.py"
MINUTE = timedelta(minutes=1)
WITHIN_SECONDS = 300


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an operational database of its own lies."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "operations.db")


def engine_of(url: str) -> Engine:
    """An engine on it."""
    return Postgres.parse(url).engine() if url.startswith("postgresql") else sqlite_engine(Path(url))


@pytest.fixture
def operations(url: str) -> Iterator[Engine]:
    """An operational database of its own."""
    engine = engine_of(url)
    upgrade(engine)
    yield engine
    engine.dispose()


def source(**fields: object) -> SourceSettings:
    """A source that is pulled every fifteen minutes."""
    return SourceSettings.model_validate({"name": "kms", "kind": "aws-kms", "schedule": "15m"} | fields)


def at(**by: float) -> int:
    """So long after noon."""
    return micros(NOON + timedelta(**by))


def claimed(operations: Engine, now: datetime = NOON, *sources: str) -> Run:
    """The run that is claimed next."""
    run = claim_next(operations, sources or ("kms",), now)
    assert run is not None
    return run


def rows(operations: Engine) -> list[tuple[str, int, str]]:
    """Source, slot and outcome of each run."""
    with operations.connect() as connection:
        found = connection.execute(
            text("SELECT source, slot, outcome FROM collection_run ORDER BY source, slot")
        )
        return [tuple(row) for row in found]


# --- claims ----------------------------------------------------------------------------------------


def test_a_slot_is_planned_and_claimed_once(operations: Engine) -> None:
    """Of many workers that tick for one slot, exactly one makes the row, and exactly one gets the run."""
    made: list[bool] = []
    got: list[Run | None] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        made.append(plan(operations, "kms", 0, 0))
        got.append(claim_next(operations, ["kms"], NOON))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 7 + [True]
    assert len([one for one in got if one is not None]) == 1


def test_a_dead_workers_run_is_taken_up_and_fenced(operations: Engine) -> None:
    """After its lease a run is taken over; the first worker, waking late, can neither extend nor end it."""
    plan(operations, "kms", 0, 0)
    first = claimed(operations)
    assert claim_next(operations, ["kms"], NOON + LEASE - timedelta(seconds=1)) is None
    second = claimed(operations, NOON + LEASE + timedelta(seconds=1))
    assert (second.attempt, second.name) == (2, first.name)
    assert not extend(operations, first, NOON + 9 * LEASE)
    assert not try_later(operations, first, NOON)
    assert not end(operations, first, "done", "", NOON)
    assert end(operations, second, "done", "", NOON)
    assert claim_next(operations, ["kms"], NOON + 9 * LEASE) is None


def test_an_extended_lease_is_not_taken_over(operations: Engine) -> None:
    """Whoever is still at work keeps the run, however long it takes."""
    plan(operations, "kms", 0, 0)
    run = claimed(operations)
    assert extend(operations, run, NOON + 5 * LEASE)
    assert claim_next(operations, ["kms"], NOON + 4 * LEASE) is None


def test_runs_of_one_source_never_overlap(operations: Engine) -> None:
    """While a run of a source is under way its next slot waits; another source's does not."""
    for name, slot in (("kms", 0), ("kms", 1), ("iam", 2)):
        plan(operations, name, slot, slot)
    first = claimed(operations, NOON, "kms", "iam")
    assert (first.source, first.slot) == ("kms", 0)
    assert claimed(operations, NOON, "kms", "iam").source == "iam"
    assert claim_next(operations, ["kms", "iam"], NOON) is None
    end(operations, first, "done", "", NOON)
    assert claimed(operations).slot == 1


def test_what_is_not_due_is_not_claimed(operations: Engine) -> None:
    """A run waits for its instant, jitter included."""
    plan(operations, "kms", at(), at(seconds=30))
    assert claim_next(operations, ["kms"], NOON + timedelta(seconds=29)) is None
    assert claimed(operations, NOON + timedelta(seconds=30)).slot == at()


def test_without_a_scheduled_source_there_is_nothing_to_do(operations: Engine) -> None:
    """A store whose sources are all pushed has a schedule that claims nothing, without an error."""
    schedule = Schedule(
        operations, (), collect=lambda _run: Collected(""), standing=lambda: None, clock=Clock(NOON)
    )
    assert schedule.until_idle() == 0
    schedule.stop()


def test_a_throttled_source_is_left_alone_until_it_is_tried_again(operations: Engine) -> None:
    """No later slot of it runs before, and its further account has a name of its own."""
    plan(operations, "kms", 0, 0)
    first = claimed(operations)
    assert try_later(operations, first, NOON + 10 * MINUTE)
    plan(operations, "kms", 1, 1)
    assert claim_next(operations, ["kms"], NOON + 9 * MINUTE) is None
    again = claimed(operations, NOON + 10 * MINUTE)
    assert (again.slot, again.tries, again.name != first.name) == (0, 1, True)


def test_the_row_of_an_ended_run_stays(operations: Engine) -> None:
    """A run that has ended is changed by nobody, and no run is removed."""
    plan(operations, "kms", 0, 0)
    end(operations, claimed(operations), "done", "", NOON)
    for statement in (
        "UPDATE collection_run SET outcome = 'failed'",
        "DELETE FROM collection_run",
    ):
        with pytest.raises(Exception, match="append-only"), operations.begin() as connection:
            connection.execute(text(statement))


# --- slots -----------------------------------------------------------------------------------------


def test_a_slot_is_the_same_for_all_who_tick_within_it() -> None:
    """Two processes that tick seconds apart mean the same slot."""
    assert slot_of(source(), NOON) == slot_of(source(), NOON + timedelta(minutes=14))
    assert slot_of(source(), NOON) != slot_of(source(), NOON + timedelta(minutes=15))


@pytest.mark.parametrize("schedule", ["15m", "6h", "*/5 * * * *", "0 3 * * 1"])
def test_a_schedule_is_an_interval_or_a_cron_expression(schedule: str) -> None:
    """Both forms give a next slot."""
    following = next_slot(source(schedule=schedule), NOON)
    assert following is not None
    assert following > NOON


def test_a_schedule_that_cannot_be_read_names_its_source() -> None:
    """What is neither is refused, naming the source."""
    with pytest.raises(InputRefused, match="kms"):
        trigger_of(source(schedule="61 3 * * *"))


@pytest.mark.parametrize(("catch_up", "expected"), [
    ("latest", [at(hours=3)]), ("all", [at(hours=hour) for hour in (1, 2, 3)]), ("none", []),
])  # fmt: skip
@pytest.mark.parametrize("schedule", ["1h", "0 * * * *"])
def test_missed_slots_are_made_up_for_as_the_source_says(
    schedule: str, catch_up: str, expected: list[int]
) -> None:
    """After a silence of three slots: the newest one, all of them, or none."""
    asked = source(schedule=schedule, catch_up=catch_up)
    now = NOON + timedelta(hours=3, minutes=20)
    assert slots_due(asked, at(), NOON, now) == expected
    on_time = NOON + timedelta(hours=1, seconds=2)
    assert slots_due(asked, at(), NOON, on_time) == [at(hours=1)]
    assert slots_due(asked, at(), NOON, NOON + timedelta(minutes=59)) == []


def test_a_long_silence_is_caught_up_with_at_once() -> None:
    """The newest of a year of slots of a minute is found without going through them."""
    now = NOON + timedelta(days=365, seconds=5)
    assert slots_due(source(schedule="* * * * *"), at(), NOON, now) == [at(days=365)]
    assert len(slots_due(source(schedule="1m", catch_up="all"), at(), NOON, now)) == 1000


def test_a_new_source_begins_now_or_at_its_next_instant() -> None:
    """An interval runs in the slot that it is in; a cron expression waits."""
    assert slots_due(source(), None, NOON, NOON + MINUTE) == [at()]
    assert slots_due(source(schedule="30 12 * * *"), None, NOON, NOON + MINUTE) == []


def test_jitter_spreads_and_is_the_same_for_all() -> None:
    """Each slot's start lies within the jitter, differs between sources, and is no matter of chance."""
    starts = [jittered(source(name=f"s{number}", jitter="5m"), at()) - at() for number in range(50)]
    assert starts == [jittered(source(name=f"s{number}", jitter="5m"), at()) - at() for number in range(50)]
    assert all(0 <= start <= 300_000_000 for start in starts)
    assert len(set(starts)) > 40


def test_back_off_doubles_up_to_an_hour() -> None:
    """Between half and all of what doubles with each try."""
    assert [back_off(tries, 1.0) for tries in (0, 1, 2)] == [BACKS_OFF, 2 * BACKS_OFF, 4 * BACKS_OFF]
    assert back_off(0, 0.0) == BACKS_OFF / 2
    assert back_off(40, 1.0) == AT_MOST


# --- the schedule ----------------------------------------------------------------------------------


def schedule_of(operations: Engine, clock: Clock, collect: object, **fields: object) -> Schedule:
    """A schedule of one source."""
    return Schedule(operations, (source(**fields),), collect=collect, standing=lambda: None, clock=clock)  # type: ignore[arg-type]


def test_a_failed_run_is_recorded_as_failed(operations: Engine) -> None:
    """A run whose source fails is closed as failed, with the reason, and the schedule goes on."""

    def fails(run: Run) -> Collected:
        raise SourceFailed(f"{run.source} is out of reach")

    schedule = schedule_of(operations, Clock(NOON), fails)
    assert schedule.until_idle() == 1
    with operations.connect() as connection:
        row = connection.execute(text("SELECT outcome, detail FROM collection_run")).one()
    assert tuple(row) == ("failed", "kms is out of reach")
    schedule.stop()


def test_a_throttled_run_is_tried_again_and_then_given_up(operations: Engine) -> None:
    """It is due again after a while, so many times; what it brought each time stays in the log."""
    clock, names = Clock(NOON), list[str]()

    def throttled(run: Run) -> Collected:
        names.append(run.name)
        return Collected("half of it", throttled=True, complete=False)

    schedule = schedule_of(operations, clock, throttled, schedule="30d")
    schedule.until_idle()
    for _ in range(TRIES + 2):
        schedule.until_idle()
        clock.move(hours=2)
    assert len(set(names)) == len(names) == TRIES
    assert [outcome for _, _, outcome in rows(operations)] == ["incomplete"]
    schedule.stop()


def test_a_slot_that_nobody_took_gives_way_to_the_next(operations: Engine) -> None:
    """Runs do not pile up behind one that takes long: the newest slot stands for those before it."""
    clock = Clock(NOON)
    schedule = schedule_of(operations, clock, lambda _run: Collected("ok"))
    for _ in range(3):
        schedule.plan()
        clock.move(minutes=15)
    clock.move(minutes=-14)
    schedule.plan()
    assert schedule.run_next()
    assert [outcome for _, _, outcome in rows(operations)] == ["missed", "missed", "done"]
    schedule.stop()


def test_the_scheduler_ticks_on_its_own(operations: Engine) -> None:
    """A started schedule runs a source that is due without being asked, and says when it runs next."""
    ran = threading.Event()

    def collects(_run: Run) -> Collected:
        ran.set()
        return Collected("ok")

    schedule = Schedule(
        operations, (source(schedule="1s"),), collect=collects, standing=lambda: None,
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip
    schedule.start()
    try:
        assert schedule.next_runs().keys() == {"kms"}
        assert ran.wait(timeout=30)
    finally:
        schedule.stop()


# --- killed workers --------------------------------------------------------------------------------


def run_with_kills(operations: Engine, url: str, home: Path, count: int, kills: int) -> None:
    """Workers carry out so many runs; some are killed in the midst. None is lost and none doubled."""
    names = [f"s{number}" for number in range(20)]
    for number in range(count):
        plan(operations, names[number % len(names)], number, number)
    home.mkdir()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, WORKER, url, home, ",".join(names)], stdout=subprocess.PIPE, env=dict(os.environ)
        )

    for _ in range(kills):
        killed = start()
        assert killed.stdout is not None
        for _ in range(max(1, count // 10 // kills)):
            killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
    last = [start() for _ in range(2)]
    for worker in last:
        worker.communicate(timeout=WITHIN_SECONDS)
    assert [worker.returncode for worker in last] == [0, 0]
    assert Counter(outcome for _, _, outcome in rows(operations)) == {"done": count}
    kept = Counter((home / "kept").read_text().split())
    assert len(kept) == count
    assert set(kept.values()) == {1}


def test_a_killed_worker_loses_and_doubles_no_run(operations: Engine, url: str, tmp_path: Path) -> None:
    """Whatever a killed worker had in hand is taken up by another, and told once."""
    run_with_kills(operations, url, tmp_path / "home", count=30, kills=1)


@pytest.mark.soak
def test_a_worker_killed_in_the_midst_of_a_thousand_runs(
    operations: Engine, url: str, tmp_path: Path
) -> None:
    """The same of a thousand runs and ten killed workers."""
    run_with_kills(operations, url, tmp_path / "home", count=1000, kills=10)
