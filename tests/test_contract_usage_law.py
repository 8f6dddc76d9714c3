"""CONTRACT section 4 over HTTP: purposes, consents, erasures and decisions, computed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract_events import (
    clock,
    consent,
    contract,
    dataset,
    decision,
    erasure,
    event,
    facet,
    known_as,
    manifest,
    run,
    run_id,
)  # fmt: skip
from tests.served import Served, serving

SCHEMA = facet(fields=[{"name": "id"}, {"name": "mail"}])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What happened to Bea and Cal, who are in mail@1.

    ======  ====================================================================================
    minute  what
    ======  ====================================================================================
    5       Bea grants consent to marketing; she withdraws it at minute 100. Cal was never asked.
    50–60   campaign-1, for marketing, reads mail@1
    120–130 campaign-2, for marketing, reads mail@1
    140–150 untagged, without a purpose, reads mail@1
    200     the erasure of Cal from mail is completed
    210–220 service-1, for service, reads mail@1 by name
    230–240 rewrite, for service, reads mail@1 and writes mail@2, whose manifest has both
    250–260 service-2, for service, reads mail and names no version
    ======  ====================================================================================

    The contract of mail permits service alone. Marketing's lawful basis is consent, service's contract.
    """
    with serving(tmp_path_factory, "") as served:
        served.sent("/purposes", [
            {"id": "marketing", "lawful_basis": "consent", "controller": "Small Bank"},
            {"id": "service", "lawful_basis": "contract", "controller": "Small Bank"},
        ])  # fmt: skip
        served.sent("/contracts", [contract("mail", ["service"]), contract("desk", ["service"])])
        served.sent("/consents", [consent("bea", "granted", 5), consent("bea", "withdrawn", 100)])
        served.sent("/erasures", erasure("cal", 200, ["mail"]))
        for version in ("1", "2"):
            path = f"/api/v1/members/lake/mail/{version}?key_space=customer"
            served.ask("PUT", path, content=manifest("bea", "cal")).raise_for_status()
        one, two = dataset("mail", "1", schema=SCHEMA), dataset("mail", "2", schema=SCHEMA)
        marketing, service = {"purpose": "marketing"}, {"purpose": "service"}
        served.sent("/lineage/batch", [
            *run("campaign-1", 50, 60, reads=[one], tagged=marketing), *run("campaign-2", 120, 130, reads=[one], tagged=marketing),
            *run("untagged", 140, 150, reads=[one]), *run("service-1", 210, 220, reads=[one], tagged=service),
            *run("rewrite", 230, 240, reads=[one], writes=[two], tagged=service),
            *run("service-2", 250, 260, reads=[dataset("mail")], tagged=service),
        ])  # fmt: skip
        yield served


def codes(answer: Any) -> dict[str, set[str]]:
    """The violation codes of each use, by the name of its run's job."""
    return {
        one["job"]["name"]: {v["code"] for v in one["violations"]} for one in answer["uses"] if one["job"]
    }


def test_the_violations_of_one_who_withdrew(store: Served) -> None:
    """By hand, for Bea: both campaigns break the contract, the second her withdrawal; the untagged run has no purpose.

    At minute 50 her latest event is the grant of minute 5; at minute 120 it is the withdrawal of minute 100.
    purpose-not-permitted is not raised beside purpose-undeclared. What is for service is in order.
    """
    answer = store.usage("bea")
    assert codes(answer) == {
        "campaign-1": {"purpose-not-permitted"}, "campaign-2": {"purpose-not-permitted", "consent-withdrawn"},
        "untagged": {"purpose-undeclared"}, "service-1": set(), "rewrite": set(), "service-2": set(),
    }  # fmt: skip
    assert {one["purpose"] for one in answer["uses"]} == {"marketing", "service", "undeclared"}
    assert answer["relied_on"] == []


def test_the_violations_of_one_who_was_erased_and_came_back(store: Served) -> None:
    """By hand, for Cal: no consent was ever given, and every use from minute 200 on is after his erasure.

    mail@2's run ended at minute 240, after the erasure, and its manifest has him: it reappeared. service-2 names no
    version, so it read mail@2, the last written; the erasure completed before that was written, so he is found there.
    """
    answer = store.usage("cal")
    assert codes(answer) == {
        "campaign-1": {"purpose-not-permitted", "consent-missing"}, "campaign-2": {"purpose-not-permitted", "consent-missing"},
        "untagged": {"purpose-undeclared"}, "service-1": {"used-after-erasure"}, "rewrite": {"used-after-erasure"},
        "service-2": {"used-after-erasure"},
    }  # fmt: skip
    versions = {one["version"]: {v["code"] for v in one["violations"]} for one in answer["datasets"]}
    assert versions == {"1": set(), "2": {"reappeared-after-erasure"}}


def test_each_violation_bears_the_fact_that_proves_it(store: Served) -> None:
    """A violation has its code, a sentence and the evidence that proves it, which the log holds."""
    for use in (*store.usage("cal")["uses"], *store.usage("bea")["uses"]):
        for violation in use["violations"]:
            assert violation["because"]
            if violation["code"] in {"used-after-erasure", "consent-withdrawn", "purpose-not-permitted"}:
                assert violation["evidence"]
            for entry in violation["evidence"]:
                store.get(f"/api/v1/evidence/{entry}")


def test_decisions_are_uses(store: Served) -> None:
    """By hand, for Dee: two allowed decisions are uses, a denied one and one about another are none.

    An entry that two batches bring is one use. By ``input.model`` the consumer is the model, else the principal.
    The dataset named counts as read and as containing the record: desk permits service, not marketing.
    """
    records = [{"key_space": "customer", "pseudonym": known_as("dee")}]
    desk = {"namespace": "lake", "name": "desk"}
    fine = decision("fine", 300, purpose="service", principal="agent-7", dataset=desk, records=records)
    wrong = decision(
        "wrong",
        310,
        allowed={"allow": True},
        purpose="marketing",
        model="helper@2",
        principal="p",
        dataset=desk,
        records=records,
    )
    denied = decision(
        "denied", 320, allowed={"allow": False}, purpose="service", principal="p", records=records
    )
    other = decision(
        "other",
        330,
        purpose="service",
        principal="p",
        records=[{"key_space": "customer", "pseudonym": known_as("x")}],
    )
    store.sent("/opa/logs", [fine, wrong, denied, other])
    store.sent("/opa/logs", [fine, decision("more", 340)])
    answer = store.usage("dee")
    uses = {one["run_id"]: one for one in answer["uses"]}
    assert set(uses) == {run_id("fine"), run_id("wrong")}
    first, second = uses[run_id("fine")], uses[run_id("wrong")]
    for use, minute in ((first, 300), (second, 310)):
        assert use["job"] is None
        assert use["started_at"] == use["ended_at"] == clock(minute)
        assert (use["certainty"], use["influence"]) == ("confirmed", "direct")
    assert first["consumers"] == [{"kind": "decision", "name": "agent-7", "version": None}]
    assert second["consumers"] == [{"kind": "model", "name": "helper", "version": "2"}]
    assert first["violations"] == []
    assert {v["code"] for v in second["violations"]} == {"purpose-not-permitted", "consent-missing"}


def test_the_latest_contract_in_force_counts(store: Served) -> None:
    """By hand, for Gus: from minute 20 on the contract lacks the purpose; the run of minute 10 was still permitted."""
    store.sent("/contracts", [contract("gym", ["service"], -10), contract("gym", ["other"], 20)])
    store.ask(
        "PUT", "/api/v1/members/lake/gym/1?key_space=customer", content=manifest("gus")
    ).raise_for_status()
    read: dict[str, Any] = {"reads": [dataset("gym", "1", schema=SCHEMA)], "tagged": {"purpose": "service"}}
    store.sent("/lineage/batch", [*run("gym-1", 10, 30, **read), *run("gym-2", 20, 30, **read)])
    assert codes(store.usage("gus")) == {"gym-1": set(), "gym-2": {"purpose-not-permitted"}}


def test_a_withdrawal_wins_a_tie_and_the_later_wins_else(store: Served) -> None:
    """By hand, for Hal: grant and withdrawal of minute 10 tie, so it is withdrawn; granted again at 20 it is not."""
    store.sent(
        "/consents",
        [consent("hal", "withdrawn", 10), consent("hal", "granted", 10), consent("hal", "granted", 20)],
    )
    store.ask(
        "PUT", "/api/v1/members/lake/hall/1?key_space=customer", content=manifest("hal")
    ).raise_for_status()
    read: dict[str, Any] = {
        "reads": [dataset("hall", "1", schema=SCHEMA)],
        "tagged": {"purpose": "marketing"},
    }
    store.sent("/lineage/batch", [*run("hall-1", 15, 16, **read), *run("hall-2", 20, 21, **read)])
    assert codes(store.usage("hal")) == {"hall-1": {"consent-withdrawn"}, "hall-2": set()}


def test_several_purposes_of_one_level_are_shown_and_judged_together(store: Served) -> None:
    """By hand, for Ida: two purposes of the run are sorted and joined; the contract lacks one of them."""
    store.sent("/contracts", contract("isle", ["service"]))
    store.ask(
        "PUT", "/api/v1/members/lake/isle/1?key_space=customer", content=manifest("ida")
    ).raise_for_status()
    both = event("COMPLETE", "isle-1", 30, job="isle-1", reads=[dataset("isle", "1", schema=SCHEMA)])
    both["run"]["facets"]["tags"] = facet(
        tags=[{"key": "purpose", "value": name} for name in ("service", "archive")]
    )
    store.sent("/lineage", both)
    (use,) = store.usage("ida")["uses"]
    assert use["purpose"] == "archive, service"
    assert [v["code"] for v in use["violations"]] == ["purpose-not-permitted"]
