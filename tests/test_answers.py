"""Answers as a pure function of library, log size, instant and program, over a small real organisation."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.answers import Answers, Basis
from compliance.canonical import Json, canonical, format_time, pseudonym, strict_json
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Observation
from compliance.keyspaces import KeySpaces, key_id
from compliance.store import ITSELF
from tests.small_store import ANN, BEGIN, BOB, END, EVE, SECRET, Organisation, known_as, small_organisation

FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOURS = st.integers(0, 24 * 10)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """Ten days of an organisation whose evidence is pushed, and whose AWS was never collected."""
    with small_organisation(tmp_path_factory.mktemp("answers")) as made:
        yield made


@pytest.fixture(scope="module")
def size(small: Organisation) -> int:
    """The size of its log before any test asked anything."""
    return small.store.log.size


def asked(answers: Answers, basis: Basis) -> str:
    """Status and findings as bytes would be compared."""
    return json.dumps([answers.status(basis), answers.findings(basis)])


def lookup(small: Organisation, basis: Basis, **question: Any) -> dict[str, Json]:
    """Record usage of one customer."""
    return small.answers.lookup(
        basis, **{"key_space": "customer", "reason": "a test", "who": "local:test", **question}
    )


# --- the four values -------------------------------------------------------------------------------


def test_an_answer_states_what_it_is_a_function_of(small: Organisation, size: int) -> None:
    """Status names instant, library, size and program; by default now, all entries, the library in force."""
    basis = small.answers.basis()
    assert (basis.at, basis.log_size) == (END, small.store.log.size)
    assert basis.as_json().items() <= small.answers.status(basis).items()
    assert small.answers.basis(log_size=size, library=basis.library[:12]).library == basis.library


def test_a_size_beyond_the_log_is_refused(small: Organisation) -> None:
    """Nobody can say what is true by entries that are not there."""
    for wrong in (-1, small.store.log.size + 1):
        with pytest.raises(InputRefused, match="log has"):
            small.answers.basis(log_size=wrong)


@FEW
@given(hours=HOURS, share=st.floats(0, 1))
def test_the_same_basis_gives_the_same_bytes_whoever_is_asked(
    small: Organisation, size: int, hours: int, share: float
) -> None:
    """A process that answered much and one that answered nothing say the same, whatever was asked before."""
    basis = small.answers.basis(at=BEGIN + timedelta(hours=hours), log_size=2 + round(share * (size - 2)))
    assert asked(small.answers, basis) == asked(Answers(small.store), basis)


@FEW
@given(hours=HOURS, cut=st.integers(3, 30))
def test_a_later_entry_changes_no_answer_at_a_smaller_size_or_an_earlier_instant(
    small: Organisation, size: int, hours: int, cut: int
) -> None:
    """An entry changes nothing at a smaller size, and nothing at an instant before its own."""
    smaller = max(2, size - cut)
    at = BEGIN + timedelta(hours=hours)
    later = [entry for _, entry in small.store.log.entries(smaller, size)]
    held = asked(Answers(small.store), Basis(at, smaller, small.answers.basis().library))
    assert asked(small.answers, small.answers.basis(at=at, log_size=smaller)) == held
    if at < min(_may_count_from(entry.kind, entry.instant) for entry in later):
        now = small.answers.findings(small.answers.basis(at=at, log_size=size))
        assert now == small.answers.findings(small.answers.basis(at=at, log_size=smaller))


def _may_count_from(kind: str, instant: datetime) -> datetime:
    """From when what an entry says may count: lineage tells of runs of the day before, a deletion of days before."""
    return instant - timedelta(days=4 if kind.startswith("deletion") else 1)


def test_a_lookup_and_a_report_change_no_answer(small: Organisation) -> None:
    """The store's own entries say nothing of the world."""
    before = small.answers.basis(at=END)
    held = small.answers.findings(before)
    lookup(small, before, key=BOB)
    after = small.answers.basis(at=END)
    assert after.log_size == before.log_size + 1
    assert small.answers.findings(after) == held


def test_many_threads_ask_while_the_log_grows(small: Organisation) -> None:
    """Every thread gets the answer of its basis, whatever is appended meanwhile."""
    basis = small.answers.basis(at=END - timedelta(days=1))
    expected = small.answers.findings(basis)
    fresh = Answers(small.store)
    failed: list[object] = []

    def ask() -> None:
        for hours in range(3):
            if fresh.findings(basis) != expected:
                failed.append(hours)
            fresh.findings(fresh.basis(at=END - timedelta(hours=hours)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        small.post("/consents", [{"key_space": "customer", "key": f"C-{_}", "purpose": "marketing",
                                  "action": "granted", "at": format_time(BEGIN)}], source="registers")  # fmt: skip
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_rebuild_changes_no_answer_and_empties_what_was_kept(small: Organisation, size: int) -> None:
    """After a rebuild every answer is worked out again, and is the same."""
    basis = small.answers.basis(at=END, log_size=size)
    held = asked(small.answers, basis)
    small.store.projections.rebuild()
    assert asked(small.answers, basis) == held


# --- library and configuration ---------------------------------------------------------------------


def test_the_past_is_judged_by_the_library_in_force_then(small: Organisation, size: int) -> None:
    """A library that is appended later judges only sizes that hold it, unless it is named by its digest."""
    old = small.answers.basis(log_size=size)
    body = small.store.log.body(small.store.log.entry(0)) or b""
    files = strict_json(body)
    files["keys.yaml"] = files["keys.yaml"] + "\n# reviewed\n"
    small.store.log.append([Observation("library/1", "muniment", ITSELF, canonical(files))])
    small.store.log.append([Observation("library/1", "muniment", ITSELF, body)])
    new = small.answers.basis(log_size=small.store.log.size - 1)
    assert new.library != old.library
    assert small.answers.basis(log_size=size).library == old.library
    assert small.answers.basis(log_size=size, library=new.library).library == new.library
    named = small.answers.status(small.answers.basis(at=END, log_size=size, library=new.library))
    assert named["library"] == new.library
    assert named["controls"] == small.answers.status(small.answers.basis(at=END, log_size=size))["controls"]
    with pytest.raises(NotFound, match=old.library[:12]):
        small.answers.basis(library="0000")


def test_a_source_taken_out_of_the_configuration_takes_nothing_with_it(small: Organisation) -> None:
    """What a source said before it was removed still counts, and at smaller sizes nothing changed at all."""
    before = small.answers.basis(at=END)
    held = small.answers.findings(before)
    config = dict(small.store.config_in_force(before.log_size))
    fewer = {**config, "sources": [one for one in config["sources"] if one["name"] != "pipelines"]}
    for body in (fewer, config):
        small.store.log.append([Observation("config/1", "muniment", ITSELF, canonical(body))])
    without = small.answers.basis(at=END, log_size=before.log_size + 1)
    used = lookup(small, without, key=ANN)["uses"]
    assert used == lookup(small, before, key=ANN)["uses"]
    assert {state.name for state in small.answers.facts(without).sources()}.isdisjoint({"pipelines"})
    assert small.answers.findings(before) == held


# --- what changed ----------------------------------------------------------------------------------


def test_what_changed_since_yesterday_is_what_differs_at_one_size(small: Organisation, size: int) -> None:
    """Controls and findings whose outcome differs between the two instants, by the same entries."""
    basis = small.answers.basis(at=BEGIN + timedelta(days=9), log_size=size)
    changed = small.answers.changes(basis)
    assert changed["since"] == format_time(basis.at - timedelta(days=1))
    was = {
        f.key(): f.outcome
        for f in small.answers.found(Basis(basis.at - timedelta(days=1), size, basis.library))
    }
    now = {f.key(): f.outcome for f in small.answers.found(basis)}
    told = {(f["check"], f["resource_type"], f["resource_id"], f["source"]) for f in changed["findings"]}
    assert told == {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
    assert small.answers.changes(basis, since=basis.at)["findings"] == []
    with pytest.raises(InputRefused, match="later"):
        small.answers.changes(basis, since=basis.at + timedelta(seconds=1))


def test_since_is_the_start_of_the_last_span(small: Organisation, size: int) -> None:
    """A control's since is where its time line last turned, and its status there is the one it has."""
    basis = small.answers.basis(at=END, log_size=size)
    for control in small.answers.status(basis)["controls"]:
        spans = small.answers.timeline(basis, control["id"])
        assert control["since"] == (format_time(spans[-1].start) if spans else None)
        assert not spans or spans[-1].status == control["status"]


# --- record usage ----------------------------------------------------------------------------------


def test_a_lookup_is_sealed_and_follows_the_size_it_is_for(small: Organisation) -> None:
    """The answer is of the size before it; who asked, for whom and why is in the next entry, sealed."""
    basis = small.answers.basis(at=END)
    answer = lookup(small, basis, key=ANN, reason="DSR-4711")
    assert answer["log_size"] == basis.log_size
    assert answer["checkpoint"] == small.store.log.checkpoint(basis.log_size)
    entry = small.store.log.entry(basis.log_size)
    assert entry.kind == "lookup/1"
    assert b"DSR-4711" not in entry.to_bytes()
    record = strict_json(small.store.log.body(entry) or b"")
    assert (record["who"], record["reason"], record["pseudonym"]) == ("local:test", "DSR-4711", known_as(ANN))
    assert ANN not in json.dumps([answer, record])


@pytest.mark.parametrize(
    "question",
    [
        {"key": ANN, "reason": "  "}, {"key": ANN, "pseudonym": known_as(ANN)}, {}, {"key": ""}, {"pseudonym": "C-100042"},
        {"key": ANN, "key_space": "patient"}, {"key": "\ud800"},
    ],
)  # fmt: skip
def test_a_question_that_is_none_appends_nothing(small: Organisation, question: dict[str, str]) -> None:
    """Without a reason, or without exactly one of key and pseudonym, nothing is answered and nothing recorded."""
    basis = small.answers.basis(at=END)
    with pytest.raises((InputRefused, NotFound)) as refused:
        lookup(small, basis, **question)
    assert ANN not in str(refused.value)
    assert small.store.log.size == basis.log_size


def test_an_answer_at_a_size_is_the_same_later(small: Organisation, size: int) -> None:
    """Asked again about the same size and instant, a lookup says the same, byte for byte."""
    basis = small.answers.basis(at=END, log_size=size)
    first = lookup(small, basis, key=EVE)
    assert json.dumps(lookup(small, basis, key=EVE)) == json.dumps(first)
    assert any(v["code"] == "reappeared-after-erasure" for d in first["datasets"] for v in d["violations"])


def test_a_retired_secret_is_asked_too(
    small: Organisation, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation the uses under the old pseudonym are found under the new one; asked by pseudonym they are not."""
    new = "ff" * 16
    rotated = KeySpaces({"customer": (bytes.fromhex(new), bytes.fromhex(SECRET))})
    basis = small.answers.basis(at=END, log_size=size)
    before = lookup(small, basis, key=ANN)
    monkeypatch.setattr(small.store, "key_spaces", rotated)
    after = lookup(small, basis, key=ANN)
    assert after["pseudonym"] == pseudonym(bytes.fromhex(new), ANN) != before["pseudonym"]
    assert [use["run_id"] for use in after["uses"]] == [use["run_id"] for use in before["uses"]]
    assert [use["violations"] for use in after["uses"]] == [use["violations"] for use in before["uses"]]
    assert lookup(small, basis, pseudonym=after["pseudonym"])["uses"] == []
    assert rotated.current_key_id("customer") == key_id(bytes.fromhex(new))
