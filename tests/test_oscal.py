"""OSCAL at the edges: what we write refers to what is there, says no more than was judged, and is the same each time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.canonical import format_time
from compliance.errors import NotFound
from reports.oscal import assessment_results, made_id, plan_of_action, problems, token
from reports.oscal_library import library_documents
from tests.shipped import shipped
from tests.tiny import BEGIN, DAY, TinyStore, command_line, tiny_store
from web.issuing import provenance_of

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyStore]:
    """One dataset with a contract and one without."""
    with tiny_store(tmp_path_factory.mktemp("oscal")) as made:
        made.now = BEGIN + DAY
        made.contract_of("other")
        made.run_of("people", 1)
        yield made


def results(tiny: TinyStore, framework: str = "rules") -> Any:
    """The assessment results of a framework over a day."""
    basis = tiny.answers.basis(at=tiny.now)
    library, assessment = tiny.answers.library(basis), tiny.answers.assessment(basis)
    return assessment_results(
        library, assessment, framework, (BEGIN, tiny.now), provenance_of(tiny.store, basis)
    )


def test_every_citation_becomes_a_token_of_its_own() -> None:
    """No two requirements of a framework share an id, and each id is a token that OSCAL takes."""
    for framework in shipped().frameworks.values():
        tokens = [token(one.citation) for one in framework.requirements]
        assert len(set(tokens)) == len(tokens), framework.id
        assert all(TOKEN.fullmatch(one) for one in tokens), framework.id
    assert (token("Art.32(1)(a)"), token("3.7.4")) == ("Art.32_1_a", "r-3.7.4")


def test_assessment_results_refer_to_what_is_there(tiny: TinyStore) -> None:
    """No dangling reference, no UUID twice, the stated version; a finding for each requirement in scope."""
    document = results(tiny)
    assert problems(document) == []
    [result] = document["assessment-results"]["results"]
    states = {one["target"]["target-id"]: one["target"]["status"] for one in result["findings"]}
    assert {name: state["reason"] for name, state in states.items()} == {
        "r-1.1": "fail", "r-1.2": "other", "r-1.3": "other",
    }  # fmt: skip
    assert {state["state"] for state in states.values()} == {"not-satisfied"}
    failed = next(o for o in result["observations"] if "lake/people" in o["description"])
    assert failed["relevant-evidence"][0]["href"].startswith("urn:muniment:evidence:")


def test_what_is_effective_in_part_is_not_satisfied(tiny: TinyStore) -> None:
    """Only what a control answers in full, and effectively, is said to be satisfied."""
    tiny.contract_of("people")
    full, partly = results(tiny), results(tiny, "soc2")
    [finding, *_] = full["assessment-results"]["results"][0]["findings"]
    assert finding["target"]["status"] == {"state": "satisfied", "reason": "pass"}
    [finding] = partly["assessment-results"]["results"][0]["findings"]
    assert finding["target"]["status"]["state"] == "not-satisfied"
    assert "in part" in finding["target"]["status"]["remarks"]


def test_the_same_answer_is_the_same_document(tiny: TinyStore) -> None:
    """Ids are made of what they name: nothing in a document is random or of the time of day."""
    assert results(tiny) == results(tiny)
    assert made_id("a", "b") != made_id("ab")


def test_a_plan_of_action_has_an_item_for_what_does_not_pass(tiny: TinyStore) -> None:
    """Each item refers to its observations; where everything passes it says so."""
    basis = tiny.answers.basis(at=tiny.now)
    args = tiny.answers.library(basis), tiny.answers.assessment(basis)
    plan = plan_of_action(*args, "rules", provenance_of(tiny.store, basis))
    assert problems(plan) == []
    titles = [item["title"] for item in plan["plan-of-action-and-milestones"]["poam-items"]]
    assert "USE-02: review-done" in titles
    with pytest.raises(NotFound):
        plan_of_action(*args, "rulez", provenance_of(tiny.store, basis))


def test_the_documents_of_a_library_name_one_another_by_file(tiny: TinyStore) -> None:
    """Each file that a mapping or component names is written beside it; each control that it maps is in there."""
    basis = tiny.answers.basis()
    documents = library_documents(tiny.answers.library(basis), provenance_of(tiny.store, basis))
    assert [name for name, one in documents.items() if problems(one)] == []
    for mapping in documents["mapping-collection.json"]["mapping-collection"]["mappings"]:
        for end, items in (("source-resource", "sources"), ("target-resource", "targets")):
            known = json.dumps(documents[mapping[end]["href"]])
            for one in mapping["maps"]:
                assert f'"id": "{one[items][0]["id-ref"]}"' in known
    [component] = documents["component-definition.json"]["component-definition"]["components"]
    assert {one["source"] for one in component["control-implementations"]} <= documents.keys()


def test_our_own_check_finds_what_a_schema_does_not() -> None:
    """A reference that leads nowhere, a UUID twice and another version are told."""
    bad = {"a": [{"uuid": "1"}, {"uuid": "1"}], "observation-uuid": "2", "oscal-version": "1.0.0"}
    assert len(problems(bad)) == 3


def test_the_commands_write_oscal(tmp_path: Path) -> None:
    """`report --format oscal` writes assessment results and records that; `controls oscal` writes the library's documents."""
    command = command_line(tmp_path)
    command.ok("init")
    command.ok("report", "rules", "--format", "oscal", "--out", str(tmp_path / "r.json"))
    document = json.loads((tmp_path / "r.json").read_text())
    assert problems(document) == []
    assert document["assessment-results"]["metadata"]["last-modified"] >= format_time(BEGIN)
    [issued] = json.loads(command.ok("evidence", "list", "--kind", "report/1", "--json"))
    assert issued["kind"] == "report/1"
    command.ok("controls", "oscal", str(tmp_path / "oscal"))
    assert {path.name for path in (tmp_path / "oscal").iterdir()} >= {
        "catalog-rules.json", "catalog-unified-controls.json", "mapping-collection.json",
        "component-definition.json", "poam-rules.json",
    }  # fmt: skip
    assert "pdf, html, oscal or bundle" in command.refused("report", "rules", "--format", "x", "--out", "x")
