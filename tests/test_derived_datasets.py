"""Datasets joined from lineage, contracts, manifests and the register."""

from __future__ import annotations

from compliance.facts import Fact
from tests.derived_parts import ANN, EVERYTHING, Book, ago, derive


def only(book: Book, name: str = "lake/orders") -> Fact:
    """The fact of one dataset, every kind of record being reported in time."""
    return derive(book.base(sources=[EVERYTHING]), "dataset")[name]


def test_a_dataset_that_only_lineage_names_is_undescribed() -> None:
    """Nothing but lineage speaks of it: undescribed, and whose records it holds is unseen."""
    book = Book()
    book.run("r1", writes=["orders"])
    fact = only(book)
    assert fact.value["described"] is False
    assert fact.value["has_contract"] is False
    assert fact.unseen["personal"].cause == "missing"
    assert fact.evidence == ("10/0", "11/0")


def test_a_contract_describes_a_dataset() -> None:
    """A contract describes; without a key space the dataset is said to hold no such record."""
    book = Book()
    book.run("r1", writes=["orders"])
    book.contract("orders", ["billing"])
    fact = only(book)
    assert (fact.value["described"], fact.value["has_contract"], fact.value["personal"]) == (
        True,
        True,
        False,
    )


def test_a_manifest_describes_a_dataset_and_names_its_key_space() -> None:
    """A manifest alone says whose records a dataset holds."""
    book = Book()
    book.run("r1", writes=["orders"])
    book.manifest("orders", "r1", [ANN])
    fact = only(book)
    assert (fact.value["described"], fact.value["has_manifest"], fact.value["personal"]) == (True, True, True)
    assert fact.value["key_spaces"] == ["customer"]


def test_a_contract_that_is_not_yet_in_force_is_none() -> None:
    """A contract counts from its valid_from on."""
    book = Book()
    book.run("r1", writes=["orders"])
    book.contract("orders", ["billing"], days=-3)
    assert only(book).value["has_contract"] is False


def test_the_last_version_decides_on_manifest_and_columns() -> None:
    """A manifest of an older version does not describe the last one; nor does its column lineage."""
    book = Book()
    book.contract("orders", ["billing"], key_spaces=["customer"])
    book.run("r1", reads=["raw"], writes=["orders"], days=5, columns=True)
    book.manifest("orders", "r1", [ANN])
    assert only(book).value["latest_described"] is True
    assert only(book).value["column_lineage"] is True
    book.run("r2", reads=["raw"], writes=["orders"], days=2)
    assert only(book).value["latest_described"] is False
    assert only(book).value["column_lineage"] is False
    assert only(book).value["last_written"] == ago(2)


def test_a_failed_run_writes_nothing() -> None:
    """Only a completed run's outputs exist."""
    book = Book()
    book.run("r1", writes=["orders"], state="FAIL")
    assert only(book).value["last_written"] is None


def test_fields_without_a_sensitivity_are_named() -> None:
    """The contract's fields are counted, and those without a sensitivity listed."""
    book = Book()
    fields = [{"name": "email", "sensitivity": "high"}, {"name": "city"}]
    book.contract("orders", ["billing"], fields=fields)
    value = only(book).value
    assert (value["fields"], value["unclassified"]) == (2, ["city"])


def test_the_retention_limit_is_the_longest_of_the_purposes() -> None:
    """The register's longest retention bounds a dataset; a purpose without limit sets none."""
    book = Book()
    book.purpose("billing", retention_days=400)
    book.purpose("fraud", retention_days=90)
    book.purpose("history")
    book.contract("orders", ["billing", "fraud"], retention_days=365)
    book.contract("ledger", ["billing", "history"])
    assert only(book).value["retention_limit_days"] == 400
    assert only(book).value["retention_days"] == 365
    assert only(book, "lake/ledger").value["retention_limit_days"] is None


def test_permitted_purposes_that_nobody_registered_are_named() -> None:
    """A contract may permit only what the register has; the rest is listed."""
    book = Book()
    book.purpose("billing")
    book.contract("orders", ["billing", "fraud"])
    assert only(book).value["unregistered"] == ["fraud"]


def test_without_any_source_of_contracts_no_dataset_can_be_said_to_lack_one() -> None:
    """Where nobody reports contracts, has_contract is unseen rather than false."""
    book = Book()
    book.run("r1", writes=["orders"])
    fact = derive(book.base(), "dataset")["lake/orders"]
    assert {"has_contract", "has_manifest", "described"} <= fact.unseen.keys()
