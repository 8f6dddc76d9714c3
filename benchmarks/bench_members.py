"""What membership costs: bytes on disk for daily manifests that differ little, intake, and look-ups, beside plain rows.

Run from the checkout: ``.venv/bin/python benchmarks/bench_members.py [--people N] [--days D] [--whole W]``. ``D`` daily
manifests of ``N`` people, of whom one in a hundred leaves and another comes each day, are sent through the real endpoint;
then one manifest of ``W`` people. The peer is a SQLite table of ``(pseudonym, manifest)``, one row for each membership,
which is what keeping lists would take.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from _measuring import fresh_store, spread, timed
from fastapi.testclient import TestClient

from compliance.answers import Answers
from compliance.store import Store
from web.app import create_app
from web.tokens import create_token

CHANGE = 0.01
LOOKED_UP = 200


def days(people: int, count: int) -> Iterator[list[str]]:
    """The sorted members of each day."""
    chance = random.Random(7)  # noqa: S311 (a repeatable choice)
    held = [f"{chance.getrandbits(128):032x}" for _ in range(people)]
    for _ in range(count):
        yield sorted(held)
        for place in chance.sample(range(people), round(people * CHANGE)):
            held[place] = f"{chance.getrandbits(128):032x}"


def send(client: TestClient, name: str, version: str, members: Sequence[str]) -> None:
    """One manifest through the endpoint."""
    body = "".join(f'"{member}"\n' for member in members).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    url = f"/api/v1/members/lake/{name}/{version}?key_space=customer"
    client.put(url, content=body, headers=headers).raise_for_status()


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def plain(path: Path, manifests: Sequence[Sequence[str]]) -> sqlite3.Connection:
    """The peer: one row for each membership."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE member (pseudonym BLOB, manifest INTEGER, PRIMARY KEY (pseudonym, manifest)) WITHOUT ROWID"
    )
    for number, members in enumerate(manifests):
        rows = ((bytes.fromhex(member), number) for member in members)
        connection.executemany("INSERT INTO member VALUES (?, ?)", rows)
    connection.commit()
    return connection


def measure(store: Store, people: int, count: int, whole: int) -> None:
    """Print sizes, intake and look-ups."""
    token = create_token(store, scopes=["ingest:members"], source=None, created_by="benchmark").token
    manifests = list(days(people, count))
    held = people * count
    with TestClient(
        create_app(store, Answers(store)), headers={"Authorization": f"Bearer {token}"}
    ) as client:
        before = size_of(store.settings.home)
        daily = [timed(partial(send, client, "daily", str(n), m))[0] for n, m in enumerate(manifests)]
        projecting, _ = timed(store.projections.catch_up)
        _fold(store)
        after = size_of(store.settings.home)
        members = next(days(whole, 1))
        intake, _ = timed(lambda: send(client, "whole", "1", members))
    with tempfile.TemporaryDirectory() as folder:
        peer = plain(Path(folder) / "plain.db", manifests)
        plain_bytes = size_of(Path(folder))
        asked = list(islice(manifests[-1], 0, None, max(1, people // LOOKED_UP)))[:LOOKED_UP]
        theirs = [timed(partial(_plainly, peer, one))[0] for one in asked]
        peer.close()
    facts = Answers(store)
    found = facts.facts(facts.basis())
    ours = [timed(partial(found.holding, "customer", one))[0] for one in asked]
    print(f"{held:,} memberships: {people:,} people on {count} days, of whom {CHANGE:.0%} change each day")
    print(
        f"bytes per membership, evidence and tables     {(after - before) / held:8.3f}   plain rows alone {plain_bytes / held:8.3f}"
    )
    print(spread("sending one day's manifest", daily))
    print(f"reading them into the tables at the end       {projecting:8.2f} s")
    print(f"sending a manifest of {whole:,} people          {intake:8.2f} s")
    print(spread("plain rows: manifests of one person", theirs))
    print(spread("store: manifests of one person", ours, theirs))


def _plainly(peer: sqlite3.Connection, person: str) -> list[tuple[int]]:
    return peer.execute("SELECT manifest FROM member WHERE pseudonym = ?", [bytes.fromhex(person)]).fetchall()


def _fold(store: Store) -> None:
    """Let SQLite fold its write-ahead files in, so that what is counted is what stays."""
    for path in (store.settings.home / "projections").glob("*.db"):
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--whole", type=int, default=1_000_000)
    given = parser.parse_args()
    with fresh_store() as store:
        measure(store, given.people, given.days, given.whole)


if __name__ == "__main__":
    main()
