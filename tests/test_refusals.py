"""Refusals are evidence, counted by the minute: nobody who is refused can fill the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.canonical import format_time
from tests.web_world import NOW, World, web_world
from web.refusals import AT_MOST, OTHERS, REFUSALS, Refusal, Refusals

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def recorded(world: World) -> list[tuple[str, str, int]]:
    """Who was refused, for which cause, how often: as the entries say."""
    found = [json.loads(body) for _, _, body in world.evidence(REFUSALS)]
    return [(one["who"], one["cause"], one["count"]) for one in found]


def test_a_minute_of_refusals_is_one_entry_for_each_account_and_cause(world: World) -> None:
    """The count says how many there were; who was refused is sealed, why is not."""
    lineage = world.bearer("ingest:lineage")
    size = world.store.log.size
    for _ in range(50):
        assert world.client.post("/api/v1/consents", json={}, headers=lineage).status_code == 403
        assert world.client.get("/log/checkpoint").status_code == 401
    assert world.client.post("/api/v1/lineage", json={"a": 1}, headers=lineage).status_code == 422
    assert world.store.log.size == size
    world.store.clock.move(MINUTE)
    assert world.client.get("/log/checkpoint").status_code == 401
    assert sorted((cause, count) for _, cause, count in recorded(world)) == [
        ("401 GET /log/checkpoint", 50), ("403 POST /api/v1/consents", 50), ("422 POST /api/v1/lineage", 1),
    ]  # fmt: skip
    assert {who.partition(":")[0] for who, _, _ in recorded(world)} == {"token", "network"}
    [entry, *_] = [entry for _, entry, _ in world.evidence(REFUSALS)]
    assert entry.payload is not None
    assert entry.payload.sealed
    assert entry.detail == {"minute": format_time(NOW), "cause": "401 GET /log/checkpoint", "count": 50}


def test_what_is_allowed_is_not_counted(world: World) -> None:
    """Answers and what is merely not there leave no entry."""
    auditor = world.bearer("auditor")
    assert world.client.get("/log/checkpoint", headers=auditor).status_code == 200
    assert world.client.get("/api/v1/evidence/99", headers=auditor).status_code == 404
    assert world.app.state.refusals.flush(closing=True) == 0


def test_many_accounts_and_causes_are_counted_together(world: World) -> None:
    """However many there are, a minute adds no more entries than it may."""
    refusals = Refusals(world.store.log, world.store.clock)
    for number in range(1000):
        refusals.note(Refusal(f"network:10.0.{number}.0/24", "401 GET /log/checkpoint"))
    assert refusals.flush(closing=True) == AT_MOST
    found = {who: count for who, _, count in recorded(world)}
    assert len(found) == AT_MOST
    assert sum(found.values()) == 1000
    assert found[OTHERS] == 1000 - (AT_MOST - 1)


def test_what_was_counted_is_appended_at_the_end(world: World) -> None:
    """Stopping the server does not lose the last minute, and appends nothing twice."""
    world.client.get("/log/checkpoint")
    assert world.app.state.refusals.flush() == 0
    assert world.app.state.refusals.flush(closing=True) == 1
    assert world.app.state.refusals.flush(closing=True) == 0
    assert [count for _, _, count in recorded(world)] == [1]
