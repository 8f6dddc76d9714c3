"""Verification as standing work: on a schedule, logged where it differs and once a day."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance.checking import check_and_log, last_check, standing_of
from compliance.cli.composition import create_store
from compliance.schedule import Collected, Schedule
from compliance.settings import EvidenceSettings, Settings
from compliance.store import Store
from tests.logs import ORIGIN, Clock, observation


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A new store with an entry that has a file."""
    made = create_store(Settings(home=tmp_path / "home", evidence=EvidenceSettings(origin=ORIGIN)), clock)
    made.log.append([observation(bytes(6000))])
    yield made
    made.close()


def checks(store: Store) -> list[dict[str, object]]:
    """What the log says of verifications."""
    found = [entry for _, entry in store.log.entries(0) if entry.kind == "check/1"]
    return [json.loads(store.log.body(entry) or b"") for entry in found]


def test_a_result_is_logged_when_it_differs_and_once_a_day(store: Store, clock: Clock) -> None:
    """The same result again appends nothing until a day has passed; another one is logged at once."""
    assert check_and_log(store, projections=True)
    assert check_and_log(store, projections=True)
    (first,) = checks(store)
    assert (first["check"], first["ok"], first["problems"]) == ("verify", True, [])
    clock.move(hours=25)
    assert check_and_log(store, projections=True)
    assert len(checks(store)) == 2
    (payload,) = [
        path for path in (store.settings.home / "payloads" / "sha256").rglob("*") if path.is_file()
    ][:1]
    payload.chmod(0o644)
    payload.write_bytes(b"changed")
    assert not check_and_log(store)
    assert not check_and_log(store)
    *_, last = checks(store)
    assert len(checks(store)) == 3
    assert last["ok"] is False
    assert payload.name in str(last["problems"])
    assert "did NOT verify" in standing_of(store)[0]


def test_each_slot_is_verified_by_one_process(store: Store, clock: Clock) -> None:
    """Of two schedules on one store one verifies in each interval."""
    ran: list[int] = []

    def schedule(number: int) -> Schedule:
        def check() -> bool:
            ran.append(number)
            return check_and_log(store)

        return Schedule(
            store.operations,
            (),
            collect=lambda _: Collected(""),
            standing=lambda: None,
            clock=clock,
            check=check,
        )

    both = [schedule(1), schedule(2)]
    for each in (*both, *both):
        each.check_due()
    assert ran == [1]
    clock.move(hours=6)
    for each in reversed(both):
        each.check_due()
    assert ran == [1, 2]
    assert last_check(store) is not None


def test_the_operator_is_told_that_there_is_no_anchor(store: Store) -> None:
    """Without a second place the page says what that means."""
    assert standing_of(store) == [
        "The store has not been verified by this service yet.",
        (
            "No second place keeps the last signed size (MUNIMENT_EVIDENCE__ANCHOR), so a store that was rolled back to"
            " an older backup would not be noticed here."
        ),
    ]
