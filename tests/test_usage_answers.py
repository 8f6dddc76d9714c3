"""Record usage asked in other ways: erasure ledgers, whose records a model used, impact, what is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from compliance.answers import Answers
from compliance.errors import InputRefused, NotFound
from compliance.usage_answers import UsageAnswers
from tests.small_store import ANN, BOB, EVE, Organisation, known_as, small_organisation
from web.tokens import create_token

REQUEST = "DSR-7"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """The small organisation, in which Eve asked to be erased under the request DSR-7."""
    with small_organisation(tmp_path_factory.mktemp("small")) as made:
        yield made


@pytest.fixture
def officer(small: Organisation) -> Iterator[TestClient]:
    """A signed-in data protection officer's browser."""
    with small.visiting("dpo") as browser:
        yield browser


@pytest.fixture
def program(small: Organisation) -> Iterator[TestClient]:
    """A program with a token of the scope dpo."""
    made = create_token(small.store, scopes=["dpo"], source=None, created_by="local:test")
    with TestClient(small.app, headers={"Authorization": f"Bearer {made.token}"}) as client:
        yield client


@pytest.fixture
def usage(small: Organisation) -> UsageAnswers:
    """The answers around record usage."""
    return UsageAnswers(Answers(small.store))


def entries(small: Organisation, kind: str) -> list[Any]:
    """What the entries of a kind say, unsealed."""
    log = small.store.log
    return [json.loads(log.body(entry) or b"null") for _, entry in log.entries(0) if entry.kind == kind]


# --- the erasure ledger --------------------------------------------------------------------------


def test_requests_name_nobody(usage: UsageAnswers) -> None:
    """The list of requests says when each was asked, due and done, and not whom it is about."""
    (request,) = usage.erasures(usage.answers.basis())["requests"]
    assert (request["request_id"], request["key_space"], request["datasets"]) == (REQUEST, "customer", "*")
    assert "pseudonym" not in request
    assert request["late"] is False


def test_a_ledger(small: Organisation, usage: UsageAnswers) -> None:
    """A ledger names every version, feature and model that held the record; who read it is itself an entry."""
    (record,) = usage.ledger(usage.answers.basis(), REQUEST, who="dpo:Ada")["records"]
    assert record["pseudonym"] == known_as(EVE)
    assert {line["state"] for line in record["versions"]} <= {
        "erased",
        "tombstoned",
        "still present",
        "unknown",
    }
    assert record["models"]
    assert {line["kind"] for line in record["open"]} >= {"model"}
    last = entries(small, "lookup/1")[-1]
    assert (last["who"], last["pseudonyms"]) == ("dpo:Ada", [known_as(EVE)])
    assert REQUEST in last["reason"]


def test_a_ledger_of_nobody(usage: UsageAnswers) -> None:
    """A request that no completed erasure bears is not found, which is not to say that nobody asked."""
    with pytest.raises(NotFound, match="No completed erasure bears the request id 'DSR-8'"):
        usage.ledger(usage.answers.basis(), "DSR-8", who="dpo:Ada")


def test_decisions_over_http(small: Organisation, program: TestClient) -> None:
    """A decision about a model that holds the record is an entry, sealed, and closes what was open."""
    before = program.get(f"/api/v1/erasures/{REQUEST}").json()["records"][0]
    named = f"{before['models'][0]['name']}@{before['models'][0]['version']}"
    said = {"model": named, "action": "retrain", "because": "the next training leaves the record out"}
    refused = program.post(f"/api/v1/erasures/{REQUEST}/decisions", json=said | {"model": "other@1"})
    assert refused.status_code == 422
    assert "no model other@1 is known to hold the record" in refused.json()["detail"]
    wrong = program.post(f"/api/v1/erasures/{REQUEST}/decisions", json=said | {"action": "forget"})
    assert wrong.status_code == 422
    assert "expected one of retrain, exclude, unlearn, suppress, accept" in wrong.json()["detail"]
    done = program.post(f"/api/v1/erasures/{REQUEST}/decisions", json=said)
    assert done.status_code == 201, done.text
    after = program.get(f"/api/v1/erasures/{REQUEST}").json()["records"][0]
    assert [one["action"] for one in after["models"][0]["decisions"]] == ["retrain"]
    assert len(after["open"]) == len(before["open"]) - 1
    assert small.store.log.entry(int(done.json()["entry"])).payload.sealed  # type: ignore[union-attr]


@pytest.mark.parametrize("role", ["auditor", "engineer"])
def test_who_may_not(small: Organisation, role: str) -> None:
    """Ledgers and reverse questions are for the data protection officer."""
    with small.visiting(role) as browser:
        assert browser.get(f"/api/v1/erasures/{REQUEST}").status_code == 403
        asked = {"key_space": "customer", "model": "fraud@1", "reason": "r"}
        assert browser.post("/api/v1/usage/model", json=asked).status_code == 403
        assert browser.get(f"/erasures/{REQUEST}").status_code == 403
        assert browser.get("/api/v1/usage/described").status_code == 200


def test_the_pages(officer: TestClient) -> None:
    """The page of a request shows each thing that held the record, its state, and a form for each open model."""
    page = officer.get("/erasures")
    assert page.status_code == 200
    assert f'href="/erasures/{REQUEST}"' in page.text
    ledger = officer.get(f"/erasures/{REQUEST}")
    assert "left to do" in ledger.text
    form = re.search(r'name="csrf" value="([^"]+)".*?name="model" value="([^"]+)"', ledger.text, re.DOTALL)
    assert form is not None
    said = {"csrf": form[1], "model": form[2], "action": "accept", "because": "<b>rare</b> case"}
    done = officer.post(f"/erasures/{REQUEST}", data=said, follow_redirects=True)
    assert done.status_code == 200
    assert "Decided: accept" in done.text
    assert "&lt;b&gt;rare&lt;/b&gt;" in done.text
    assert officer.get("/erasures/unheard-of").status_code == 404


# --- the question turned round -------------------------------------------------------------------


def test_records_of_a_model_agree_with_lookups(small: Organisation, usage: UsageAnswers) -> None:
    """Whose records a model used is what looking each of them up says."""
    basis = usage.answers.basis()
    for model in ("fraud@1", "churn@2", "fraud@6"):
        told = usage.records_of_model(basis, model, "customer", who="dpo:Ada", reason="review")
        found = {
            one["pseudonym"]: (one["certainty"], one["purposes"], one["runs"]) for one in told["records"]
        }
        assert found == {known_as(key): by for key in (ANN, BOB, EVE) if (by := looked_up(usage, key, model))}
    assert "review" in {entry["reason"] for entry in entries(small, "lookup/1")}


def looked_up(usage: UsageAnswers, key: str, model: str) -> tuple[str, list[str], list[str]] | None:
    """Certainty, purposes and runs by which one look-up says that a model used a record."""
    answer = usage.answers.lookup(
        usage.answers.basis(), key_space="customer", key=key, reason="compare", who="test"
    )
    name, _, version = model.partition("@")
    uses = [
        use for use in answer["uses"]
        if any((c["kind"], c["name"], c["version"]) == ("model", name, version) for c in use["consumers"])
    ]  # fmt: skip
    if not uses:
        return None
    certainty = "confirmed" if any(use["certainty"] == "confirmed" for use in uses) else "possible"
    return certainty, sorted({use["purpose"] for use in uses}), sorted({use["run_id"] for use in uses})


def test_models_touched_by_a_list(usage: UsageAnswers) -> None:
    """Which models used the records of a list of people, with how many of them; nobody is named."""
    told = usage.touched(
        usage.answers.basis(),
        "customer",
        [known_as(ANN), known_as(BOB), "f" * 32],
        who="dpo:Ada",
        reason="withdrawn",
    )
    expected = {
        f"{m}": sum(looked_up(usage, key, m) is not None for key in (ANN, BOB))
        for m in ("fraud@1", "churn@2")
    }
    counted = {
        f"{one['name']}@{one['version']}": one["confirmed"] + one["possible"] for one in told["models"]
    }
    assert {name: counted.get(name, 0) for name in expected} == expected
    assert told["asked"] == 3
    assert known_as(ANN) not in json.dumps(told)


def test_bad_questions(usage: UsageAnswers, program: TestClient) -> None:
    """A question without a reason, of no key space, or about what is no pseudonym is refused by field."""
    basis = usage.answers.basis()
    with pytest.raises(InputRefused, match="needs a reason"):
        usage.touched(basis, "customer", [], who="x", reason=" ")
    with pytest.raises(NotFound):
        usage.records_of_model(basis, "fraud@1", "nobody", who="x", reason="r")
    asked = {"key_space": "customer", "pseudonyms": ["a" * 32, "C-1"], "reason": "r"}
    answer = program.post("/api/v1/usage/touched", json=asked)
    assert (answer.status_code, "C-1" in answer.text) == (422, False)
    assert "/pseudonyms/1" in answer.json()["detail"]


# --- impact and description ----------------------------------------------------------------------


def test_impact(usage: UsageAnswers) -> None:
    """A change of the source reaches every dataset, job and model behind it; an unknown dataset is not found."""
    basis = usage.answers.basis()
    described = usage.described(basis)["datasets"]
    source = max(described, key=lambda one: one["reading_runs"])
    told = usage.impact(basis, source["namespace"], source["name"])
    assert told["jobs"]
    assert told["models"]
    with pytest.raises(NotFound, match="names the dataset nowhere/nothing"):
        usage.impact(basis, "nowhere", "nothing")


def test_described(usage: UsageAnswers) -> None:
    """Each dataset says how many of its versions have a manifest, and whether runs state columns and purposes."""
    told = usage.described(usage.answers.basis())["datasets"]
    assert told
    for one in told:
        assert one["versions_with_manifest"] <= one["versions"]
        assert one["reading_runs_with_purpose"] <= one["reading_runs"]
