"""Taking in decision-log batches as Open Policy Agent sends them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.decisions.read import READER
from compliance.facts import Defect, Received
from compliance.settings import DecisionSettings
from tests.web_world import World, field_of, web_world

PSEUDONYM = "00112233445566778899aabbccddeeff"
RECORDS = [{"key_space": "customer", "pseudonym": PSEUDONYM}]


def decision(**changes: Any) -> dict[str, Any]:
    """An entry as OPA 0.60 writes it."""
    value = {
        "labels": {"app": "pep", "id": "1780d507-aea2-45cc-ae50-fa153c8e4a5a", "version": "0.60.0"},
        "decision_id": "4ca636c1-55e4-417a-b1d8-4aceb67960d1",
        "bundles": {"authz": {"revision": "W3sibCI6InN5cy9jYX="}},
        "path": "data/lake/allow", "requested_by": "10.0.0.7:52113",
        "input": {
            "purpose": "scoring", "principal": "svc-score", "model": "credit@7",
            "dataset": {"namespace": "lake", "name": "raw"}, "records": RECORDS,
        },
        "result": {"allow": True, "why": []}, "timestamp": "2026-11-20T08:01:02.123456789Z",
        "metrics": {"timer_rego_query_eval_ns": 33861, "counter_x": 1.25}, "req_id": 7,
    }  # fmt: skip
    return value | changes


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def post(world: World, batch: list[Any], path: str = "") -> Any:
    """Send a batch as OPA does: gzip, application/json."""
    content = gzip.compress(json.dumps(batch).encode())
    headers = world.bearer("ingest:decisions") | {
        "Content-Encoding": "gzip",
        "Content-Type": "application/json",
    }
    return world.client.post(f"/api/v1/opa/logs{path}", content=content, headers=headers)


def records(world: World) -> list[dict[str, Any]]:
    return [dict(r.value) for r in world.readings(READER, "decisions/1") if isinstance(r, Received)]


def test_a_batch_is_sealed_and_read_normalised(world: World) -> None:
    """A batch is stored as received, sealed, and each entry reads as one decision."""
    batch = [decision(), decision(decision_id="d-2", result=False, input={"purpose": "ads"})]
    assert post(world, batch).status_code == 200
    [(index, entry, body)] = world.evidence("decisions/1")
    assert body == json.dumps(batch).encode()
    assert entry.payload is not None
    assert entry.payload.sealed
    assert PSEUDONYM.encode() not in entry.to_bytes()
    key_id = world.store.key_spaces.current_key_id("customer")
    assert records(world) == [
        {
            "decision_id": decision()["decision_id"], "timestamp": decision()["timestamp"], "allowed": True,
            "purpose": "scoring", "principal": "svc-score", "model": "credit@7",
            "dataset": {"namespace": "lake", "name": "raw"}, "records": [RECORDS[0] | {"key_id": key_id}],
        },
        {"decision_id": "d-2", "timestamp": decision()["timestamp"], "allowed": False, "purpose": "ads", "records": []},
    ]  # fmt: skip
    assert [r.evidence for r in world.readings(READER, "decisions/1")] == [f"{index}/0", f"{index}/1"]


@pytest.mark.parametrize(
    ("result", "allowed"),
    [
        (True, True),
        ({"allow": True}, True),
        (False, False),
        ({"allow": 1}, False),
        ("true", False),
        (None, False),
    ],
)
def test_what_counts_as_allowed(world: World, result: Any, allowed: bool) -> None:
    """Allowed is true itself, or an object whose allow is true, and nothing that resembles it."""
    post(world, [decision(result=result)])
    assert [value["allowed"] for value in records(world)] == [allowed]


def test_a_chunk_sent_again_changes_nothing(world: World) -> None:
    """OPA sends a chunk again when it saw no answer; also under a partition's name it is known."""
    post(world, [decision()])
    size = world.store.log.size
    assert post(world, [decision()]).json()["known_before"] is True
    assert post(world, [decision()], "/shop").json()["known_before"] is True
    assert world.store.log.size == size
    assert post(world, []).status_code == 200


@pytest.mark.parametrize("space", [["customer"], {"a": 1}, None, 5, True])
def test_records_of_a_strange_key_space_are_kept(world: World, space: Any) -> None:
    """Whatever a record names its key space by, the batch is taken, and what cannot be read is a defect."""
    records = [{"key_space": space, "pseudonym": PSEUDONYM}]
    batch = [decision(input={**decision()["input"], "records": records})]
    assert post(world, batch).status_code == 200
    assert world.store.log.entry(world.store.log.size - 1).detail["defects"]


def test_entries_about_no_record_are_taken(world: World) -> None:
    """A gateway logs other decisions too; what cannot be read in an entry is a defect, not a refusal."""
    odd = decision(input={"records": "all", "purpose": 3, "dataset": "raw"}, erased=["/input/records"])
    half = decision(decision_id="d-3", input={"records": [{"pseudonym": PSEUDONYM}, *RECORDS]})
    assert post(world, [decision(input="x"), decision(input=None), odd, half]).status_code == 200
    said = [r.what for r in world.readings(READER, "decisions/1") if isinstance(r, Defect)]
    expected = ["no array", "no text", "no namespace", "OPA masked", "/input/records/0 names no key_space"]
    assert [word for word in expected if not any(word in what for what in said)] == []
    assert [len(value["records"]) for value in records(world)] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"decision_id": None}, "/1/decision_id"),
        ({"timestamp": "2026-11-20T08:01:02"}, "/1/timestamp"),
        ({"timestamp": None}, "/1/timestamp"),
        ({"input": {"records": [{"key_space": "patient", "key": "alice"}]}}, "/1/input/records/0/key_space"),
    ],
)
def test_what_cannot_be_placed_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    """Without id or time, or with a key nobody can replace, the whole batch is refused, naming the field."""
    answer = post(world, [decision(), decision(**change)])
    assert (answer.status_code, field_of(answer)) == (422, field)
    assert world.evidence("decisions/1") == []


def test_raw_keys_in_records_become_pseudonyms(world: World) -> None:
    """A gateway that logs raw keys has them replaced before anything is stored."""
    post(world, [decision(input={"records": [{"key_space": "customer", "key": "alice"}]})])
    assert b"alice" not in world.everything()
    [value] = records(world)
    assert value["records"][0]["pseudonym"] == world.store.key_spaces.pseudonym("customer", "alice")


def test_another_shape_is_configuration_and_stays_with_its_entries(tmp_path: Path) -> None:
    """A configured shape is stated in the entry, by which it is read ever after."""
    shape = DecisionSettings(
        allowed="/result/ok",
        purpose="/input/why",
        principal="/input/who/0/name",
        records="/input/subject/ids",
    )
    with web_world(tmp_path / "store", decisions=shape) as world:
        given = {
            "why": "fraud",
            "who": [{"name": "ann"}],
            "subject": {"ids": [{"key_space": "customer", "key": "bob-bowman-7"}]},
        }
        post(world, [decision(input=given, result={"ok": True})])
        assert b"bob-bowman-7" not in world.everything()
        [(_, entry, _)] = world.evidence("decisions/1")
        assert entry.detail["shape"] == {
            "allowed": "/result/ok", "purpose": "/input/why", "principal": "/input/who/0/name",
            "records": "/input/subject/ids",
        }  # fmt: skip
        [value] = records(world)
    assert (value["allowed"], value["purpose"], value["principal"]) == (True, "fraud", "ann")
    assert [record["key_space"] for record in value["records"]] == ["customer"]
