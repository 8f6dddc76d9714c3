"""A served store killed in a stream of events over HTTP: nothing acknowledged is lost, and all of it verifies."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from compliance.cli.composition import create_store, open_store
from compliance.log import EvidenceLog
from compliance.settings import Settings
from compliance.standing import projections_equal_a_rebuild
from compliance.verify import verify_store
from web.access import create_token

ROOT = Path(__file__).resolve().parents[1]
MUNIMENT = (sys.executable, "-c", "from compliance.cli import main; main()")
SENDERS = 4
STARTS_WITHIN_SECONDS = 120


def environment(home: Path) -> dict[str, str]:
    """What a process of the store in that folder sees."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "MUNIMENT_HOME": str(home),
    }


def created(home: Path) -> str:
    """Make a store in the folder; returns a token for sending events to it."""
    store = create_store(Settings(home=home))
    try:
        return create_token(store, scopes=["ingest:lineage"], created_by="local:test").token
    finally:
        store.close()


def wrong_with(home: Path) -> list[str]:
    """What ``muniment verify --projections`` would find."""
    found = [str(problem) for problem in verify_store(home).problems]
    store = open_store(Settings(home=home))
    try:
        return found + projections_equal_a_rebuild(store)
    finally:
        store.close()


@contextmanager
def served_until_killed(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The store served by a process of its own, which the block must kill."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [*MUNIMENT, "serve", "--port", str(port)], cwd=home.parent, env=environment(home),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        await_ready(process, url)
        yield url, process
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL


def await_ready(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the store is served again, whatever the last kill left behind."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the store was not served again"
        try:
            if httpx.get(f"{url}/readyz", timeout=30).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    message = f"not ready within {STARTS_WITHIN_SECONDS} seconds"
    raise AssertionError(message)


def send_until_refused(url: str, token: str, told: list[str]) -> None:
    """Post one event after the other until nobody answers; note the run id of each that was acknowledged."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        while True:
            run_id = str(uuid4())
            event = {
                "eventType": "COMPLETE", "eventTime": "2026-11-23T12:00:00Z", "producer": "test",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                "run": {"runId": run_id}, "job": {"namespace": "jobs", "name": "clean"},
                # Every other body is too large to ride in its entry, so that payload files are written too.
                "outputs": [{"namespace": "lake", "name": "x" * (6000 if len(told) % 2 else 6)}],
            }  # fmt: skip
            try:
                answer = client.post("/api/v1/lineage", json=event)
            except httpx.TransportError:
                return
            assert answer.is_success, answer.text
            told.append(run_id)


def kept_in(home: Path) -> dict[str, int]:
    """The run ids of all events in the log, each with how often it is there."""
    found: dict[str, int] = {}
    with EvidenceLog.open(home, clock=lambda: datetime.now(UTC), read_only=True) as log:
        for _, entry in log.entries(0):
            if entry.kind == "lineage/1":
                run_id = json.loads(log.body(entry) or b"")["run"]["runId"]
                found[run_id] = found.get(run_id, 0) + 1
    return found


def kill_in_mid_stream(home: Path, token: str, seconds: float) -> list[str]:
    """Serve, send from several clients, kill; returns what was acknowledged."""
    told: list[list[str]] = [[] for _ in range(SENDERS)]
    with served_until_killed(home) as (url, process):
        senders = [threading.Thread(target=send_until_refused, args=(url, token, own)) for own in told]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not all(told) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        for sender in senders:
            sender.join()
    assert all(told), "a sender was never answered"
    return [run_id for own in told for run_id in own]


def kill_again_and_again(folder: Path, kills: int) -> None:
    home, chance = folder / "var", random.Random(kills)  # noqa: S311 (a repeatable choice)
    token = created(home)
    acknowledged: set[str] = set()
    for _ in range(kills):
        acknowledged.update(kill_in_mid_stream(home, token, chance.uniform(0, 0.5)))
        kept = kept_in(home)
        assert acknowledged <= kept.keys(), f"{len(acknowledged - kept.keys())} acknowledged events are lost"
        assert set(kept.values()) == {1}
        # One event of each sender may have been on its way when the process died: kept, but not acknowledged.
        assert len(kept) - len(acknowledged) <= kills * SENDERS
    assert wrong_with(home) == []


def test_nothing_acknowledged_is_lost_by_a_kill_of_the_server(tmp_path: Path) -> None:
    """Killed in mid-stream and served again, the store has every acknowledged event once, and verifies with its tables."""
    kill_again_and_again(tmp_path, 3)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_by_twenty_kills_of_the_server(tmp_path: Path) -> None:
    """The same, twenty times."""
    kill_again_and_again(tmp_path, 20)
