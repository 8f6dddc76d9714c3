"""Random small worlds for record usage.

Times, names, columns and versions are few, so that ties, overlaps and cycles are frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from compliance.canonical import Json, content_bytes
from compliance.facts import Received, SourceState
from compliance.lineage.records import DatasetName, Question, UsageInput, UsageSettings
from tests.brute.building import (
    ANNA,
    AT,
    BEN,
    CARL,
    DIRECT,
    INDIRECT,
    MASKING,
    Book,
    Holding,
    column_lineage,
    dataset,
    moment,
    run_id,
    tags,
    text,
)

DATASETS: tuple[DatasetName, ...] = (
    ("lake", "people"), ("lake", "orders"), ("shop", "features"), ("shop", "train"), ("lake", "old"), ("api", "raw"),
)  # fmt: skip
COLUMNS = ("id", "mail", "sum")
VERSIONS = ("1", "2", "3")
PURPOSES = ("ads", "billing")
JOBS = ("build", "train")
STEPS = 9
CHANGES = ("OVERWRITE", "CREATE", "TRUNCATE", "DROP", "ALTER", "RENAME")
Draw = Any


@dataclass(frozen=True)
class Odds:
    """How often things happen, in percent, and how many there are of others at most."""

    purpose: int = 30
    columns: int = 35
    lifecycle: int = 30
    tags: int = 12
    commit: int = 8
    configured: int = 10
    described: int = 0
    consents: int = 3
    erasures: int = 2
    confirmed: int = 1


THEMES = (
    Odds(),
    Odds(purpose=90, consents=6),
    Odds(erasures=4, confirmed=4),
    Odds(columns=90, confirmed=4, lifecycle=15),
    Odds(lifecycle=75, tags=35, commit=20, configured=50, described=60),
)
"""Kinds of world, so that rules which need several things at once are met often."""


def chance(draw: Draw, percent: int) -> bool:
    """Whether something happens that happens so often; shrinks towards not."""
    return bool(draw(st.integers(0, 99)) >= 100 - percent)


def one_of(draw: Draw, things: Sequence[Any]) -> Any:
    """Any of several things; shrinks towards the first."""
    return draw(st.sampled_from(things))


def some_of(draw: Draw, things: Sequence[Any], most: int, least: int = 0) -> list[Any]:
    """Several different things."""
    return list(draw(st.lists(st.sampled_from(things), min_size=least, max_size=most, unique=True)))


# --- datasets as runs name them -----------------------------------------------------------------


def step_of(draw: Draw) -> Json:
    """One transformation."""
    return one_of(
        draw,
        (
            DIRECT,
            MASKING,
            INDIRECT,
            MASKING,
            {"type": "DIRECT", "masking": False},
            {"type": "INDIRECT", "masking": True},
        ),
    )


def inputs_of_column(draw: Draw, names: Sequence[DatasetName], *, whole: bool) -> list[Json]:
    """What a column, or with ``whole`` a dataset, is made of: nothing, or columns of sources."""
    found = []
    for name in some_of(draw, names, 2):
        told: dict[str, Json] = {"namespace": name[0], "name": name[1]}
        if not whole or chance(draw, 50):
            told["field"] = one_of(draw, COLUMNS)
        if chance(draw, 70):
            told["transformations"] = [step_of(draw) for _ in range(draw(st.integers(0, 2)))]
        found.append(told)
    return found


def column_lineage_facet(draw: Draw, names: Sequence[DatasetName]) -> Json:
    """A column-lineage facet: some columns left out, some with no input, the old masking now and then."""
    columns = some_of(draw, COLUMNS, 3)
    facet = column_lineage({column: inputs_of_column(draw, names, whole=False) for column in columns})
    for column in columns:
        if chance(draw, 20):
            facet["fields"][column]["transformationType"] = one_of(draw, ("MASKED", "IDENTITY"))
    if chance(draw, 25):
        facet["dataset"] = inputs_of_column(draw, names, whole=False)
    return facet


def lineage_facet(draw: Draw, names: Sequence[DatasetName]) -> Json:
    """A lineage facet on a dataset: inputs of the whole, and of fields, jobs among them."""
    facet: dict[str, Json] = {}
    if chance(draw, 60):
        facet["inputs"] = [told | {"type": "DATASET"} for told in inputs_of_column(draw, names, whole=True)]
    if chance(draw, 60):
        facet["fields"] = {
            column: {
                "inputs": [told | {"type": "DATASET"} for told in inputs_of_column(draw, names, whole=True)]
            }
            for column in some_of(draw, COLUMNS, 2)
        }
    if chance(draw, 15):
        job = {"type": "JOB", "namespace": "jobs", "name": "build"}
        facet["inputs"] = [*facet.get("inputs", []), job]
    return facet


def lifecycle(draw: Draw, names: Sequence[DatasetName]) -> Json:
    """A lifecycle state change."""
    change = one_of(draw, CHANGES)
    facet = {"lifecycleStateChange": change}
    if change == "RENAME" and chance(draw, 90):
        before = one_of(draw, names)
        facet["previousIdentifier"] = {"namespace": before[0], "name": before[1]}
    return facet


def schema(draw: Draw) -> Json:
    """A schema facet."""
    return {"fields": [{"name": column, "type": "string"} for column in some_of(draw, COLUMNS, 3, 1)]}


def dataset_tags(draw: Draw) -> Json:
    """Tags on a dataset, on a field now and then."""
    pairs = (("write", "append"), ("write", "replace"), ("key_space", "customer"), ("key_space", "card"),
             ("kind", "feature-view"))  # fmt: skip
    facet = tags(*some_of(draw, pairs, 2, 1))
    for tag in facet["tags"]:
        if tag["key"] == "key_space" and chance(draw, 40):
            tag["field"] = "mail"
    return facet


def input_mention(draw: Draw, names: Sequence[DatasetName]) -> dict[str, Json]:
    """A dataset as a run's input."""
    told = dataset(one_of(draw, names))
    if chance(draw, 30):
        told["facets"]["version"] = {"datasetVersion": one_of(draw, VERSIONS)}
    if chance(draw, 8):
        told["inputFacets"] = {"icebergScanReport": {"snapshotId": int(one_of(draw, VERSIONS))}}
    if chance(draw, 15):
        told["facets"]["schema"] = schema(draw)
    return common_facets(draw, told, names)


def output_mention(
    draw: Draw, names: Sequence[DatasetName], near: Sequence[DatasetName], odds: Odds = THEMES[0]
) -> dict[str, Json]:
    """A dataset as a run's output; ``near`` are the datasets that its lineage may name as sources."""
    told = dataset(one_of(draw, names))
    facets = told["facets"]
    if chance(draw, 35):
        facets["version"] = {"datasetVersion": one_of(draw, VERSIONS)}
    if chance(draw, odds.columns):
        facets["columnLineage"] = column_lineage_facet(draw, near)
    if chance(draw, 12):
        facets["lineage"] = lineage_facet(draw, near)
    if chance(draw, odds.lifecycle):
        facets["lifecycleStateChange"] = lifecycle(draw, names)
    if chance(draw, 35):
        facets["schema"] = schema(draw)
    if chance(draw, odds.commit):
        told["outputFacets"] = {"icebergCommitReport": commit(draw)}
    return common_facets(draw, told, names, odds)


def commit(draw: Draw) -> Json:
    """An Iceberg commit report."""
    report = {"snapshotId": int(one_of(draw, VERSIONS)), "operation": one_of(draw, ("append", "overwrite"))}
    metrics = one_of(draw, ({}, {"addedRecords": 5}, {"addedRecords": 5, "totalRecords": 5},
                            {"addedRecords": 5, "totalRecords": 9}))  # fmt: skip
    return report | {"commitMetrics": metrics}


def common_facets(
    draw: Draw, told: dict[str, Json], names: Sequence[DatasetName], odds: Odds = THEMES[0]
) -> dict[str, Json]:
    """Facets that inputs and outputs share, and facets that say nothing."""
    facets = told["facets"]
    if chance(draw, odds.tags):
        facets["tags"] = dataset_tags(draw)
    if chance(draw, 3):
        other = one_of(draw, (("file", "/people"), *names))
        facets["symlinks"] = {"identifiers": [{"namespace": other[0], "name": other[1], "type": "TABLE"}]}
    if chance(draw, 8):
        facets[
            one_of(draw, ("version", "columnLineage", "tags", "symlinks", "lifecycleStateChange", "schema"))
        ] = one_of(draw, (None, {"_deleted": True}))
    return told


# --- runs ---------------------------------------------------------------------------------------


def add_run(
    draw: Draw, book: Book, number: int, names: Sequence[DatasetName], sources: Sequence[str], odds: Odds
) -> None:
    """One run: its events, with what it read and wrote spread over them."""
    start = draw(st.integers(0, STEPS))
    events: list[tuple[str, int]] = [("START", start)]
    if chance(draw, 25):
        events.append((one_of(draw, ("RUNNING", "OTHER")), start + draw(st.integers(0, 3))))
    if chance(draw, 92):
        events.append((one_of(draw, ("COMPLETE",) * 5 + ("FAIL", "ABORT")), start + draw(st.integers(0, 3))))
    if chance(draw, 6):
        events.append((one_of(draw, ("COMPLETE", "FAIL")), start + draw(st.integers(0, 3))))
    if len(events) > 1 and chance(draw, 20):
        events.pop(0)
    parts: list[dict[str, Any]] = [
        {"inputs": [], "outputs": [], "run_facets": {}, "job_facets": {}} for _ in events
    ]
    fed = [input_mention(draw, names) for _ in range(one_of(draw, (1, 2, 0)))]
    near = [*names, *[(one["namespace"], one["name"]) for one in fed] * 3]
    made = [output_mention(draw, names, near, odds) for _ in range(one_of(draw, (1, 2, 1, 0)))]
    for side, mentions in (("inputs", fed), ("outputs", made)):
        for told in mentions:
            spread(draw, parts, side, told)
    add_tags(draw, parts, odds)
    if chance(draw, 4):
        one_of(draw, parts)["job_facets"]["lineage"] = job_lineage(draw, parts, names)
    job = one_of(draw, JOBS)
    for (kind, at), part in zip(events, parts, strict=True):
        book.event(kind, number, at, source=one_of(draw, sources), job=job, **part)


def spread(draw: Draw, parts: list[dict[str, Any]], side: str, told: dict[str, Json]) -> None:
    """Put a dataset into one event whole, or its facets into several."""
    first, second = one_of(draw, parts), one_of(draw, parts)
    if first is second or chance(draw, 50):
        first[side].append(told)
        return
    keys = list(told["facets"])
    moved = some_of(draw, keys, 2) if keys else []
    first[side].append(told | {"facets": {key: told["facets"][key] for key in keys if key not in moved}})
    rest = {"namespace": told["namespace"], "name": told["name"]}
    second[side].append(rest | {"facets": {key: told["facets"][key] for key in moved}})


def add_tags(draw: Draw, parts: list[dict[str, Any]], odds: Odds) -> None:
    """Tags on the run and on the job in the run's own events."""
    on_run = (("purpose", "ads"), ("purpose", "billing"), ("model", "churn@1"), ("model", "churn@2"),
              ("write", "append"), ("write", "replace"), ("team", "x"))  # fmt: skip
    on_job = (("purpose", "ads"), ("purpose", "billing"), ("write", "append"), ("write", "replace"))
    if chance(draw, odds.purpose):
        one_of(draw, parts)["run_facets"]["tags"] = tags(*some_of(draw, on_run, 2, 1))
    if chance(draw, 15):
        one_of(draw, parts)["job_facets"]["tags"] = tags(*some_of(draw, on_job, 2, 1))


def job_lineage(draw: Draw, parts: list[dict[str, Any]], names: Sequence[DatasetName]) -> Json:
    """A lineage facet on the job: entries for the run's outputs, or for the job itself."""
    outputs = [(one["namespace"], one["name"]) for part in parts for one in part["outputs"]]
    if outputs and chance(draw, 60):
        namespace, name = one_of(draw, outputs)
        return {
            "entries": [
                {"type": "DATASET", "namespace": namespace, "name": name, **lineage_facet(draw, names)}
            ]
        }
    told = [one | {"type": "DATASET"} for one in inputs_of_column(draw, names, whole=True)]
    return {"entries": [{"type": "JOB", "inputs": told}]}


# --- everything else ----------------------------------------------------------------------------


def add_static(draw: Draw, book: Book, names: Sequence[DatasetName], odds: Odds) -> None:
    """DatasetEvents and JobEvents."""
    for name in names:
        if chance(draw, odds.described):
            told = dataset(name, tags=tags(("key_space", "customer")))
            book.add("lineage", {"eventTime": text(0), "dataset": told})
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, STEPS))
        told = dataset(one_of(draw, names), tags=dataset_tags(draw))
        if chance(draw, 30):
            told["facets"]["schema"] = schema(draw)
        book.add("lineage", {"eventTime": text(at), "dataset": told}, at=at)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, STEPS))
        pairs = (
            ("purpose", "ads"),
            ("purpose", "billing"),
            ("write", "append"),
            ("write", "replace"),
            ("x", "y"),
        )
        facets = {"tags": tags(*some_of(draw, pairs, 2, 1))} if chance(draw, 85) else {}
        job = {"namespace": "jobs", "name": one_of(draw, JOBS), "facets": facets}
        book.add("lineage", {"eventTime": text(at), "job": job, "inputs": [], "outputs": []}, at=at)


def add_manifests(draw: Draw, book: Book, names: Sequence[DatasetName], runs: int, odds: Odds) -> None:
    """Manifests, full and partial, several of one version now and then."""
    versions = [*VERSIONS, *[run_id(number) for number in range(runs)]]
    for number in range(draw(st.integers(1, odds.confirmed))):
        near = names if number else names[:2]
        book.manifest(one_of(draw, near), one_of(draw, versions), [ANNA, *some_of(draw, (BEN, CARL), 1)])
    for _ in range(draw(st.integers(0, 3))):
        book.manifest(
            one_of(draw, names), one_of(draw, versions), some_of(draw, (ANNA, BEN, CARL), 2),
            key_space=one_of(draw, ("customer",) * 6 + ("card",)),
            completeness=one_of(draw, ("full", "full", "partial")),
        )  # fmt: skip


def add_registers(draw: Draw, book: Book, names: Sequence[DatasetName], runs: int, odds: Odds) -> None:
    """Contracts, purposes, consents, erasures, decisions, models and feature views."""
    for _ in range(draw(st.integers(0, 2))):
        book.add("contract", contract(draw, names))
    for _ in range(draw(st.integers(0, 3))):
        value = {"id": one_of(draw, PURPOSES), "lawful_basis": one_of(draw, ("consent", "consent", "contract")),
                 "controller": "Shop"}  # fmt: skip
        since = {"valid_from": text(draw(st.integers(0, STEPS)))} if chance(draw, 50) else {}
        book.add("purpose", value | since)
    for _ in range(draw(st.integers(0, odds.consents))):
        book.add("consent", consent(draw))
    for _ in range(draw(st.integers(0, odds.erasures))):
        book.add("erasure", erasure(draw, names), source="deletions")
    for number in range(draw(st.integers(0, 2))):
        book.add("decision", decision(draw, names, number), source="opa")
    if chance(draw, 30):
        tie = run_id(draw(st.integers(0, runs)))
        ids = [one_of(draw, (tie, tie.replace("-", ""), "unrelated"))]
        purpose = {"purpose": one_of(draw, PURPOSES)} if chance(draw, 60) else {}
        value = {"name": "churn", "version": one_of(draw, VERSIONS), "run_ids": ids}
        book.add("model_version", value | purpose, source="mlflow")
    if chance(draw, 20):
        view = one_of(draw, names)
        book.add(
            "feature_view", {"namespace": view[0], "name": view[1], "features": ["mail"]}, source="feast"
        )


def subject(draw: Draw) -> dict[str, str]:
    """Whose record a consent, erasure or decision is about: mostly the one asked for."""
    space, pseudonym = one_of(draw, (("customer", ANNA),) * 4 + (("card", ANNA), ("customer", BEN)))
    return {"key_space": space, "pseudonym": pseudonym}


def contract(draw: Draw, names: Sequence[DatasetName]) -> Json:
    """A data contract."""
    name = one_of(draw, names)
    value: dict[str, Json] = {
        "namespace": name[0], "name": name[1], "permitted_purposes": some_of(draw, PURPOSES, 2),
        "valid_from": text(draw(st.integers(0, STEPS))),
    }  # fmt: skip
    if chance(draw, 40):
        value["key_spaces"] = [one_of(draw, ("customer", "card"))]
    if chance(draw, 20):
        value["fields"] = [{"name": "mail", "key_space": one_of(draw, ("customer", "card"))}, {"name": "id"}]
    return value


def consent(draw: Draw) -> Json:
    """A consent event."""
    action = one_of(draw, ("granted", "withdrawn"))
    return subject(draw) | {
        "purpose": one_of(draw, PURPOSES),
        "action": action,
        "at": text(draw(st.integers(0, STEPS))),
    }


def erasure(draw: Draw, names: Sequence[DatasetName]) -> Json:
    """A deletion-log entry."""
    listed = [{"namespace": name[0], "name": name[1]} for name in some_of(draw, names, 2, 1)]
    done = draw(st.integers(0, STEPS))
    return subject(draw) | {
        "datasets": one_of(draw, ("*", listed)), "requested_at": text(done), "completed_at": text(done),
        "method": "delete", "request_id": "r1",
    }  # fmt: skip


def decision(draw: Draw, names: Sequence[DatasetName], number: int) -> Json:
    """A decision-log entry, normalised."""
    value: dict[str, Json] = {
        "decision_id": f"d{draw(st.integers(0, number))}", "timestamp": text(draw(st.integers(0, STEPS))),
        "allowed": one_of(draw, (True, True, False)), "principal": "carl", "records": [subject(draw)],
    }  # fmt: skip
    if chance(draw, 60):
        value["purpose"] = one_of(draw, PURPOSES)
    if chance(draw, 40):
        value["model"] = "churn@1"
    if chance(draw, 60):
        name = one_of(draw, names)
        value["dataset"] = {"namespace": name[0], "name": name[1]}
    return value


@st.composite
def worlds(draw: Draw, *, sources: Sequence[str] = ("pipeline",)) -> UsageInput:
    """A whole world; with several ``sources``, each event comes from any of them."""
    names = DATASETS[: draw(st.integers(2, 6))]
    runs = one_of(draw, (1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6))
    odds = one_of(draw, THEMES)
    book = Book()
    for number in range(runs):
        add_run(draw, book, number, names, sources, odds)
    add_static(draw, book, names, odds)
    add_manifests(draw, book, names, runs, odds)
    add_registers(draw, book, names, runs, odds)
    aliases = (tuple(some_of(draw, names, 2, 2)),) if chance(draw, 6) else ()
    replaces = (
        frozenset(some_of(draw, names, 2)) if chance(draw, odds.configured) else frozenset[DatasetName]()
    )
    given = book.given(UsageSettings(aliases, replaces))
    return replace(given, received=disorder(draw, different(given.received)))


def different(received: Sequence[Received]) -> list[Received]:
    """The records without those that say the same from the same source: the log takes such in once."""
    found = {content_bytes([one.kind, one.source, one.value]): one for one in reversed(received)}
    return list(found.values())


def disorder(draw: Draw, received: Sequence[Received]) -> tuple[Received, ...]:
    """The records in any order, some twice."""
    shaker = draw(st.randoms(use_true_random=False))
    mixed = [*received, *shaker.sample(list(received), min(2, len(received)))]
    shaker.shuffle(mixed)
    return tuple(mixed)


@st.composite
def further_reports(draw: Draw, given: UsageInput) -> UsageInput:
    """The world with an entry of another source on a run, or on a version described in full, that it already has.

    The entry speaks within the run's time, of outputs that the run is known to have, and of no version
    that something else may be about: what it adds can only be united with what is there.
    """
    full = [one for one in given.received if one.kind == "manifest" and one.value["completeness"] == "full"]
    if full and chance(draw, 30):
        return with_second_manifest(draw, given, one_of(draw, full))
    events = [one for one in given.received if "run" in one.value]
    chosen = one_of(draw, events)
    outputs = [
        told for one in events if one.value["run"] == chosen.value["run"] for told in one.value["outputs"]
    ]
    names = [(told["namespace"], told["name"]) for told in outputs]
    made = [united_output(draw, one_of(draw, names))] if names else []
    fed = [input_mention(draw, DATASETS) for _ in range(draw(st.integers(0, 1)))]
    for told in [*made, *fed]:
        told["facets"].pop("symlinks", None)
    value = chosen.value | {
        "eventType": one_of(draw, ("OTHER", "RUNNING")), "inputs": fed, "outputs": made,
        "run": {"runId": chosen.value["run"]["runId"], "facets": {"tags": tags(("write", "replace"))}},
        "job": {key: chosen.value["job"][key] for key in ("namespace", "name")},
    }  # fmt: skip
    record = replace(chosen, source="other", value=value, evidence="9000/0")
    return replace(given, received=(*given.received, record))


def united_output(draw: Draw, name: DatasetName) -> dict[str, Json]:
    """Another source's word on a known output, which would have it replaced, elsewhere or made of nothing."""
    told = output_mention(draw, DATASETS, DATASETS) | {"namespace": name[0], "name": name[1]}
    told.pop("outputFacets", None)
    told["facets"].pop("version", None)
    if chance(draw, 50):
        told["facets"]["version"] = {"datasetVersion": "other"}
    return told


def with_second_manifest(draw: Draw, given: UsageInput, first: Received) -> UsageInput:
    """The world with another full manifest of a version that has one."""
    members = frozenset(some_of(draw, (ANNA, BEN, CARL), 2))
    held = dict(given.membership.members) if isinstance(given.membership, Holding) else {}
    held["9000"] = (first.value["key_space"], members)
    value = {**first.value, "digest": "".join(sorted(members))}
    record = replace(first, source="other", value=value, evidence="9000")
    return replace(given, received=(*given.received, record), membership=Holding(held))


@st.composite
def failing_sources(draw: Draw) -> tuple[SourceState, ...]:
    """Configured sources, of which one may be stale; it speaks of every namespace."""
    cause = one_of(draw, (None, "stale"))
    return (SourceState("pipeline", "push", moment(0), cause, "silent", accepts=("lineage",)),)


@st.composite
def questions(draw: Draw) -> Question:
    """A question about the one record, now and then about a span of uses."""
    span = (
        sorted(draw(st.tuples(st.integers(0, STEPS), st.integers(0, STEPS + 3))))
        if chance(draw, 15)
        else None
    )
    asked = Question("customer", ANNA, AT)
    return asked if span is None else replace(asked, from_=moment(span[0]), to=moment(span[1]))
