"""The record-usage statement: what it says of an answer, its picture and its PDF."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from prov.constants import PROV_ATTR_STARTTIME
from prov.model import PROV_LABEL, ProvActivity, ProvDocument
from pypdf import PdfReader

from reports.render import html, pdf
from reports.usage import build_usage_statement, usage_headline
from reports.usage_graph import as_graphml, usage_graph
from reports.usage_prov import as_prov_json, as_prov_n, usage_prov
from tests.test_report_audit import provenance

GOLDEN = Path(__file__).parent / "golden" / "usage.html"
LATE = {"code": "consent-withdrawn", "because": "consent was withdrawn on 9 November", "evidence": ["12/0"]}


def use(run: str, purpose: str, *, violations: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """One use of an answer."""
    return {
        "run_id": run, "job": {"namespace": "spark", "name": "train"},
        "consumers": [{"kind": "model", "name": "churn", "version": "14"}], "started_at": "2026-11-12T02:10:00Z",
        "ended_at": "2026-11-12T02:58:00Z", "purpose": purpose, "lawful_basis": "consent", "certainty": "confirmed",
        "influence": "direct", "path": ["lake/raw@1", "run:r0", "lake/features@2", f"run:{run}"],
        "violations": violations or [], "evidence": ["4/0", "5/0"], **more,
    }  # fmt: skip


def answer(uses: list[dict[str, Any]], *, gaps: list[Any] | None = None) -> dict[str, Any]:
    """An answer of CONTRACT section 4."""
    held = {
        "certainty": "confirmed", "influence": "direct", "columns": ["email"], "masked_columns": [],
        "written_at": "2026-11-11T00:00:00Z", "violations": [],
    }  # fmt: skip
    return {
        "key_space": "customer", "pseudonym": "7c1f" * 8, "as_of": "2026-11-23T12:00:00Z", "uses": uses,
        "datasets": [{"namespace": "lake", "name": "raw", "version": "1", **held}], "complete": not gaps,
        "undescribed": 1, "gaps": gaps or [], "relied_on": ["9/0"], "library": "ab" * 32, "log_size": 7,
        "program": "muniment/test", "checkpoint": "x",
    }  # fmt: skip


GAP = {"namespace": "lake", "name": "sample<i>", "version": None, "why": "it has no membership manifest"}
FULL = answer([use("r1", "marketing", violations=[LATE]), use("r2", "fraud-detection")], gaps=[GAP])


def test_the_statement_is_the_golden_one() -> None:
    """The document of a fixed answer is the one that was reviewed; MUNIMENT_GOLDEN=1 writes it anew."""
    document = html("usage.html", build_usage_statement(FULL, provenance()))
    if os.environ.get("MUNIMENT_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")
    assert document == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (
            "used by 1 model in 2 uses, for 2 purposes. 1 of these breaks a rule. The answer is not complete: 1 gap",
            FULL,
        ),
        ("No use of this record is known; 1 dataset version holds it.", answer([])),
        ("Nothing that was reported holds or used this record.", {**answer([]), "datasets": []}),
        ("not complete", {**answer([], gaps=[GAP]), "datasets": []}),
    ],
)
def test_the_answer_in_one_sentence_never_says_not_used(said: str, given: dict[str, Any]) -> None:
    """The headline counts who used it, what broke a rule and what is missing; silence is not told as "not used"."""
    headline = usage_headline(given)
    assert said in headline
    assert "not used" not in headline


def test_broken_rules_and_gaps_come_before_what_is_in_order() -> None:
    """The statement shows violations first, then what is not known, then the uses."""
    text = "".join(
        p.extract_text()
        for p in PdfReader(
            io.BytesIO(pdf(html("usage.html", build_usage_statement(FULL, provenance()))))
        ).pages
    )
    assert (
        text.index("Rules that were broken")
        < text.index("What is not known")
        < text.index("Where the record is")
    )
    assert "sample<i>" in text


def test_the_graph_marks_what_broke_a_rule() -> None:
    """The graph joins the paths of all uses, and says of each node whether it is in order."""
    graph = usage_graph(answer([use("r1", "marketing", violations=[LATE]), use("r2", "fraud")]))
    assert graph.nodes["run:r1"]["state"] == "violation"
    assert graph.nodes["run:r2"]["state"] == "in-order"
    assert set(graph.successors("lake/features@2")) == {"run:r1", "run:r2"}
    assert "model:churn@14" in graph.successors("run:r1")


def test_graphml_holds_every_node_whatever_its_name() -> None:
    """GraphML has a node for each version, run and consumer; names that are no XML become text that is."""
    uses = [use(f"r{n}", "x", consumers=[]) for n in range(1, 201)]
    hostile = use("r0x", "x", path=["lake/a\x00<b>@1", "run:r0x"], consumers=[])
    graph = usage_graph(answer([*uses, hostile]))
    nodes = ET.fromstring(as_graphml(graph)).findall(".//{http://graphml.graphdrawing.org/xmlns}node")  # noqa: S314 (we wrote it)
    assert len(nodes) == len(graph) == 205


def test_prov_says_who_used_what_and_by_which_way() -> None:
    """PROV has an entity for each version, an activity for each run, an agent for each consumer, and each hop once."""
    uses = [use("r1", "marketing", violations=[LATE]), use("r2", "fraud")]
    document = ProvDocument.deserialize(
        content=as_prov_json(usage_prov(answer(uses))).decode(), format="json"
    )
    labels = {str(label) for record in document.get_records() for label in record.get_attribute(PROV_LABEL)}
    assert {"lake/features@2", "r1", "r2", "churn@14"} <= labels
    started = [record.get_attribute(PROV_ATTR_STARTTIME) for record in document.get_records(ProvActivity)]
    assert sum(map(bool, started)) == 2
    hops = [
        record for record in document.get_records() if record.get_type().localpart in ("Usage", "Generation")
    ]
    assert len(hops) == len({record.get_provn() for record in hops})


def test_prov_is_the_same_each_time_whatever_the_names() -> None:
    """PROV-JSON and PROV-N of one answer are the same bytes each time, also where names are hostile."""
    hostile = use("r0", 'x"<', path=['lake/a "b\\<c>@1', "run:r0"], consumers=[])
    for form in (as_prov_json, as_prov_n):
        once, again = (form(usage_prov(answer([hostile, use("r2", "fraud")]))) for _ in range(2))
        assert once == again
