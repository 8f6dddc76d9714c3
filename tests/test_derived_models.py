"""Model versions joined with the runs tied to them."""

from __future__ import annotations

from typing import Any

from compliance.facts import Fact, Unseen
from tests.derived_parts import ANN, EVERYTHING, Book, derive
from tests.fact_base import seen

REGISTERED: dict[str, Any] = {
    "name": "scorer", "version": "3", "stage": None, "aliases": ["champion"], "approval": "approved",
    "approved_by": "m.okafor", "requested_by": "j.lind", "purpose": "fraud", "owner": "fraud-team",
    "risk_class": "limited",
}  # fmt: skip


def registered(unseen: dict[str, Unseen] | None = None, **changes: Any) -> Fact:
    """A model version as the registry shows it."""
    value = {k: v for k, v in (REGISTERED | changes).items() if k not in (unseen or {})}
    return seen("model_version", "scorer/3", value, unseen=unseen, source="registry", evidence=["5/0"])


def only(book: Book, model: Fact | None = None) -> Fact:
    """The fact of that model version, every kind of record being reported in time."""
    base = book.base(facts=[registered() if model is None else model], sources=[EVERYTHING])
    return derive(base, "trained_model")["scorer/3"]


def test_a_run_tied_by_the_registry_is_the_models() -> None:
    """The registry's run id ties the lineage run, whose inputs become the model's datasets."""
    book = Book()
    run_id = "01957a00-0000-7000-8000-000000000001"
    book.model("scorer", "3", [run_id.replace("-", "")])
    book.run(run_id, reads=["features"], tags={"purpose": "fraud"})
    value = only(book).value
    assert (value["runs"], value["datasets"], value["run_purposes"]) == (1, ["lake/features"], ["fraud"])


def test_a_run_tied_by_its_tag_is_the_models() -> None:
    """The tag model = NAME@VERSION ties a run; a failed run ties nothing."""
    book = Book()
    book.run("r1", reads=["features"], tags={"model": "scorer@3"})
    book.run("r2", reads=["raw"], tags={"model": "scorer@3"}, state="FAIL")
    book.run("r3", reads=["raw"], tags={"model": "scorer@2"})
    assert only(book).value["datasets"] == ["lake/features"]


def test_the_models_purpose_is_its_runs_where_they_declare_none() -> None:
    """The registry's purpose is the last level at which a run's purpose is looked for."""
    book = Book()
    book.model("scorer", "3", ["r1"], purpose="fraud")
    book.run("r1", reads=["features"])
    assert only(book).value["run_purposes"] == ["fraud"]


def test_a_read_that_nobody_can_date_is_unresolved() -> None:
    """A dataset that was read before any known write, without version and manifest, is unresolved."""
    book = Book()
    book.run("r1", reads=["features", "raw"], versions={"raw": "9"}, tags={"model": "scorer@3"})
    assert only(book).value["unresolved"] == ["lake/features"]
    book.run("w1", writes=["features"], days=3)
    assert only(book).value["unresolved"] == []


def test_contracts_are_those_in_force_when_the_run_started() -> None:
    """A contract that came after the run neither permits nor covers what the run read."""
    book = Book()
    book.contract("features", ["fraud"], days=0.5)
    book.contract("raw", ["billing"])
    book.run("r1", reads=["features", "raw"], tags={"model": "scorer@3", "purpose": "fraud"}, days=1)
    value = only(book).value
    assert value["without_contract"] == ["lake/features"]
    assert value["refusals"] == ["lake/raw: fraud"]


def test_withdrawn_records_in_training_data_are_counted() -> None:
    """A record that was withdrawn before training started and read by it is counted."""
    book = Book()
    book.purpose("fraud", basis="consent")
    book.consent(ANN, "fraud", "withdrawn", 10)
    book.manifest("features", "9", [ANN])
    book.run(
        "r1", reads=["features"], versions={"features": "9"}, tags={"model": "scorer@3", "purpose": "fraud"}
    )
    assert only(book).value["withdrawn"] == 1


def test_one_sign_puts_a_model_into_use() -> None:
    """An alias or a stage is enough; neither is needed where the other is unseen."""
    book = Book()
    hidden = {"stage": Unseen("incomplete", "denied")}
    assert only(book, registered(hidden)).value["in_use"] is True
    assert only(book, registered(aliases=[], stage="Production")).value["in_use"] is True
    assert only(book, registered(aliases=[], stage="Staging")).value["in_use"] is False
    assert only(book, registered(hidden, aliases=[])).unseen["in_use"].cause == "incomplete"


def test_what_the_registry_hides_stays_hidden() -> None:
    """An unseen approval is unseen in the derived fact too."""
    model = registered({"approval": Unseen("incomplete", "denied")})
    assert only(Book(), model).unseen["approval"].cause == "incomplete"


def test_no_run_says_nothing_where_nobody_reports_lineage() -> None:
    """Without lineage the number of runs is unseen; with it, it is zero."""
    book = Book()
    assert only(book).value["runs"] == 0
    blind = derive(book.base(facts=[registered()]), "trained_model")["scorer/3"]
    assert blind.unseen["runs"].cause == "missing"
