"""Who used a record: the whole answer, beside bare traversals of the same graph by NetworkX and SQLite.

Run from the checkout: ``.venv/bin/python benchmarks/bench_lookup.py [--records N]``. The world: fifty days
of ten datasets, each written whole once a day, 1,500 runs that read them, and a membership manifest of 2,000
people for each day's source: 2,000 runs, 500 versions, 100,000 memberships. The peers are told the graph with
every read already resolved and give back names alone; the answer also decides columns, purposes, consents,
violations, gaps and proofs, and is recorded, sealed, before it leaves. That all reach the same is checked.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

import networkx as nx
from _measuring import NOW, SECRET, fresh_store, spread, timed

from collectors.members.difference import MEDIA_TYPE, Difference, digest
from compliance.answers import Answers
from compliance.canonical import Json, format_time, pseudonym
from compliance.evidence import CollectorName, Observation
from compliance.lineage import Question, World, record_usage
from compliance.record_usage import MembershipAsOf, usage_input
from compliance.store import Store

DAYS, READERS_A_DAY, MEMBERS, CHANGE_A_DAY = 50, 30, 2000, 10
NAMED = 0.7
"""Share of readers that name the version they read; what the others read is worked out."""
SENDER = CollectorName("benchmark", "1")
WRITTEN: Mapping[str, tuple[str, ...]] = {
    "raw.customers": (), "raw.orders": (), "clean.customers": ("raw.customers",), "clean.orders": ("raw.orders",),
    "joined.profile": ("clean.customers", "clean.orders"), "features.churn": ("joined.profile",),
    "features.fraud": ("joined.profile", "clean.orders"), "marts.segments": ("features.churn",),
    "marts.risk": ("features.fraud",), "marts.daily": ("marts.segments", "marts.risk"),
}  # fmt: skip
"""Each dataset and what it is made of, sources first."""
LEARNT_FROM = ("features.churn", "features.fraud", "joined.profile")
PURPOSES = ("fraud-detection", "service", "marketing")
COLUMNS = ("customer_id", "city", "spent", "visits")
PEOPLE = [pseudonym(bytes.fromhex(SECRET), f"C-{number}") for number in range(DAYS * CHANGE_A_DAY + MEMBERS)]


# --- the world -----------------------------------------------------------------------------------


def members(day: int) -> tuple[str, ...]:
    """Who is a customer on a day: the longest there leave, new ones come."""
    return tuple(sorted(PEOPLE[day * CHANGE_A_DAY : day * CHANGE_A_DAY + MEMBERS]))


def dataset(name: str, day: int, *, named: bool = True, sources: Sequence[str] = ()) -> dict[str, Json]:
    """A dataset as an event names it, replaced whole each day; every column comes of its namesakes."""
    facets: dict[str, Json] = {
        "schema": {"fields": [{"name": column, "type": "string"} for column in COLUMNS]},
        "lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"},
    }
    if named:
        facets["version"] = {"datasetVersion": f"d{day}"}
    if sources:
        facets["columnLineage"] = {"fields": {column: {"inputFields": [
            {"namespace": "lake", "name": source, "field": column,
             "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}
            for source in sources
        ]} for column in COLUMNS}}  # fmt: skip
    return {"namespace": "lake", "name": name, "facets": facets}


def run(job: str, day: int, minute: int, purpose: str, **datasets: Json) -> Iterator[dict[str, Json]]:
    """START and COMPLETE of one run of four minutes."""
    began = NOW - timedelta(days=DAYS - day) + timedelta(minutes=minute)
    tags = {"tags": {"tags": [{"key": "purpose", "value": purpose, "source": "benchmark"}]}}
    for kind, moment in (("START", began), ("COMPLETE", began + timedelta(minutes=4))):
        yield {
            "eventType": kind, "eventTime": format_time(moment), "producer": "benchmark",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": str(uuid5(NAMESPACE_URL, f"{job}/{day}")), "facets": tags},
            "job": {"namespace": "jobs", "name": job}, **datasets,
        }  # fmt: skip


def events() -> Iterator[dict[str, Json]]:
    """Everything that the pipelines report."""
    chance = random.Random(7)  # noqa: S311 (a repeatable choice)
    for day in range(DAYS):
        for place, (name, sources) in enumerate(WRITTEN.items()):
            yield from run(
                f"write-{name}", day, 5 * place, "service", inputs=[dataset(source, day) for source in sources],
                outputs=[dataset(name, day, sources=sources)],
            )  # fmt: skip
        for number in range(READERS_A_DAY):
            read = dataset(chance.choice(LEARNT_FROM), day, named=chance.random() < NAMED)
            yield from run(f"train-{number}", day, 120 + number, chance.choice(PURPOSES), inputs=[read])


def observation(kind: str, body: Json, **more: Json) -> Observation:
    """One pushed body."""
    return Observation(
        kind, "benchmark", SENDER, json.dumps(body).encode(), detail={"items": len(body)}, **more
    )


def manifest(day: int) -> Observation:
    """The membership manifest of one day's customers."""
    held = members(day)
    stated = {
        "namespace": "lake", "name": "raw.customers", "version": f"d{day}", "key_space": "customer",
        "completeness": "full", "digest": digest(held), "key_id": "",
    }  # fmt: skip
    body = Difference(None, held, ()).to_bytes()
    return Observation("members/1", "benchmark", SENDER, body, MEDIA_TYPE, detail=stated, sealed=True)


def fill(store: Store) -> None:
    """Put the world into the log."""
    key_id = store.key_spaces.current_key_id("customer")
    since = format_time(NOW - timedelta(days=DAYS + 1))
    contracts = [
        {"namespace": "lake", "name": name, "permitted_purposes": ["fraud-detection", "service"], "valid_from": since,
         "key_spaces": ["customer"]}
        for name in WRITTEN if "orders" not in name
    ]  # fmt: skip
    purposes = [
        {"id": name, "lawful_basis": "consent" if name == "marketing" else "contract", "controller": "Bank"}
        for name in PURPOSES
    ]
    consents = [
        {
            "key_space": "customer",
            "pseudonym": one,
            "purpose": "marketing",
            "action": "granted",
            "at": since,
            "key_id": key_id,
        }
        for one in PEOPLE[::2]
    ]
    every = list(events())
    store.log.append([
        observation("contracts/1", contracts), observation("purposes/1", purposes),
        observation("consents/1", consents, sealed=True),
        *(observation("lineage/1", every[start : start + 100]) for start in range(0, len(every), 100)),
    ])  # fmt: skip
    for day in range(DAYS):
        one = manifest(day)
        store.log.append([Observation(
            one.kind, one.source, one.collector, one.body, one.media_type, detail={**one.detail, "key_id": key_id}, sealed=True
        )])  # fmt: skip


# --- the peers -----------------------------------------------------------------------------------


@dataclass
class Peers:
    """The same graph, every read resolved, in NetworkX and in SQLite."""

    graph: nx.DiGraph[str]
    database: sqlite3.Connection
    held: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, world: World) -> Peers:
        """Versions point to the runs that read them, runs to the versions that they wrote."""
        edges = [(str(v), read.run_id) for v, reads in world.graph.readers.items() for read in reads]
        edges += [(run_id, str(version)) for version, runs in world.graph.writers.items() for run_id in runs]
        held: dict[str, list[str]] = {}
        for day in range(DAYS):
            for one in members(day):
                held.setdefault(one, []).append(f"lake/raw.customers@d{day}")
        database = sqlite3.connect(":memory:")
        database.execute(
            "CREATE TABLE edge (source TEXT, target TEXT, PRIMARY KEY (source, target)) WITHOUT ROWID"
        )
        database.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?)", edges)
        database.execute(
            "CREATE TABLE member (who TEXT, version TEXT, PRIMARY KEY (who, version)) WITHOUT ROWID"
        )
        rows = [(who, version) for who, versions in held.items() for version in versions]
        database.executemany("INSERT INTO member VALUES (?, ?)", rows)
        return cls(nx.DiGraph(edges), database, held)

    def networkx(self, who: str) -> set[str]:
        """All that is reached, by ``networkx.descendants`` from each version not reached yet."""
        reached: set[str] = set()
        for version in self.held.get(who, ()):
            if version not in reached:
                reached |= {version} | nx.descendants(self.graph, version)
        return reached

    def sqlite(self, who: str) -> set[str]:
        """All that is reached, by one recursive common table expression."""
        rows = self.database.execute(
            "WITH RECURSIVE reached(node) AS (SELECT version FROM member WHERE who = ?"
            " UNION SELECT target FROM edge JOIN reached ON source = node) SELECT node FROM reached",
            (who,),
        )
        return {node for (node,) in rows}


def reached_in(answer: Mapping[str, Json]) -> set[str]:
    """What the answer says holds or used the record, named as the peers name it."""
    versions = {f"{one['namespace']}/{one['name']}@{one['version']}" for one in answer["datasets"]}
    return versions | {use["run_id"] for use in answer["uses"]}


# --- measuring -----------------------------------------------------------------------------------


def asked(answers: Answers, who: str) -> Mapping[str, Json]:
    """The whole answer of a lookup, as a person gets it."""
    return answers.lookup(
        answers.basis(), key_space="customer", reason="benchmark", who="local:benchmark", pseudonym=who
    )


def measure(store: Store, records: int) -> None:
    """Ask for different records, each of all ways in turn, and print."""
    answers = Answers(store)
    projected, _ = timed(answers.basis)
    first, _ = timed(lambda: asked(answers, PEOPLE[0]))
    facts = answers.facts(answers.basis())
    built, world = timed(lambda: World.build(usage_input(facts, MembershipAsOf(facts))))
    peers = Peers.of(world)
    versions = len(world.graph.writers)
    print(
        f"{len(world.runs)} runs, {versions} dataset versions, {DAYS * MEMBERS} memberships, log of {store.log.size} entries"
    )
    print(
        f"projecting the log {projected:.2f} s, building the world {built:.2f} s, first answer {first:.2f} s"
    )
    times: dict[str, list[float]] = {"whole": [], "engine": [], "networkx": [], "sqlite": []}
    uses = []
    for who in random.Random(records).sample(PEOPLE, records):  # noqa: S311 (a repeatable choice)
        whole, answer = timed(lambda who=who: asked(answers, who))  # type: ignore[misc]
        engine, _ = timed(lambda who=who: record_usage(world, Question("customer", who, NOW)))  # type: ignore[misc]
        by_networkx, reached = timed(lambda who=who: peers.networkx(who))  # type: ignore[misc]
        by_sqlite, rows = timed(lambda who=who: peers.sqlite(who))  # type: ignore[misc]
        assert reached_in(answer) == reached == rows, "the ways to reach it differ"
        uses.append(len(answer["uses"]))
        for name, took in zip(times, (whole, engine, by_networkx, by_sqlite), strict=True):
            times[name].append(took)
    print(f"{records} records, {min(uses)} to {max(uses)} uses each; ratios to the NetworkX traversal")
    print(spread("whole answer, recorded and sealed", times["whole"], times["networkx"]))
    print(spread("engine alone", times["engine"], times["networkx"]))
    print(spread("NetworkX descendants, names alone", times["networkx"]))
    print(spread("SQLite recursive CTE, names alone", times["sqlite"], times["networkx"]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60)
    options = parser.parse_args()
    with fresh_store() as store:
        fill(store)
        measure(store, options.records)


if __name__ == "__main__":
    main()
