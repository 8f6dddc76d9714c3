"""Operating effectiveness: how controls stood over a period, since when, how long, and by which entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.canonical import format_time, parse_time
from compliance.errors import InputRefused, NotFound
from compliance.operating import operating
from tests.tiny import BEGIN, DAY, TinyStore, command_line, tiny_store


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyStore]:
    """Nothing for two days; a dataset without a contract for three; contracted since, and signed on the eighth day."""
    with tiny_store(tmp_path_factory.mktemp("period")) as tiny:
        tiny.now = BEGIN + 2 * DAY
        tiny.contract_of("other")
        tiny.run_of("people", 1)
        tiny.now = BEGIN + 5 * DAY
        tiny.contract_of("people")
        tiny.now = BEGIN + 8 * DAY
        tiny.post("/attestations", {
            "attestation": "review-done", "control": "USE-02", "statement": "I reviewed it.", "signed_by": "Ada",
            "signed_at": format_time(tiny.now),
        }, "attest")  # fmt: skip
        tiny.now = BEGIN + 10 * DAY
        yield tiny


def test_each_status_is_told_with_its_days_and_spans(told: TinyStore) -> None:
    """Days add up to the period; a time without evidence is unknown, never effective."""
    found = operating(told.answers, told.answers.basis(), start=BEGIN, control="USE-01")
    [control] = found["controls"]
    assert [(span["status"], span["days"]) for span in control["spans"]] == [
        ("unknown", 2.0), ("deficient", 3.0), ("effective", 5.0),
    ]  # fmt: skip
    assert control["days"] == {"effective": 5.0, "deficient": 3.0, "unknown": 2.0, "excepted": 0.0}
    assert (control["since"], control["effective_throughout"]) == (format_time(BEGIN + 5 * DAY), False)
    assert [check["id"] for check in control["checks"]] == ["dataset-has-contract"]


def test_a_deficient_span_names_what_made_it_so(told: TinyStore) -> None:
    """The resource, the deciding value and the entries stand with the span."""
    [control] = operating(told.answers, told.answers.basis(), start=BEGIN, control="USE-01")["controls"]
    deficient = control["spans"][1]
    assert deficient["resources"] == ["lake/people"]
    assert deficient["because"] == "lake/people has_contract = false"
    index = int(deficient["evidence"][0].split("/")[0])
    assert told.store.log.entry(index).kind == "lineage/1"


def test_a_requirement_stands_as_its_controls_do(told: TinyStore) -> None:
    """Over the whole library each answered requirement has spans of its own."""
    found = operating(told.answers, told.answers.basis(), start=BEGIN, framework="rules")
    days = {one["id"]: one["days"] for one in found["requirements"]}
    assert days["rules:1.1"]["deficient"] == 3.0
    assert days["rules:1.2"] == {"effective": 2.0, "deficient": 0.0, "unknown": 8.0, "excepted": 0.0}


def test_a_period_within_one_status_began_before_it(told: TinyStore) -> None:
    """Since when a status stands is not told of what began before the period."""
    basis = told.answers.basis()
    [control] = operating(told.answers, basis, start=BEGIN + 6 * DAY, control="USE-01")["controls"]
    assert (control["since"], control["effective_throughout"]) == (None, True)


def test_a_period_ends_with_the_instant_asked_about(told: TinyStore) -> None:
    """What lies after it is not told; a period that has no length is refused."""
    basis = told.answers.basis(at=BEGIN + 4 * DAY)
    found = operating(told.answers, basis, start=BEGIN, end=BEGIN + 9 * DAY, control="USE-01")
    assert parse_time(found["to"]) == BEGIN + 4 * DAY
    with pytest.raises(InputRefused):
        operating(told.answers, basis, start=BEGIN + 4 * DAY)
    with pytest.raises(NotFound):
        operating(told.answers, basis, framework="rulez")
    with pytest.raises(NotFound):
        operating(told.answers, basis, control="USE-99")


def test_it_is_answered_over_http_to_who_may_see_it(told: TinyStore) -> None:
    """Auditor and engineer ask; others are refused."""
    query = {"from": format_time(BEGIN), "control": "USE-01"}
    answer = told.client.get("/api/v1/effectiveness", params=query, headers=told.as_("auditor"))
    assert answer.json()["controls"][0]["days"]["deficient"] == 3.0
    assert told.client.get("/api/v1/effectiveness", headers=told.as_("ingest")).status_code == 403


def test_the_command_prints_days_and_spans(tmp_path: Path) -> None:
    """`muniment effectiveness` without evidence says that all of it is unknown."""
    command = command_line(tmp_path)
    command.ok("init")
    found = json.loads(command.ok("effectiveness", "--json"))
    assert {one["status"] for one in found["controls"]} == {"unknown"}
    assert timedelta(days=90) == parse_time(found["to"]) - parse_time(found["from"])
    assert "unknown" in command.ok("effectiveness", "--control", "USE-01")
