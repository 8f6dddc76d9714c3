"""CONTRACT section 4 over HTTP: one pipeline computed by hand, and the answer's own fields, instants and sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract_events import clock, contract, dataset, event, facet, known_as, manifest, run_id, tags
from tests.served import Served, serving

FIELDS = {
    "key_space", "pseudonym", "as_of", "datasets", "uses", "complete", "undescribed", "library", "log_size", "program",
    "gaps", "relied_on", "checkpoint",
}  # fmt: skip
IN_ORDER, REVERSED = "a", "z"


def column(dataset_: str, name: str, kind: str = "DIRECT", *, masking: bool = False) -> dict[str, Any]:
    """An input field of a column's lineage with one transformation."""
    step = {"type": kind, "subtype": "IDENTITY" if kind == "DIRECT" else "FILTER", "masking": masking}
    return {"namespace": "lake", "name": dataset_, "field": name, "transformations": [step]}


def pipeline(world: str) -> list[dict[str, Any]]:
    """Raw → features → model, as START with the inputs and COMPLETE with the outputs tell it.

    ========  =======  =============================  ==========================================================
    run       minutes  reads                          writes
    ========  =======  =============================  ==========================================================
    features  10–20    raw@1 (id, email, amount)      features@f1, replaced: cust ← id; mail ← email, masked;
                                                      score ← amount, filtered by email; flag: filtered by email
    train     30–40    features, no version named     nothing; it bears the tag model=fraud@3
    ========  =======  =============================  ==========================================================
    """
    raw, features = f"{world}-raw", f"{world}-features"
    lineage = {
        "cust": {"inputFields": [column(raw, "id")]},
        "mail": {"inputFields": [column(raw, "email", masking=True)]},
        "score": {"inputFields": [column(raw, "amount"), column(raw, "email", "INDIRECT")]},
        "flag": {"inputFields": [column(raw, "email", "INDIRECT")]},
    }
    read = dataset(raw, "1", schema=facet(fields=[{"name": name} for name in ("id", "email", "amount")]))
    written = dataset(
        features, "f1", columnLineage=facet(fields=lineage), schema=facet(fields=[{"name": name} for name in lineage]),
        lifecycleStateChange=facet(lifecycleStateChange="OVERWRITE"), tags=tags(kind="feature-view"),
    )  # fmt: skip
    build, train = f"{world}-build", f"{world}-train"
    trained = {"purpose": "fraud-detection", "model": "fraud@3"}
    events = [
        event("START", build, 10, job=build, reads=[read]), event("COMPLETE", build, 20, job=build, writes=[written]),
        event("START", train, 30, job=train, reads=[dataset(features)], tagged=trained),
        event("COMPLETE", train, 40, job=train, tagged=trained),
    ]  # fmt: skip
    for one in events[:2]:
        one["job"]["facets"]["tags"] = tags(purpose="service")
    return events


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A store that was told of the pipeline twice, under other names: in order, and backwards event by event."""
    with serving(tmp_path_factory, "") as served:
        served.sent("/purposes", [
            {"id": "service", "lawful_basis": "contract", "controller": "Small Bank"},
            {"id": "fraud-detection", "lawful_basis": "legal-obligation", "controller": "Small Bank"},
        ])  # fmt: skip
        for world in (IN_ORDER, REVERSED):
            served.sent("/contracts", contract(f"{world}-raw", ["service"]))
            served.sent("/contracts", contract(f"{world}-features", ["fraud-detection"]))
        served.sent("/lineage/batch", pipeline(IN_ORDER))
        declare_members(served, IN_ORDER)
        declare_members(served, REVERSED)
        for one in reversed(pipeline(REVERSED)):
            served.sent("/lineage", one)
        yield served


def declare_members(store: Served, world: str) -> None:
    """Ann and Bob are in raw@1, which no known run wrote; Eve is not."""
    path = f"/api/v1/members/lake/{world}-raw/1?key_space=customer"
    store.ask("PUT", path, content=manifest(f"{world}-ann", f"{world}-bob")).raise_for_status()


# --- the hand-computed answer --------------------------------------------------------------------


@pytest.mark.parametrize("world", [IN_ORDER, REVERSED])
def test_the_versions_that_hold_the_record(store: Served, world: str) -> None:
    """raw@1 is confirmed by its manifest; features@f1 is possible, as its run read raw@1.

    By hand: no known run wrote raw@1, so all its columns carry: those of its schema facet. Of features, cust and
    score come from columns that carry by a way that is not INDIRECT, mail too but masked; flag is INDIRECT only.
    features@f1 was written when its only writing run ended, at minute 20.
    """
    by_name = {one["name"]: one for one in store.usage(f"{world}-ann")["datasets"]}
    assert set(by_name) == {f"{world}-raw", f"{world}-features"}
    raw, features = by_name[f"{world}-raw"], by_name[f"{world}-features"]
    assert (raw["version"], raw["certainty"], raw["influence"]) == ("1", "confirmed", "direct")
    assert (set(raw["columns"]), raw["masked_columns"]) == ({"id", "email", "amount"}, [])
    assert (features["version"], features["certainty"], features["influence"]) == ("f1", "possible", "direct")
    assert set(features["columns"]) == {"cust", "mail", "score"}
    assert features["masked_columns"] == ["mail"]
    assert features["written_at"] == clock(20)
    assert [one["violations"] for one in by_name.values()] == [[], []]


@pytest.mark.parametrize("world", [IN_ORDER, REVERSED])
def test_the_uses_of_the_record(store: Served, world: str) -> None:
    """Build read a confirmed version, train a possible one: one use each, with who, when, for what and by which way.

    By hand: train names no version, so it read the one whose run ended last at or before minute 30: f1. Build's
    consumers are the carrying columns of its output, which bears kind=feature-view; train's is its model alone.
    Build's purpose is its job's, its basis the register's; both purposes are permitted, so nothing is violated.
    """
    uses = {one["run_id"]: one for one in store.usage(f"{world}-ann")["uses"]}
    build, train = run_id(f"{world}-build"), run_id(f"{world}-train")
    assert set(uses) == {build, train}
    one, two = uses[build], uses[train]
    assert (one["started_at"], one["ended_at"]) == (clock(10), clock(20))
    assert (one["purpose"], one["lawful_basis"], one["certainty"], one["influence"]) == (
        "service", "contract", "confirmed", "direct",
    )  # fmt: skip
    assert one["job"] == {"namespace": "jobs", "name": f"{world}-build"}
    assert {(c["kind"], c["name"], c["version"]) for c in one["consumers"]} == {
        ("feature", f"{world}-features:{name}", "f1") for name in ("cust", "mail", "score")
    }
    assert (two["started_at"], two["ended_at"]) == (clock(30), clock(40))
    assert (two["purpose"], two["lawful_basis"], two["certainty"], two["influence"]) == (
        "fraud-detection", "legal-obligation", "possible", "direct",
    )  # fmt: skip
    assert two["consumers"] == [{"kind": "model", "name": "fraud", "version": "3"}]
    assert two["path"] == [
        f"lake/{world}-raw@1", f"run:{build}", f"lake/{world}-features@f1", f"run:{train}",
    ]  # fmt: skip
    assert one["violations"] == two["violations"] == []
    for use in (one, two):
        for entry in use["evidence"]:
            assert store.get(f"/api/v1/evidence/{entry}").status_code == 200


def test_nothing_keeps_the_answer_from_being_complete(store: Served) -> None:
    """By hand: each version has a full manifest or a run that says what it read, so gaps is empty and complete true."""
    answer = store.usage("a-ann")
    assert (answer["complete"], answer["gaps"], answer["relied_on"]) == (True, [], [])
    assert answer.keys() >= FIELDS
    assert answer["pseudonym"] == known_as("a-ann")
    assert answer["undescribed"] == 0, "all four datasets have a contract"


def test_who_is_not_in_the_manifest_is_in_nothing_made_of_it(store: Served) -> None:
    """A full manifest is exact: Eve is not in raw@1, so nothing that only read it contains her, and none used her."""
    answer = store.usage("a-eve")
    assert (answer["datasets"], answer["uses"], answer["complete"]) == ([], [], True)


def test_a_question_by_pseudonym_is_answered_alike(store: Served) -> None:
    """A lookup names the record by key or by its pseudonym; the answers are the same but for their size."""
    by_key = store.usage("a-bob")
    asked = {"key_space": "customer", "pseudonym": known_as("a-bob"), "reason": "acceptance"}
    by_name = store.sent("/record-usage", asked)
    for name in ("datasets", "uses", "gaps", "complete", "pseudonym"):
        assert by_name[name] == by_key[name]


# --- periods, instants, sizes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "runs"),
    [
        ({"from": clock(20)}, {"a-build", "a-train"}), ({"from": clock(20.5)}, {"a-train"}), ({"from": clock(40)}, {"a-train"}),
        ({"from": clock(40.5)}, set()), ({"to": clock(30)}, {"a-build"}), ({"to": clock(30.5)}, {"a-build", "a-train"}),
        ({"from": clock(21), "to": clock(30)}, set()), ({"from": clock(15), "to": clock(16)}, {"a-build"}),
    ],
)  # fmt: skip
def test_from_and_to_keep_the_uses_that_meet_the_period(
    store: Served, period: dict[str, str], runs: set[str]
) -> None:
    """from/to keep the uses whose [start, end] meets [from, to): the end counts, ``to`` itself does not."""
    answer = store.usage("a-ann", **period)
    assert {one["run_id"] for one in answer["uses"]} == {run_id(name) for name in runs}
    assert len(answer["datasets"]) == 2, "the period is one of uses"


def test_log_size_leaves_out_every_later_entry(store: Served) -> None:
    """By the entries before the manifest of z-raw came, nothing is known of its members; later ones change nothing."""
    asked = store.usage("z-ann")
    pinned = {"log_size": asked["log_size"], "at": asked["as_of"]}
    assert len(asked["uses"]) == 2
    store.sent("/lineage", event("COMPLETE", "late", 99, reads=[dataset("z-raw", "1")], job="late"))
    assert store.usage("z-ann", **pinned) == asked
    assert len(store.usage("z-ann")["uses"]) == 3
    early = store.usage("z-ann", log_size=2)
    assert (early["datasets"], early["uses"], early["log_size"]) == ([], [], 2)
    refused = store.post(
        "/record-usage", {"key_space": "customer", "key": "z", "reason": "x", "log_size": 10**9}
    )
    assert refused.status_code in {404, 422}


def test_at_leaves_out_every_entry_whose_instant_is_later(store: Served) -> None:
    """A decision of minute 500 is no use at minute 499, is one at minute 500, and stays one."""
    pseudonym = known_as("a-fay")
    store.sent("/opa/logs", [{
        "decision_id": "d-1", "timestamp": clock(500), "result": True,
        "input": {"purpose": "service", "principal": "p", "records": [{"key_space": "customer", "pseudonym": pseudonym}]},
    }])  # fmt: skip
    for minute, uses in ((499, 0), (500, 1), (501, 1)):
        answer = store.usage("a-fay", at=clock(minute))
        assert (len(answer["uses"]), answer["as_of"]) == (uses, clock(minute))


# --- the lookup is evidence ----------------------------------------------------------------------


def test_the_lookups_own_entry_is_sealed_and_follows_the_answers_size(store: Served) -> None:
    """Each lookup is written to the log before its answer leaves: the entry after the size that the answer is for."""
    size = store.size()
    answer = store.usage("a-ann", reason="DSR of Xanthippe")
    assert answer["log_size"] == size
    assert store.size() == size + 1
    entry = store.get(f"/api/v1/evidence/{size}").json()["entry"]
    assert entry["kind"].startswith("lookup/")
    assert entry["payload"]["sealed"]
    assert known_as("a-ann") not in json.dumps(entry)
    said = store.get(f"/api/v1/evidence/{size}/payload").json()
    assert said["reason"] == "DSR of Xanthippe"
    assert said["pseudonym"] == known_as("a-ann")
    assert said["who"].startswith("token:")
    assert "a-ann" not in json.dumps(said)


def test_the_answer_bears_the_checkpoint_of_its_size(store: Served) -> None:
    """``checkpoint`` is the log's signed checkpoint that the answer was computed at."""
    for question in ({}, {"log_size": 7}):
        answer = store.usage("a-ann", **question)
        origin, size, root, blank, signature = answer["checkpoint"].splitlines()
        assert int(size) == answer["log_size"]
        assert root
        assert blank == ""
        assert signature.startswith(f"\N{EM DASH} {origin} ")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": None}, "/reason"), ({"reason": "  "}, "/reason"), ({"key": None}, "/key"), ({"pseudonym": "0" * 32}, "/key"),
        ({"key": None, "pseudonym": "C-1"}, "/pseudonym"), ({"from": "2026-03-02T00:00:00"}, "/from"), ({"at": 5}, "/at"),
        ({"log_size": -1}, "/log_size"), ({"log_size": True}, "/log_size"), ({"surprise": 1}, "/surprise"), ({"key_space": ""}, "/key_space"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused_by_its_field_and_not_recorded(
    store: Served, change: dict[str, Any], field: str
) -> None:
    """What cannot be interpreted is 422 naming the field; nothing was looked up, so nothing is recorded."""
    size = store.size()
    asked = {"key_space": "customer", "key": "C-1", "reason": "test", **change}
    answer = store.post("/record-usage", {name: value for name, value in asked.items() if value is not None})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert store.size() == size
