"""CONTRACT section 4 over HTTP: what is erased in place, read back in time, unfinished, or nobody can speak for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract_events import (
    contract,
    dataset,
    erasure,
    event,
    facet,
    known_as,
    manifest,
    run,
    run_id,
    tags,
)
from tests.served import Served, serving

SCHEMA = facet(fields=[{"name": "id"}])
REPLACED = {"lifecycleStateChange": facet(lifecycleStateChange="OVERWRITE")}


CONFIGURATION = """
aliases = [[{namespace = "lake", name = "features"}, {namespace = "duckdb", name = "main.features"}]]

[[sources]]
name = "airflow"
kind = "push"
"""
OLDER = "ffeeddccbbaa99887766554433221100"
"""A secret that was replaced by the current one."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A store whose one source may be silent, to which each test adds a world of its own."""
    older = tmp_path_factory.mktemp("secrets") / "older.hex"
    older.write_text(OLDER, encoding="utf-8")
    held = {"MUNIMENT_KEY_SPACES__CUSTOMER__OLDER_SECRET_FILES": json.dumps([str(older)])}
    with serving(tmp_path_factory, CONFIGURATION, **held) as served:
        yield served


def holds(store: Served, name: str, version: str, *keys: str, more: str = "") -> None:
    """Say whose data a version holds."""
    path = f"/api/v1/members/lake/{name}/{version}?key_space=customer{more}"
    store.ask("PUT", path, content=manifest(*keys)).raise_for_status()


def used_by(answer: Any) -> set[str]:
    """The jobs that used the record."""
    return {use["job"]["name"] for use in answer["uses"]}


def gaps(answer: Any) -> set[tuple[str, str | None]]:
    """Name and version of each gap."""
    return {(gap["name"], gap["version"]) for gap in answer["gaps"]}


def test_erased_in_place_and_read_back_in_time(store: Served) -> None:
    """By hand, for Dan, whom load brings from source@s1 into people at minute 10 and who is erased there at 20.

    early (12–18) names no version: it reads what load wrote, and he is still there. late (30–40) names none either:
    the erasure completed after that version was written and before late's start, so it is taken at its word.
    back (50–60) names the version that load wrote, which is load's run id: time travel finds him there.
    """
    holds(store, "source", "s1", "dan")
    loaded = run_id("load")
    store.sent("/lineage/batch", [
        *run("load", 0, 10, reads=[dataset("source", "s1", schema=SCHEMA)], writes=[dataset("people", **REPLACED)]),
        *run("early", 12, 18, reads=[dataset("people")]), *run("late", 30, 40, reads=[dataset("people")]),
        *run("back", 50, 60, reads=[dataset("people", loaded)]),
    ])  # fmt: skip
    erased = store.sent("/erasures", erasure("dan", 20, ["people"]))["entry"]
    answer = store.usage("dan")
    assert used_by(answer) == {"load", "early", "back"}
    assert {(one["name"], one["version"], one["certainty"]) for one in answer["datasets"]} == {
        ("source", "s1", "confirmed"), ("people", loaded, "possible"),
    }  # fmt: skip
    after = {
        use["job"]["name"]
        for use in answer["uses"]
        for v in use["violations"]
        if v["code"] == "used-after-erasure"
    }
    assert after == {"back"}
    assert [one.partition("/")[0] for one in answer["relied_on"]] == [erased]
    assert (answer["complete"], answer["gaps"]) == (True, [])


def test_failed_and_unfinished_runs(store: Served) -> None:
    """By hand, for Eva: a failed run's read is a use and its output a gap; a running one's output exists, and is one.

    failed (10–20, FAIL) writes trash, which does not exist. running (since 30) writes so-far, whose version is the
    run's id and which contains her, possibly.
    """
    holds(store, "eva", "1", "eva")
    read = [dataset("eva", "1", schema=SCHEMA)]
    store.sent("/lineage/batch", [
        *run("failed", 10, 20, ends="FAIL", reads=read, writes=[dataset("trash", **REPLACED)]),
        event("START", "running", 30, job="running", reads=read, writes=[dataset("so-far", **REPLACED)]),
    ])  # fmt: skip
    answer = store.usage("eva")
    ends = {use["job"]["name"]: use["ended_at"] for use in answer["uses"]}
    assert set(ends) == {"failed", "running"}
    assert ends["running"] is None
    assert {one["name"] for one in answer["datasets"]} == {"eva", "so-far"}
    assert {name for name, _ in gaps(answer)} == {"trash", "so-far"}
    assert answer["complete"] is False
    assert {use["job"]["name"] for use in store.usage("eva", **{"from": "2030-01-01T00:00:00Z"})["uses"]} == {
        "running"
    }


def test_what_keeps_and_what_replaces(store: Served) -> None:
    """By hand, for Fay, who was in log@1 alone: log@2 keeps what was there, log@3 replaces it.

    add (20–30) states nothing, so its version keeps log@1's content: Fay is possible in log@2. fresh (40–50) says
    OVERWRITE: she is not in log@3. tail (60–70) reads the last version, log@3, so it did not use her.
    """
    holds(store, "inbox", "1", "fay")
    holds(store, "other", "1", "somebody")
    inbox, other = dataset("inbox", "1", schema=SCHEMA), dataset("other", "1", schema=SCHEMA)
    store.sent("/lineage/batch", [
        *run("first", 0, 10, reads=[inbox], writes=[dataset("log", "1", **REPLACED)]),
        *run("add", 20, 30, reads=[other], writes=[dataset("log", "2")]),
        *run("fresh", 40, 50, reads=[other], writes=[dataset("log", "3", **REPLACED)]),
        *run("tail", 60, 70, reads=[dataset("log")]), *run("middle", 32, 35, reads=[dataset("log")]),
    ])  # fmt: skip
    answer = store.usage("fay")
    assert {(one["name"], one["version"]) for one in answer["datasets"]} == {
        ("inbox", "1"),
        ("log", "1"),
        ("log", "2"),
    }
    assert used_by(answer) == {"first", "middle"}, "keeping a previous version is no use"
    assert answer["complete"] is True


def test_a_version_that_nobody_can_speak_for_is_a_gap(store: Served) -> None:
    """By hand, for anybody: vault is said to hold customers, version 9 has neither manifest nor known writer.

    What was read of it, and all that flows from it, might contain anybody: a gap naming the version.
    """
    store.sent("/lineage/batch", [
        {"eventTime": "2026-03-01T00:00:00Z", "producer": "p", "schemaURL": "x#/$defs/DatasetEvent",
         "dataset": {"namespace": "lake", "name": "vault", "facets": {"tags": tags(key_space="customer")}}},
        *run("opener", 0, 10, reads=[dataset("vault", "9")]),
    ])  # fmt: skip
    store.sent("/contracts", contract("crypt", [], key_spaces=["customer"]))
    store.sent("/lineage/batch", run("digger", 0, 10, reads=[dataset("crypt", "7")]))
    answer = store.usage("who-ever")
    assert {("vault", "9"), ("crypt", "7")} <= gaps(answer)
    assert answer["complete"] is False
    for gap in answer["gaps"]:
        assert gap["why"]
    holds(store, "vault", "9", "somebody")
    holds(store, "crypt", "7", "somebody")
    assert {("vault", "9"), ("crypt", "7")} & gaps(store.usage("who-ever")) == set(), (
        "the manifests now speak for them"
    )


def test_partial_manifests_and_two_that_differ(store: Served) -> None:
    """By hand: a partial manifest confirms Gil and says nothing of Hob; two full ones of one version are united, a gap."""
    holds(store, "gilt", "1", "gil", more="&completeness=partial")
    holds(store, "twin", "1", "ida")
    holds(store, "twin", "1", "jon")
    assert [one["certainty"] for one in store.usage("gil")["datasets"]] == ["confirmed"]
    assert store.usage("hob")["datasets"] == []
    for key in ("ida", "jon"):
        answer = store.usage(key)
        assert [one["name"] for one in answer["datasets"]] == ["twin"]
        assert ("twin", "1") in gaps(answer)


def test_two_names_of_one_dataset(store: Served) -> None:
    """By hand, for Kim: symlinks make table an identifier of files, so who reads table read files@1."""
    holds(store, "files", "1", "kim")
    linked = facet(identifiers=[{"namespace": "lake", "name": "table", "type": "TABLE"}])
    store.sent("/lineage/batch", [
        *run("linker", 0, 5, reads=[dataset("files", "1", symlinks=linked, schema=SCHEMA)]),
        *run("reader", 10, 15, reads=[dataset("table", "1")]),
    ])  # fmt: skip
    answer = store.usage("kim")
    assert used_by(answer) == {"linker", "reader"}
    assert {one["name"] for one in answer["datasets"]} == {"files"}, "under the name that bears the facet"


def test_sources_named_by_column_lineage_alone_are_read(store: Served) -> None:
    """By hand, for Lea: the run's inputs leave lead out, but its output's column lineage names it: it was read."""
    holds(store, "lead", "1", "lea")
    lineage = facet(fields={"c": {"inputFields": [{"namespace": "lake", "name": "lead", "field": "id"}]}})
    store.sent(
        "/lineage/batch",
        run("silent", 0, 5, writes=[dataset("mine", "1", columnLineage=lineage, **REPLACED)]),
    )
    answer = store.usage("lea")
    assert used_by(answer) == {"silent"}
    assert {(one["name"], tuple(one["columns"])) for one in answer["datasets"]} == {
        ("lead", ("id",)),
        ("mine", ("c",)),
    }


def test_two_sources_on_one_run_are_united(store: Served) -> None:
    """By hand, for Mia: what one source says of a run's inputs is not taken away by another's silence."""
    holds(store, "mint", "1", "mia")
    store.sent(
        "/lineage", event("COMPLETE", "shared", 10, job="shared", reads=[dataset("mint", "1", schema=SCHEMA)])
    )
    later = event("COMPLETE", "shared", 20, job="shared", reads=[])
    later["inputs"] = None
    store.sent("/lineage", later, scope="ingest:lineage", source="airflow")
    assert used_by(store.usage("mia")) == {"shared"}


def test_configured_aliases_name_one_dataset(store: Served) -> None:
    """By hand, for Ned: features of the lake is main.features of duckdb, so who reads one read the other."""
    holds(store, "features", "1", "ned")
    read = dataset("main.features", "1", namespace="duckdb", schema=SCHEMA)
    store.sent("/lineage/batch", run("aliased", 0, 5, reads=[read]))
    answer = store.usage("ned")
    assert used_by(answer) == {"aliased"}
    assert len(answer["datasets"]) == 1


def test_undescribed_counts_what_nobody_describes(store: Served) -> None:
    """By hand: of three new datasets one gets a contract, one a manifest, one a tag of a key space."""
    before = store.usage("nobody")["undescribed"]
    names = ("plain", "agreed", "listed", "tagged")
    store.sent("/lineage/batch", run("namer", 0, 5, reads=[dataset(name) for name in names]))
    assert store.usage("nobody")["undescribed"] == before + 4
    store.sent("/contracts", contract("agreed", []))
    holds(store, "listed", "1", "somebody")
    tagged = dataset("tagged", tags=tags(key_space="patient"))
    store.sent("/lineage", event("COMPLETE", "namer-2", 6, job="namer-2", reads=[tagged]))
    assert store.usage("nobody")["undescribed"] == before + 1


def test_a_key_is_asked_under_every_secret_held(store: Served) -> None:
    """By hand, for Pam: her manifest was made under the older secret. By key she is found, by her new pseudonym not.

    The older pseudonym speaks only for its own key id, and no relink file relates the two: a gap.
    """
    bodies = [store.get(f"/api/v1/evidence/{index}").json()["entry"] for index in range(store.size())]
    index = max(number for number, entry in enumerate(bodies) if entry["kind"].startswith("config/"))
    ids = store.get(f"/api/v1/evidence/{index}/payload").json()["key_spaces"]["customer"]
    body = f'"{known_as("pam", OLDER)}"\n'.encode()
    path = f"/api/v1/members/lake/attic/1?key_space=customer&key_id={ids[1]}"
    store.ask("PUT", path, content=body).raise_for_status()
    store.sent("/lineage/batch", run("climber", 0, 5, reads=[dataset("attic", "1", schema=SCHEMA)]))
    assert used_by(store.usage("pam")) == {"climber"}
    asked = {"key_space": "customer", "pseudonym": known_as("pam"), "reason": "acceptance"}
    answer = store.sent("/record-usage", asked)
    assert answer["uses"] == []
    assert ("attic", "1") in gaps(answer)
