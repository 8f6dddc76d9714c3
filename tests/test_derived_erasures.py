"""Erasures joined with what was written and decided after them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from compliance.facts import Fact
from tests.derived_parts import ANN, BOB, EVERYTHING, LAKE, Book, ago, derive


def only(book: Book, name: str = "e1") -> Fact:
    """The fact of one erasure, every kind of record being reported in time."""
    return derive(book.base(sources=[EVERYTHING]), "completed_erasure")[name]


def test_the_request_is_the_resource_and_the_person_is_nowhere() -> None:
    """An erasure is named by its request id; no fact of it holds the pseudonym."""
    book = Book()
    book.erasure("e1", ANN, ["orders"])
    fact = only(book)
    assert fact.resource == "e1"
    assert fact.value["datasets"] == ["lake/orders"]
    assert fact.value["requested_at"] == ago(20)
    assert ANN not in repr(fact)


def test_a_later_version_that_holds_the_record_is_a_reappearance() -> None:
    """A version written after completion whose manifest has the record is named, with its manifest."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.run("r1", writes=["orders"], days=5)
    proof = book.manifest("orders", "r1", [ANN, BOB])
    fact = only(book)
    assert fact.value["reappeared_in"] == ["lake/orders@r1"]
    assert proof in fact.evidence


def test_a_version_written_before_completion_is_no_reappearance() -> None:
    """What was written before the erasure was completed may hold the record."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.run("r1", writes=["orders"], days=15)
    book.manifest("orders", "r1", [ANN], days=14)
    assert only(book).value["reappeared_in"] == []


def test_a_dataset_that_is_not_covered_does_not_count() -> None:
    """An erasure from orders says nothing of another dataset."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.run("r1", writes=["audit"], days=5)
    book.manifest("audit", "r1", [ANN])
    assert only(book).value["reappeared_in"] == []


def test_an_erasure_of_everything_covers_each_dataset() -> None:
    """An erasure from all datasets is held against every version written since."""
    book = Book()
    book.erasure("e1", ANN, None, done=10)
    book.run("r1", writes=["audit"], days=5)
    book.manifest("audit", "r1", [ANN])
    assert only(book).value["reappeared_in"] == ["lake/audit@r1"]


def test_a_later_version_without_a_manifest_proves_nothing() -> None:
    """Where the newest later version has no full manifest, nobody can say that the record stayed away."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.run("r1", writes=["orders"], days=5)
    book.manifest("orders", "r1", [BOB], completeness="partial")
    fact = only(book)
    assert fact.unseen["reappeared_in"].cause == "missing"
    assert "lake/orders@r1" in fact.unseen["reappeared_in"].why


def test_a_full_manifest_of_the_newest_version_proves_absence() -> None:
    """A full manifest without the record, of the newest version written since, is enough."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.run("r1", writes=["orders"], days=7)
    book.run("r2", writes=["orders"], days=5)
    book.manifest("orders", "r2", [BOB])
    assert only(book).value["reappeared_in"] == []


def test_a_manifest_under_another_secret_proves_nothing() -> None:
    """A tombstone speaks only for its own key id."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10, key_id="old")
    book.run("r1", writes=["orders"], days=5)
    book.manifest("orders", "r1", [BOB], key_id="new")
    assert only(book).unseen["reappeared_in"].cause == "missing"


def test_a_manifest_that_came_later_without_a_writer_is_doubt() -> None:
    """A manifest with the record, of a version that no known run wrote, leaves open when it was written."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    book.manifest("orders", "77", [ANN], days=3)
    book.run("other", writes=["audit"], days=15)
    assert only(book).unseen["reappeared_in"].cause == "incomplete"


def test_decisions_after_completion_are_counted() -> None:
    """Allowed decisions on a covered dataset count from the completion on, refused ones never."""
    book = Book()
    book.erasure("e1", ANN, ["orders"], done=10)
    orders = {"namespace": LAKE, "name": "orders"}
    book.decision("late", [ANN], days=5, dataset=orders)
    book.decision("early", [ANN], days=15, dataset=orders)
    book.decision("refused", [ANN], days=5, dataset=orders, allowed=False)
    book.decision("other", [BOB], days=5, dataset=orders)
    assert only(book).value["decisions_after"] == 1


def test_two_people_in_one_request_are_two_facts() -> None:
    """Erasures that share a request id are told apart by a number."""
    book = Book()
    book.erasure("e1", ANN, ["orders"])
    book.erasure("e1", BOB, ["orders"])
    assert set(derive(book.base(), "completed_erasure")) == {"e1/1", "e1/2"}


def test_two_sources_that_report_one_erasure_are_one_fact() -> None:
    """The same erasure from two sources counts once, and both entries are cited."""
    book = Book()
    book.erasure("e1", ANN, ["orders"])
    twin = replace(
        book.records[0],
        source="deletion-log",
        evidence="99/0",
        instant=book.records[0].instant + timedelta(hours=1),
    )
    book.records.append(twin)
    assert only(book).evidence == ("10/0", "99/0")


def test_without_lineage_nobody_knows_what_was_written_since() -> None:
    """Where nobody reports lineage or manifests, no reappearance cannot be told from no sight."""
    book = Book()
    book.erasure("e1", ANN, ["orders"])
    fact = derive(book.base(), "completed_erasure")["e1"]
    assert {"reappeared_in", "decisions_after"} <= fact.unseen.keys()
