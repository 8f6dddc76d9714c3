"""Taking in OpenLineage events: single and in batches."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.lineage.read import READER
from compliance.canonical import parse_time
from compliance.facts import Defect, Received
from compliance.settings import SourceSettings
from tests.shared import SHARED
from tests.web_world import World, field_of, web_world

RUN = "41fb5137-f0fd-4ee5-ba5c-56f8571d1bd7"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def event(**changes: Any) -> dict[str, Any]:
    """A RunEvent without fault, with some members changed; None takes one away."""
    value = {
        "eventType": "COMPLETE", "eventTime": "2026-11-01T10:00:00.123Z", "producer": "https://example.org/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN}, "job": {"namespace": "jobs", "name": "nightly"},
        "inputs": [{"namespace": "lake", "name": "raw"}], "outputs": [{"namespace": "lake", "name": "clean"}],
    }  # fmt: skip
    return {name: part for name, part in (value | changes).items() if part is not None}


def post(world: World, body: Any, path: str = "", **bearer: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = world.bearer("ingest:lineage", **bearer)
    return world.client.post(f"/api/v1/lineage{path}", content=content, headers=headers)


def test_an_event_is_stored_byte_for_byte(world: World) -> None:
    """What was received is evidence as it was received, unknown fields, spacing and numbers included."""
    body = json.dumps(event(later={"x": [1.50, 2e3]}), indent=3).replace("1.5", "1.50").encode()
    answer = post(world, body)
    assert (answer.status_code, answer.json()["known_before"]) == (201, False)
    [(index, entry, stored)] = world.evidence("lineage/1")
    assert answer.json()["entry"] == str(index)
    assert stored == body
    assert (entry.source, entry.observed_at) == ("api", parse_time("2026-11-01T10:00:00.123Z"))
    [record] = world.readings(READER, "lineage/1")
    assert isinstance(record, Received)
    assert (record.kind, record.evidence, record.instant) == ("lineage", f"{index}/0", entry.observed_at)


def test_the_same_event_twice_changes_nothing(world: World) -> None:
    """The same canonical JSON from the same source at the same endpoint is taken, and appends nothing."""
    post(world, event())
    size = world.store.log.size
    answer = post(world, json.dumps(event(), indent=1, sort_keys=True).encode())
    assert (answer.status_code, answer.json()["known_before"]) == (201, True)
    assert world.store.log.size == size


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"run": {}}, "/run/runId"),
        ({"run": None}, "/run/runId"),
        ({"run": {"runId": 7}}, "/run/runId"),
        ({"job": None}, "/job/namespace"),
        ({"job": {"namespace": "n"}}, "/job/name"),
        ({"eventTime": None}, "/eventTime"),
        ({"eventTime": "yesterday"}, "/eventTime"),
        ({"inputs": [{"namespace": "lake"}]}, "/inputs/0/name"),
        ({"inputs": {"namespace": "lake"}}, "/inputs"),
        ({"outputs": ["x"]}, "/outputs/0"),
        ({"outputs": [{"namespace": "n", "name": "d", "facets": []}]}, "/outputs/0/facets"),
        ({"run": None, "job": None, "eventType": None, "schemaURL": None}, "/run"),
    ],
)
def test_what_names_no_run_job_or_time_is_refused(world: World, changes: dict[str, Any], field: str) -> None:
    """Without run id, job or event time, or with datasets that cannot be read: 422, naming the field."""
    answer = post(world, event(**changes))
    assert (answer.status_code, field_of(answer)) == (422, field)
    assert world.evidence("lineage/1") == []


def test_dataset_and_job_events_need_dataset_and_job(world: World) -> None:
    """DatasetEvents and JobEvents are taken with a dataset or job and a time, and refused without."""
    dataset = {"eventTime": "2026-11-01T00:00:00Z", "producer": "p", "schemaURL": "#/$defs/DatasetEvent"}
    assert post(world, dataset | {"dataset": {"namespace": "n", "name": "d"}}).status_code == 201
    assert field_of(post(world, dataset)) == "/dataset/namespace"
    job = dataset | {"schemaURL": "#/$defs/JobEvent", "job": {"namespace": "n", "name": "j"}}
    assert post(world, job).status_code == 201
    assert field_of(post(world, job | {"eventTime": None})) == "/eventTime"
    nulls = {"run": None, "eventType": None, "schemaURL": None}
    assert post(world, dataset | nulls | {"dataset": {"namespace": "n", "name": "e"}}).status_code == 201


def test_defects_are_taken_recorded_and_listed(world: World) -> None:
    """Missing producer, schemaURL, _producer and zone are taken, read as UTC, and listed as defects."""
    facets = {"ownership": {"_schemaURL": "x"}, "odd": 3}
    broken = event(
        producer=None, schemaURL=None, eventTime="2026-11-01T10:00:00", eventType="DONE",
        run={"runId": "nightly-7"}, outputs=[{"namespace": "n", "name": "d", "facets": facets}],
    )  # fmt: skip
    assert post(world, broken).status_code == 201
    [(index, entry, _)] = world.evidence("lineage/1")
    stated = [defect["what"] for defect in entry.detail["defects"]]
    readings = world.readings(READER, "lineage/1")
    assert [r.what for r in readings if isinstance(r, Defect)] == stated
    assert {r.evidence for r in readings} == {f"{index}/0"}
    assert entry.observed_at == parse_time("2026-11-01T10:00:00Z")
    expected = ["producer", "schemaURL", "no zone", "eventType", "no UUID", "lacks _producer", "no object"]
    assert [word for word in expected if not any(word in what for what in stated)] == []


def test_a_time_ahead_counts_as_the_receipt_and_is_a_defect(world: World) -> None:
    """An event more than five minutes ahead of its receipt counts from its receipt, and is listed."""
    post(world, event(eventTime="2026-11-23T12:06:00Z"))
    record, defect = world.readings(READER, "lineage/1")
    assert isinstance(record, Received)
    assert record.instant == world.store.clock.now
    assert isinstance(defect, Defect)
    assert "after its receipt" in defect.what


def test_an_entry_stays_small_whatever_is_named(world: World) -> None:
    """However long the names in events and however many their defects, they are taken, and the entry fits."""
    long: dict[str, dict[str, str]] = {"\U0001f600" * 500 + str(number): {} for number in range(3)}
    outputs = [{"namespace": "n", "name": f"d{number}", "facets": long} for number in range(5)]
    sql = {"sql": {"query": "select 'x'"}}
    batch = [event(outputs=outputs, job={"namespace": "n", "name": str(n), "facets": sql}) for n in range(40)]
    assert {result["status"] for result in post(world, batch, "/batch").json()["results"]} == {201}
    [(_, entry, _)] = world.evidence("lineage/1")
    assert entry.detail["defects_in_all"] > len(entry.detail["defects"])
    assert len(world.readings(READER, "lineage/1")) == 40 + entry.detail["defects_in_all"]


def test_gzip_is_taken(world: World) -> None:
    """A gzip body is stored as it was unpacked."""
    body = json.dumps(event()).encode()
    headers = world.bearer("ingest") | {"Content-Encoding": "gzip"}
    assert (
        world.client.post("/api/v1/lineage", content=gzip.compress(body), headers=headers).status_code == 201
    )
    assert world.evidence("lineage/1")[0][2] == body


def test_a_batch_answers_per_item_and_applies_the_good_ones(world: World) -> None:
    """The bad events of a batch are told one by one; the good ones are stored as they were written."""
    good = [json.dumps(event(eventType=name), indent=1) for name in ("START", "COMPLETE")]
    answer = post(world, f'[{good[0]}, {{"x": 1}}, 7,\n {good[1]}]'.encode(), "/batch")
    results = answer.json()["results"]
    assert [(r["index"], r["status"], r.get("field")) for r in results] == [
        (0, 201, None), (1, 422, "/1/run"), (2, 422, "/2"), (3, 201, None),
    ]  # fmt: skip
    [(index, entry, body)] = world.evidence("lineage/1")
    assert body.decode() == f"[{good[0]},{good[1]}]"
    assert entry.detail["left_out"] == [1, 2]
    records = [r for r in world.readings(READER, "lineage/1") if isinstance(r, Received)]
    assert [(r.evidence, r.value["eventType"]) for r in records] == [
        (f"{index}/0", "START"), (f"{index}/1", "COMPLETE"),
    ]  # fmt: skip


def test_a_whole_batch_is_stored_as_received(world: World) -> None:
    """A batch without a bad event is stored byte for byte; an empty one changes nothing."""
    body = b" [ " + json.dumps(event(), indent=2).encode() + b" ] \n"
    assert post(world, body, "/batch").json()["results"] == [{"index": 0, "status": 201}]
    assert world.evidence("lineage/1")[0][2] == body
    assert post(world, b"[]", "/batch").json()["results"] == []
    assert len(world.evidence("lineage/1")) == 1


def test_an_array_belongs_into_a_batch(world: World) -> None:
    """An array at the endpoint of single events is refused, and an object at the batch's."""
    assert post(world, [event()]).status_code == 422
    assert post(world, event(), "/batch").status_code == 422


HOSTILE = {
    "not JSON": b"{",
    "a key twice": b'{"run": {}, "run": {}}',
    "NaN": b'{"run": NaN}',
    "a number without end": b'{"eventTime": 1e999}',
    "half a surrogate pair": b'{"eventTime": "\\ud800"}',
    "not UTF-8": b'{"eventTime": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"eventTime": 1}'.encode("utf-16"),
    "nothing": b" \n ",
    "no object": b'"event"',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_are_refused(world: World, body: bytes) -> None:
    """What is no clean JSON is a problem of 422, and nothing of it is stored."""
    answer = post(world, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert world.evidence("lineage/1") == []


def test_deep_nesting_is_too_large(world: World) -> None:
    """A body nested beyond the limit is a problem of 413, whatever the parser can bear."""
    many = ",".join(f'"{number}": 1' for number in range(300_000))
    assert post(world, f'{{{many}, "7": 2}}'.encode()).status_code == 422, "found in linear time"
    for depth in (70, 100_000):
        assert post(world, b'{"x":' + b"[" * depth + b"]" * depth + b"}").status_code == 413


# --- namespaces --------------------------------------------------------------------------------


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[World]:
    source = SourceSettings(name="shop", kind="push", accepts=("lineage",), namespaces=("lake",))
    with web_world(tmp_path / "store", sources=(source,)) as made:
        yield made


def foreign(**facets: Any) -> dict[str, Any]:
    return event(outputs=[{"namespace": "lake", "name": "clean", "facets": facets}])


ELSEWHERE = {"namespace": "vault", "name": "x"}
FOREIGN = {
    "an input": event(inputs=[ELSEWHERE]),
    "an output": event(outputs=[ELSEWHERE]),
    "a source of a column": foreign(
        columnLineage={"fields": {"c": {"inputFields": [ELSEWHERE | {"field": "f"}]}}}
    ),
    "another name": foreign(symlinks={"identifiers": [ELSEWHERE | {"type": "TABLE"}]}),
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_outside_a_sources_namespaces_is_forbidden(bound: World, body: dict[str, Any]) -> None:
    """A source limited to namespaces may not speak of a dataset outside, in whatever part of the event."""
    assert post(bound, body, source="shop").status_code == 403
    assert post(bound, event(), source="shop").status_code == 201
    assert [entry.source for _, entry, _ in bound.evidence("lineage/1")] == ["shop"]
    results = post(bound, [event(eventType="START"), body], "/batch", source="shop").json()["results"]
    assert [result["status"] for result in results] == [201, 403]


# --- what is published -------------------------------------------------------------------------


def published() -> list[Any]:
    if SHARED is None:
        return []
    folders = ("ol-dbt", "ol-flink-expected", "ol-hive-expected", "ol-proxy-client-spec")
    files = [
        path for name in folders for path in sorted((SHARED / "data/openlineage" / name).rglob("*.json"))
    ]
    found = [json.loads(_filled(path.read_text())) for path in files]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def _filled(text: str) -> str:
    """The text with the placeholders of its assertions replaced by values of the kind they stand for."""
    text = re.sub(r'"eventTime": "[^"]*(\{\{|\$\{)[^"]*"', '"eventTime": "2026-11-01T10:00:00Z"', text)
    return re.sub(r'"runId": "[^"]*(\{\{|\$\{)[^"]*"', f'"runId": "{RUN}"', text)


@pytest.mark.skipif(SHARED is None, reason="the published events are not beside this checkout")
def test_published_events_are_taken_or_refused_by_name(world: World) -> None:
    """Every published event is either taken, or refused with the field that it lacks."""
    headers = world.bearer("ingest")
    answers: Counter[tuple[int, str | None]] = Counter()
    for one in published():
        answer = world.client.post("/api/v1/lineage", json=one, headers=headers)
        answers[answer.status_code, answer.json().get("field")] += 1
    taken = sum(times for (status, _), times in answers.items() if status == 201)
    refused = {field: times for (status, field), times in answers.items() if status != 201}
    assert {status for status, _ in answers} == {201, 422}
    assert set(refused) <= {"/run/runId", "/eventTime", "/job/namespace", "/job/name"}
    print(f"published events: {taken} taken, refused by field: {refused}")  # noqa: T201 (asked for by -s)
    assert taken > 450
    records = [r for r in world.readings(READER, "lineage/1") if isinstance(r, Received)]
    assert 400 < len(records) <= taken
