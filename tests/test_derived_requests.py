"""Requests of people joined with the clock of their law, the deletion log and lineage; vendors with transfers."""

from __future__ import annotations

from typing import Any

from compliance.derived import DERIVATIONS
from compliance.facts import Fact
from tests.derived_parts import ANN, EVERYTHING, Book, ago, derive
from tests.fact_base import seen, whole

REQUEST: dict[str, Any] = {part.name: None for part in DERIVATIONS["answered_request"].schema.fields} | {
    "kind": "access", "law": "gdpr", "received": ago(20), "answer": [], "recipients": [], "recipients_told": [],
    "datasets": [], "erasure_request_id": None, "extended": None, "extension_told": None,
}  # fmt: skip


def request(**changes: Any) -> Fact:
    """One request as its register has it."""
    return seen("data_subject_request", "r1", REQUEST | changes)


def answered(book: Book, fact: Fact) -> dict[str, Any]:
    """The joined request."""
    base = book.base(facts=[fact], scopes=[whole("data_subject_request")], sources=[EVERYTHING])
    return dict(derive(base, "answered_request")["r1"].value)


def test_the_term_is_that_of_the_law() -> None:
    """A month for the Union, 45 days for California, 21 for a choice there, 30 and 60 under health law."""
    days = {
        ("gdpr", "access"): 30, ("cpra", "access"): 45, ("cpra", "opt-out"): 21, ("hipaa", "access"): 30,
        ("hipaa", "rectification"): 60,
    }  # fmt: skip
    for (law, kind), most in days.items():
        assert answered(Book(), request(law=law, kind=kind))["answer_by"] == ago(20 - most)
    assert answered(Book(), request(law="other"))["answer_by"] is None


def test_an_extension_counts_only_if_the_person_was_told_in_time() -> None:
    """Told within the first month it adds two; told later it adds nothing."""
    told = answered(Book(), request(received=ago(80), extended=True, extension_told=ago(60)))
    late = answered(Book(), request(received=ago(80), extended=True, extension_told=ago(40)))
    assert (told["answer_by"], late["answer_by"]) == (ago(-10), ago(50))


def test_an_erasure_is_looked_for_in_the_deletion_log() -> None:
    """A granted erasure that the deletion log lacks shows; one that it has bears its time."""
    book = Book()
    assert answered(book, request(kind="erasure"))["in_deletion_log"] is False
    book.erasure("e1", ANN, ["orders"], done=3)
    found = answered(book, request(kind="erasure", erasure_request_id="e1"))
    assert (found["in_deletion_log"], found["erased_at"]) == (True, ago(3))


def test_what_was_made_from_corrected_data_is_downstream() -> None:
    """A dataset made from the corrected one that holds the same key space and is not named shows."""
    book = Book()
    for name in ("orders", "features"):
        book.contract(name, ["support"], key_spaces=["customer"])
    book.run("build", reads=["orders"], writes=["features"])
    assert answered(book, request(kind="rectification", datasets=["lake/orders"]))["downstream"] == [
        "lake/features"
    ]
    both = request(kind="rectification", datasets=["lake/orders", "lake/features"])
    assert answered(book, both)["downstream"] == []


def test_an_access_answer_is_held_against_its_parts() -> None:
    """What Art. 15 asks for and the answer lacks is named; recipients who were not told are, too."""
    short = answered(
        Book(), request(outcome="granted", answer=["purposes"], recipients=["a", "b"], recipients_told=["a"])
    )
    assert "recipients" in short["answer_missing"]
    assert "purposes" not in short["answer_missing"]
    assert short["untold"] == ["b"]
