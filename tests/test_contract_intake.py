"""CONTRACT section 3, lineage and decision logs over HTTP: what is taken, what is refused, what is kept."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract_events import clock, dataset, decision, event, known_as, run, run_id
from tests.served import Served, problem, serving

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store."""
    with serving(tmp_path_factory) as served:
        yield served


def defects(store: Served, entry: str) -> str:
    """What the entry says is wrong with its items."""
    return json.dumps(store.get(f"/api/v1/evidence/{entry}").json()["entry"]["detail"].get("defects", []))


# --- what is taken -------------------------------------------------------------------------------


def test_the_three_kinds_of_event_are_taken_with_201(store: Served) -> None:
    """POST /lineage takes RunEvent, JobEvent and DatasetEvent, of spec 2-0-2 and older 1-x, with 201."""
    producer = {"producer": "https://example.test/p", "eventTime": clock(1)}
    spec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
    events: list[dict[str, Any]] = [
        event("START", "kinds", 0, writes=[dataset("t")]),
        {**producer, "schemaURL": f"{spec}/JobEvent", "job": {"namespace": "jobs", "name": "declared"}},
        {
            **producer,
            "schemaURL": f"{spec}/DatasetEvent",
            "dataset": {"namespace": "lake", "name": "declared"},
        },
        {
            **event("OTHER", "old", 3),
            "schemaURL": "https://openlineage.io/spec/1-0-0/OpenLineage.json#/definitions/RunEvent",
        },
    ]
    for one in events:
        assert store.post("/lineage", one).status_code == 201


def test_what_was_received_is_stored_byte_for_byte(store: Served) -> None:
    """Unknown fields, spacing, escapes and numbers are kept as sent: the payload is the body."""
    stated = event("COMPLETE", "bytes", 5, reads=[dataset("t", "1")])
    stated["run"]["facets"]["vendor_ünknown"] = {
        "ratio": 0.5,
        "big": 12345678901234567890,
        "list": [1, None, True],
    }
    text = "\n" + json.dumps(stated, indent=3).replace('"ratio": 0.5', '"ratio":   5.0E-1') + " \n"
    entry = store.sent("/lineage", text.encode())["entry"]
    assert store.get(f"/api/v1/evidence/{entry}/payload").content == text.encode()


def test_events_that_break_the_schema_are_taken_with_the_defect(store: Served) -> None:
    """A missing zone, schemaURL or _producer is no refusal: the time is UTC, and the entry lists each defect."""
    broken = event("COMPLETE", "broken", 9, reads=[dataset("t", documentation={"description": "x"})])
    broken["eventTime"] = broken["eventTime"].removesuffix("Z")
    del broken["schemaURL"]
    entry = store.sent("/lineage", broken)["entry"]
    listed = defects(store, entry)
    for said in ("schemaURL", "_producer", "zone"):
        assert said in listed
    assert store.get(f"/api/v1/evidence/{entry}").json()["entry"]["observed_at"] == clock(9)


def test_a_large_event_is_taken(store: Served) -> None:
    """An event of ten megabytes is taken."""
    large = event("COMPLETE", "large", 11, writes=[dataset("wide")])
    large["run"]["facets"]["notes"] = {"text": "x" * (10 * MIB)}
    assert store.post("/lineage", large).status_code == 201


@pytest.mark.parametrize(
    "name", ["a/b/c", "with space", "größe-表", "n" * 2000, "tab\tname", "<script>alert(1)</script>"]
)
def test_any_dataset_name_is_taken_as_it_is(store: Served, name: str) -> None:
    """Names with slashes, spaces, other scripts, control characters or 2,000 letters are names."""
    answer = store.post("/lineage", event("COMPLETE", name, 13, reads=[dataset(name)]))
    assert answer.status_code == 201
    assert name in store.get(f"/api/v1/evidence/{answer.json()['entry']}/payload").json()["inputs"][0]["name"]


# --- the same again ------------------------------------------------------------------------------


def test_the_same_event_again_changes_nothing(store: Served) -> None:
    """The same canonical JSON, however it is spaced, ordered and packed, is answered 2xx and appends nothing."""
    first = event("COMPLETE", "twice", 20)
    first["run"]["facets"]["n"] = {"value": 1}
    again = json.dumps(dict(reversed(first.items())), indent=1).replace('"value": 1', '"value": 1.0').encode()
    assert store.post("/lineage", first).status_code == 201
    size = store.size()
    for body in (json.dumps(first).encode(), again):
        assert store.post("/lineage", body).is_success
    assert store.post("/lineage", gzip.compress(again), headers={"Content-Encoding": "gzip"}).is_success
    assert store.size() == size


def test_the_same_event_from_another_source_is_evidence_of_its_own(store: Served) -> None:
    """The same event is the same only from the same source at the same endpoint."""
    first = event("COMPLETE", "elsewhere", 22)
    store.sent("/lineage", first)
    store.token("ingest:lineage", "spark")
    size = store.size()
    entry = store.sent("/lineage", first, scope="ingest:lineage", source="spark")["entry"]
    assert store.get(f"/api/v1/evidence/{entry}").json()["entry"]["source"] == "spark"
    assert store.size() == size + 1


def test_a_batch_that_is_known_in_part_adds_only_what_is_new_to_the_answer(store: Served) -> None:
    """A batch sent again appends nothing; with one new event it is taken."""
    batch = run("batched", 30, 31)
    assert [item["status"] for item in store.sent("/lineage/batch", batch)["results"]] == [201, 201]
    size = store.size()
    store.sent("/lineage/batch", batch)
    assert store.size() == size
    store.sent("/lineage/batch", [*batch, event("COMPLETE", "batched", 32)])
    assert store.size() == size + 1


def test_a_source_that_is_silent_for_too_long_is_a_gap(store: Served) -> None:
    """A source that has just reported is none; two days on it is stale, as a day is expected, and each answer says so."""
    store.sent("/lineage", event("COMPLETE", "reported", 24), scope="ingest:lineage", source="spark")
    now = store.usage("nobody")
    assert (now["complete"], now["gaps"]) == (True, [])
    later = datetime.fromisoformat(now["as_of"]) + timedelta(days=2)
    then = store.usage("nobody", at=later.isoformat())
    assert then["complete"] is False
    assert [gap["name"] for gap in then["gaps"]] == ["spark"]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        (("run", "runId"), "/run/runId"), (("job", "name"), "/job/name"), (("job", "namespace"), "/job/namespace"),
        (("eventTime",), "/eventTime"), (("job",), "/job"),
    ],
)  # fmt: skip
def test_an_event_without_run_job_or_time_is_refused_by_name(
    store: Served, missing: tuple[str, ...], field: str
) -> None:
    """What has no run id, job or event time gets 4xx problem details naming the field, and nothing is stored."""
    size, body = store.size(), copy.deepcopy(event("START", "refused", 40))
    holder = body
    for name in missing[:-1]:
        holder = holder[name]
    del holder[missing[-1]]
    assert problem(store.post("/lineage", body), 422, field)
    assert store.size() == size


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"eventTime": "yesterday"}, "/eventTime"), ({"eventTime": 12}, "/eventTime"), ({"run": []}, "/run"),
        ({"run": {"runId": ""}}, "/run/runId"), ({"inputs": {"name": "x"}}, "/inputs"),
        ({"outputs": [{"namespace": "lake"}]}, "/outputs/0/name"), ({"job": {"namespace": "n", "name": 5}}, "/job/name"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_named(store: Served, change: dict[str, Any], field: str) -> None:
    """A body that cannot be interpreted gets 4xx with problem details naming the field."""
    size = store.size()
    assert problem(store.post("/lineage", {**event("START", "unread", 41), **change}), 422, field)
    assert store.size() == size


def test_a_dataset_or_job_event_without_its_subject_or_time_is_refused(store: Served) -> None:
    """Of the other two kinds, what has no dataset or job, or no event time, is refused."""
    spec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
    subject = {"eventTime": clock(1), "schemaURL": f"{spec}/DatasetEvent"}
    problem(store.post("/lineage", subject), 422)
    problem(store.post("/lineage", {**subject, "dataset": {"namespace": "lake"}}), 422, "/dataset/name")
    problem(store.post("/lineage", {"dataset": {"namespace": "a", "name": "b"}}), 422, "/eventTime")
    problem(store.post("/lineage", {"eventTime": clock(1), "job": {"name": "b"}}), 422, "/job/namespace")


def test_a_batch_answers_per_item_and_applies_the_good_ones(store: Served) -> None:
    """/lineage/batch alone answers per item: the good are applied, each bad one has its status and detail."""
    good = event("COMPLETE", "among-bad", 50)
    bad = {**event("COMPLETE", "bad", 50), "eventTime": "never"}
    body = store.sent("/lineage/batch", [bad, good, 7])
    assert [(item["index"], item["status"] < 300) for item in body["results"]] == [
        (0, False),
        (1, True),
        (2, False),
    ]
    assert "eventTime" in body["results"][0]["detail"]
    kept = store.get(f"/api/v1/evidence/{body['entry']}/payload").json()
    assert [one["run"]["runId"] for one in kept] == [run_id("among-bad")]


# --- decision logs -------------------------------------------------------------------------------


def test_a_batch_of_an_opa_is_taken_gzipped_and_plain(store: Served) -> None:
    """POST /opa/logs takes OPA's gzip batch and a plain JSON array; a chunk that is sent again changes nothing."""
    batch = [
        decision(f"opa-{number}", number, purpose="service", principal="assistant",
                 records=[{"key_space": "customer", "pseudonym": known_as("C-1")}])
        for number in range(3)
    ]  # fmt: skip
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert store.post("/opa/logs", gzip.compress(json.dumps(batch).encode()), headers=packed).is_success
    size = store.size()
    assert store.post("/opa/logs", batch).is_success
    assert store.size() == size
    assert store.post("/opa/logs", [decision("opa-other", 9)]).is_success
    assert store.size() == size + 1


def test_a_decision_without_its_id_or_zone_is_refused(store: Served) -> None:
    """In every body other than lineage, times are RFC 3339 with a zone; without one: 422."""
    entry = decision("zoneless", 1)
    problem(store.post("/opa/logs", [{**entry, "timestamp": "2026-03-02T00:00:00"}]), 422, "/0/timestamp")
    entry.pop("decision_id")
    problem(store.post("/opa/logs", [entry]), 422, "/0/decision_id")
