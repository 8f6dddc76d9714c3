"""Decisions joined with contracts, register, consents and erasures in force at the time."""

from __future__ import annotations

from compliance.facts import Fact
from tests.derived_parts import ANN, BOB, CAM, EVERYTHING, LAKE, Book, derive

TICKETS = {"namespace": LAKE, "name": "tickets"}


def only(book: Book, name: str = "d1") -> Fact:
    """The fact of one decision, every kind of record being reported in time."""
    return derive(book.base(sources=[EVERYTHING]), "decision_use")[name]


def test_a_decision_is_counted_and_never_named() -> None:
    """A decision states how many records it used; neither pseudonyms nor who asked enter the fact."""
    book = Book()
    book.decision("d1", [ANN, BOB], principal="agent-7", purpose="support", dataset=TICKETS)
    fact = only(book)
    assert fact.value["records"] == 2
    assert fact.value["principal_named"] is True
    assert not any(word in repr(fact) for word in (ANN, BOB, "agent-7"))


def test_what_an_entry_does_not_say_is_absent() -> None:
    """A decision without purpose, dataset and principal has them absent, not empty."""
    book = Book()
    book.decision("d1", [])
    value = only(book).value
    assert value["purpose"] is None
    assert value["dataset"] is None
    assert value["has_contract"] is None
    assert value["principal_named"] is False


def test_consent_is_looked_up_as_of_the_decision() -> None:
    """Granted before, withdrawn since: the earlier decision had consent, the later one had not."""
    book = Book()
    book.purpose("support", basis="consent")
    book.consent(ANN, "support", "granted", 30)
    book.consent(ANN, "support", "withdrawn", 10)
    book.decision("before", [ANN], days=20, purpose="support")
    book.decision("after", [ANN], days=5, purpose="support")
    assert only(book, "before").value["without_consent"] == 0
    assert only(book, "after").value["without_consent"] == 1
    assert only(book, "after").value["withdrawn"] == 1


def test_consent_that_was_never_given_counts_as_lacking_but_not_as_withdrawn() -> None:
    """A record nobody ever consented for is without consent and not withdrawn."""
    book = Book()
    book.purpose("support", basis="consent")
    book.consent(ANN, "support", "granted", 30)
    book.decision("d1", [ANN, CAM], purpose="support")
    value = only(book).value
    assert (value["without_consent"], value["withdrawn"]) == (1, 0)


def test_a_withdrawal_wins_a_tie() -> None:
    """Of a grant and a withdrawal at one instant the withdrawal stands."""
    book = Book()
    book.purpose("support", basis="consent")
    book.consent(ANN, "support", "withdrawn", 10)
    book.consent(ANN, "support", "granted", 10)
    book.decision("d1", [ANN], purpose="support")
    assert only(book).value["withdrawn"] == 1


def test_another_lawful_basis_asks_for_no_consent() -> None:
    """Only a purpose with the basis consent is held against consents."""
    book = Book()
    book.purpose("support", basis="contract")
    book.decision("d1", [ANN], purpose="support")
    assert only(book).value["without_consent"] == 0
    assert only(book).value["lawful_basis"] == "contract"


def test_at_a_tie_in_the_register_consent_counts() -> None:
    """Of two entries of a purpose from one instant the one by consent stands."""
    book = Book()
    book.purpose("support", basis="contract")
    book.purpose("support", basis="consent")
    book.decision("d1", [ANN], purpose="support")
    assert only(book).value["lawful_basis"] == "consent"


def test_a_refused_purpose_is_told_from_a_missing_contract() -> None:
    """A contract without the purpose refuses it; without a contract there is nothing to refuse."""
    book = Book()
    book.contract("tickets", ["support"])
    book.decision("ok", [], purpose="support", dataset=TICKETS)
    book.decision("no", [], purpose="marketing", dataset=TICKETS)
    book.decision("bare", [], purpose="support", dataset={"namespace": LAKE, "name": "chats"})
    assert only(book, "ok").value["purpose_refused"] is False
    assert only(book, "no").value["purpose_refused"] is True
    assert only(book, "bare").value["has_contract"] is False
    assert only(book, "bare").value["purpose_refused"] is None


def test_records_erased_before_the_decision_are_counted() -> None:
    """Only an erasure that covers the dataset and was completed by then counts."""
    book = Book()
    book.erasure("e1", ANN, ["tickets"], done=10)
    book.erasure("e2", BOB, ["orders"], done=10)
    book.erasure("e3", CAM, None, done=10)
    book.decision("after", [ANN, BOB, CAM], days=5, dataset=TICKETS)
    book.decision("before", [ANN, BOB, CAM], days=15, dataset=TICKETS)
    assert only(book, "after").value["erased"] == 2
    assert only(book, "before").value["erased"] == 0


def test_without_a_deletion_log_nobody_knows_what_was_erased() -> None:
    """Where nothing reports erasures, consents or the register, what holds by absence is unseen."""
    book = Book()
    book.decision("d1", [ANN], purpose="support", dataset=TICKETS)
    fact = derive(book.base(), "decision_use")["d1"]
    assert {"erased", "has_contract", "purpose_registered", "lawful_basis"} <= fact.unseen.keys()


def test_consents_that_nobody_reports_are_not_held_against_the_decision() -> None:
    """Consent that is absent only because nobody reports consents is unseen, not lacking."""
    book = Book()
    book.purpose("support", basis="consent")
    book.decision("d1", [ANN], purpose="support")
    fact = derive(book.base(), "decision_use")["d1"]
    assert fact.unseen["without_consent"].cause == "missing"
    assert fact.unseen["withdrawn"].cause == "missing"
