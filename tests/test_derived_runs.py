"""Runs joined with register, contracts and consents."""

from __future__ import annotations

import pytest

from compliance.derived import withdrawals
from compliance.facts import Fact
from tests.derived_parts import ANN, BOB, EVERYTHING, LAKE, Book, ago, derive, push


def only(book: Book, run_id: str) -> Fact:
    """The fact of one run, every kind of record being reported in time."""
    return derive(book.base(sources=[EVERYTHING]), "lineage_run")[run_id]


def test_a_run_states_what_it_read_and_for_what() -> None:
    """A run's purposes are those of its tag; its inputs and outputs are datasets under their names."""
    book = Book()
    book.run("r1", reads=["orders"], writes=["features"], tags={"purpose": "fraud"})
    fact = only(book, "r1")
    assert fact.value["purposes"] == ["fraud"]
    assert fact.value["inputs"] == ["lake/orders"]
    assert fact.value["outputs"] == ["lake/features"]
    assert fact.value["completed"] is True
    assert fact.value["ended_at"] == ago(1)
    assert fact.evidence == ("10/0", "11/0")


def test_a_failed_run_is_there_and_not_completed() -> None:
    """A failed run's reads still count as use, so it stays in the population."""
    book = Book()
    book.run("r1", reads=["orders"], state="FAIL")
    assert only(book, "r1").value["completed"] is False


def test_a_run_that_still_runs_is_not_judged_yet() -> None:
    """A run without an end is judged when it ends."""
    book = Book()
    book.run("r1", reads=["orders"], state="RUNNING")
    assert derive(book.base(sources=[EVERYTHING]), "lineage_run") == {}


def test_a_purpose_that_the_contract_lacks_is_a_refusal() -> None:
    """A contract in force at the run's start that lacks its purpose refuses it, and is cited."""
    book = Book()
    contract = book.contract("orders", ["billing"])
    book.run("r1", reads=["orders"], tags={"purpose": "marketing"})
    fact = only(book, "r1")
    assert fact.value["refusals"] == ["lake/orders: marketing"]
    assert contract in fact.evidence


def test_the_contract_in_force_at_the_start_decides() -> None:
    """A contract that comes into force after the run's start changes nothing about the run."""
    book = Book()
    book.contract("orders", ["marketing"], days=50)
    book.contract("orders", ["billing"], days=5)
    book.run("before", reads=["orders"], tags={"purpose": "marketing"}, days=10)
    book.run("after", reads=["orders"], tags={"purpose": "marketing"}, days=1)
    assert only(book, "before").value["refusals"] == []
    assert only(book, "after").value["refusals"] == ["lake/orders: marketing"]


def test_of_two_contracts_from_one_instant_either_may_refuse() -> None:
    """At a tie of valid_from any contract that lacks the purpose refuses it."""
    book = Book()
    book.contract("orders", ["marketing"], days=50)
    book.contract("orders", ["billing"], days=50)
    book.run("r1", reads=["orders"], tags={"purpose": "marketing"})
    assert only(book, "r1").value["refusals"] == ["lake/orders: marketing"]


def test_an_alias_shares_the_contract() -> None:
    """A configured alias names the same dataset, so that its contract speaks of what was read."""
    book = Book()
    book.contract("orders", ["billing"])
    book.run("r1", reads=["shop.orders"], tags={"purpose": "marketing"})
    group = [{"namespace": LAKE, "name": "orders"}, {"namespace": LAKE, "name": "shop.orders"}]
    base = book.base(sources=[EVERYTHING], config={"aliases": [group]})
    assert derive(base, "lineage_run")["r1"].value["refusals"] == ["lake/orders: marketing"]


def test_an_unregistered_purpose_is_named() -> None:
    """Purposes that the register lacks are listed; registered ones are not."""
    book = Book()
    book.purpose("billing")
    book.run("r1", reads=["orders"], tags={"purpose": "marketing"})
    book.run("r2", reads=["orders"], tags={"purpose": "billing"})
    assert only(book, "r1").value["unregistered"] == ["marketing"]
    assert only(book, "r2").value["unregistered"] == []


def test_withdrawn_records_are_counted_where_the_manifest_shows_them() -> None:
    """A run under consent that read a version with a withdrawn record counts it, granted ones not."""
    book = Book()
    book.purpose("marketing", basis="consent")
    book.contract("orders", ["marketing"], key_spaces=["customer"])
    book.consent(ANN, "marketing", "granted", 30)
    book.consent(ANN, "marketing", "withdrawn", 10)
    book.consent(BOB, "marketing", "granted", 30)
    book.manifest("orders", "7", [ANN, BOB], days=40)
    book.run("r1", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"})
    book.run("early", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"}, days=20)
    assert only(book, "r1").value["withdrawn"] == 1
    assert only(book, "early").value["withdrawn"] == 0


def test_a_withdrawal_for_another_purpose_does_not_count() -> None:
    """Consent is given and withdrawn purpose by purpose."""
    book = Book()
    book.purpose("marketing", basis="consent")
    book.consent(ANN, "research", "withdrawn", 10)
    book.manifest("orders", "7", [ANN], days=40)
    book.run("r1", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"})
    assert only(book, "r1").value["withdrawn"] == 0


def test_without_a_full_manifest_nobody_can_say_that_the_withdrawn_stayed_out() -> None:
    """A version without a full manifest leaves the count unseen as soon as there is a withdrawal."""
    book = Book()
    book.purpose("marketing", basis="consent")
    book.contract("orders", ["marketing"], key_spaces=["customer"])
    book.consent(ANN, "marketing", "withdrawn", 10)
    book.manifest("orders", "7", [BOB], days=40, completeness="partial")
    book.run("r1", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"})
    fact = only(book, "r1")
    assert "withdrawn" not in fact.value
    assert fact.unseen["withdrawn"].cause == "missing"
    assert ANN not in fact.unseen["withdrawn"].why


def test_a_manifest_under_another_secret_does_not_exclude() -> None:
    """A pseudonym cannot be looked for in a manifest that was made under another secret."""
    book = Book()
    book.purpose("marketing", basis="consent")
    book.contract("orders", ["marketing"], key_spaces=["customer"])
    book.consent(ANN, "marketing", "withdrawn", 10, key_id="old")
    book.manifest("orders", "7", [], days=40, key_id="new")
    book.run("r1", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"})
    assert only(book, "r1").unseen["withdrawn"].cause == "missing"


def test_where_nobody_reports_contracts_their_absence_says_nothing() -> None:
    """Without any contract and any source of them, neither refusals nor missing contracts can be told."""
    book = Book()
    book.run("r1", reads=["orders"], tags={"purpose": "marketing"})
    fact = derive(book.base(), "lineage_run")["r1"]
    assert {"refusals", "without_contract", "unregistered", "consent_based"} <= fact.unseen.keys()
    assert fact.value["purposes"] == ["marketing"]


def test_a_silent_source_of_contracts_hides_what_holds_by_absence_only() -> None:
    """A refusal that was seen stays seen while the source of contracts is stale; "none" becomes stale."""
    book = Book()
    book.contract("orders", ["billing"])
    book.run("bad", reads=["orders"], tags={"purpose": "marketing"})
    book.run("good", reads=["orders"], tags={"purpose": "billing"})
    facts = derive(
        book.base(sources=[push("contracts", cause="stale"), push("lineage", name="l")]), "lineage_run"
    )
    assert facts["bad"].value["refusals"] == ["lake/orders: marketing"]
    assert facts["good"].unseen["refusals"].cause == "stale"


def test_a_record_granted_again_is_not_withdrawn() -> None:
    """Of several consents the last before the run's start stands."""
    book = Book()
    book.purpose("marketing", basis="consent")
    book.consent(ANN, "marketing", "withdrawn", 20)
    book.consent(ANN, "marketing", "granted", 10)
    book.manifest("orders", "7", [ANN], days=40)
    book.run("between", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"}, days=15)
    book.run("after", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"}, days=5)
    assert only(book, "between").value["withdrawn"] == 1
    assert only(book, "after").value["withdrawn"] == 0


def test_too_many_withdrawals_are_not_counted_low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the number of look-ups that one fact base may cost, no count is given unless it is a fault."""
    monkeypatch.setattr(withdrawals, "MAX_LOOKUPS", 1)
    book = Book()
    book.purpose("marketing", basis="consent")
    for who in (ANN, BOB):
        book.consent(who, "marketing", "withdrawn", 20)
    book.manifest("orders", "7", [], days=40)
    book.run("r1", reads=["orders"], versions={"orders": "7"}, tags={"purpose": "marketing"})
    assert only(book, "r1").unseen["withdrawn"].cause == "incomplete"
