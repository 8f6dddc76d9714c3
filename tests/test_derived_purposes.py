"""Purposes in use joined with the register of processing."""

from __future__ import annotations

from tests.derived_parts import ANN, EVERYTHING, Book, derive


def test_every_purpose_that_is_named_anywhere_is_counted() -> None:
    """Runs, decisions, models and contracts each count; a purpose that only the register has is left out."""
    book = Book()
    book.purpose("fraud", retention_days=90)
    book.purpose("idle")
    book.contract("orders", ["fraud", "billing"])
    book.run("r1", reads=["orders"], tags={"purpose": "fraud"})
    book.decision("d1", [ANN], purpose="support")
    book.model("scorer", "3", [], purpose="fraud")
    facts = derive(book.base(sources=[EVERYTHING]), "used_purpose")
    assert set(facts) == {"fraud", "billing", "support"}
    fraud = facts["fraud"].value
    assert [fraud[name] for name in ("runs", "decisions", "models", "contracts")] == [1, 0, 1, 1]
    assert (fraud["registered"], fraud["lawful_basis"], fraud["retention_days"]) == (True, "contract", 90)
    assert facts["support"].value["registered"] is False
    assert facts["billing"].value["runs"] == 0


def test_a_contract_that_was_replaced_names_nothing() -> None:
    """Only contracts in force count."""
    book = Book()
    book.contract("orders", ["marketing"], days=50)
    book.contract("orders", ["billing"], days=5)
    assert set(derive(book.base(sources=[EVERYTHING]), "used_purpose")) == {"billing"}


def test_a_refused_decision_is_no_use() -> None:
    """A purpose that was refused was not used."""
    book = Book()
    book.decision("d1", [ANN], purpose="marketing", allowed=False)
    assert derive(book.base(sources=[EVERYTHING]), "used_purpose") == {}


def test_without_a_register_nobody_knows_what_is_registered() -> None:
    """Where no register was ever received, registered is unseen rather than false."""
    book = Book()
    book.run("r1", reads=["orders"], tags={"purpose": "fraud"})
    assert derive(book.base(), "used_purpose")["fraud"].unseen["registered"].cause == "missing"
