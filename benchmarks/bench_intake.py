"""OpenLineage events a second through a served store, beside a server that only parses, appends and fsyncs.

Run from the checkout: ``.venv/bin/python benchmarks/bench_intake.py [--seconds N]``. ``muniment serve`` and
the bare server are processes of their own; events go over loopback HTTP with connections kept alive, one at a
time, by eight senders at once, and in batches of 100. A 2xx means that the evidence is on the disk and in the
published log. At the end the log is verified and its number of items compared with what was acknowledged.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import httpx
from _measuring import rate, spread

from compliance.log import EvidenceLog
from compliance.store import PROGRAM
from compliance.verify import verify_store

PROGRAM_LINE = (sys.executable, "-c", "from compliance.cli import main; main()")
SENDERS, BATCH = 8, 100
READY_WITHIN_SECONDS = 60
NUMBERS = itertools.count()


def event(number: int) -> dict[str, object]:
    """An event of about 1 KiB, unlike any other."""

    def dataset(name: str) -> dict[str, object]:
        fields = [{"name": f"column_{n}", "type": "string"} for n in range(8)]
        facets = {"schema": {"fields": fields}, "version": {"datasetVersion": str(number)}}
        return {"namespace": "lake", "name": name, "facets": facets}

    return {
        "eventType": "COMPLETE", "eventTime": "2026-11-23T12:00:00Z", "producer": "https://example.test/benchmark",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid5(NAMESPACE_URL, str(number)))}, "job": {"namespace": "jobs", "name": "clean"},
        "inputs": [dataset("raw")], "outputs": [dataset("clean")],
    }  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: Sequence[str | Path], port: int, folder: Path) -> Iterator[str]:
    """A server as a process of its own, ended with the block."""
    process = subprocess.Popen(command, cwd=folder, env=environment(folder))
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, "the server ended"
            try:
                if httpx.get(f"{url}/readyz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def environment(folder: Path) -> dict[str, str]:
    """What the processes see: the checkout's packages, and a store in the folder."""
    root = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": root, "MUNIMENT_HOME": str(folder / "var")}


def command(folder: Path, *arguments: str) -> str:
    """The output of one command of ours."""
    done = subprocess.run(
        [*PROGRAM_LINE, *arguments], cwd=folder, env=environment(folder), capture_output=True, check=True
    )
    return done.stdout.decode()


# --- sending -------------------------------------------------------------------------------------


def send(url: str, headers: dict[str, str], seconds: float, at_once: int) -> list[float]:
    """The times of the requests that one sender makes; each body holds so many events."""
    times = []
    deadline = time.monotonic() + seconds
    with httpx.Client(headers=headers, timeout=60) as client:
        while time.monotonic() < deadline:
            made = [event(next(NUMBERS)) for _ in range(at_once)]
            body = json.dumps(made[0] if at_once == 1 else made).encode()
            begun = time.perf_counter()
            answer = client.post(url, content=body)
            times.append(time.perf_counter() - begun)
            assert answer.is_success, answer.text
    return times


def by_many(url: str, headers: dict[str, str], seconds: float) -> list[float]:
    """The times of several senders at once, one event a request."""
    times: list[float] = []
    threads = [
        threading.Thread(target=lambda: times.extend(send(url, headers, seconds, 1))) for _ in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def measure(ours: str, bare: str, headers: dict[str, str], seconds: float) -> int:
    """Print, and return how many events the store acknowledged."""
    taken = 0
    for name, at_once, many in (
        ("one at a time", 1, False),
        (f"{SENDERS} senders", 1, True),
        (f"batches of {BATCH}", BATCH, False),
    ):
        beside = by_many(bare, {}, seconds) if many else send(bare, {}, seconds, at_once)
        url = f"{ours}/batch" if at_once > 1 else ours
        times = by_many(url, headers, seconds) if many else send(url, headers, seconds, at_once)
        taken += len(times) * at_once
        theirs = len(beside) * at_once / seconds
        print(rate(f"{name}: store", len(times) * at_once, seconds, "events", theirs))
        print(rate(f"{name}: bare server", len(beside) * at_once, seconds, "events"))
        print(spread("  a request to the store", times, beside))
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        command(folder, "init")
        token = command(folder, "token", "create", "--scope", "ingest:lineage").splitlines()[-1]
        port, other = free_port(), free_port()
        bare = servers.enter_context(started(
            [sys.executable, Path(__file__).with_name("_bare_server.py"), str(other), folder / "bare"], other, folder
        ))  # fmt: skip
        ours = servers.enter_context(started([*PROGRAM_LINE, "serve", "--port", str(port)], port, folder))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        taken = measure(f"{ours}/api/v1/lineage", f"{bare}/append", headers, options.seconds)
        servers.close()
        found = verify_store(folder / "var")
        with EvidenceLog.open(folder / "var", clock=lambda: None, read_only=True) as log:  # type: ignore[arg-type,return-value]
            kept = sum(entry.detail["items"] for _, entry in log.entries(0) if entry.kind == "lineage/1")
        assert found.ok, found.problems
        assert kept == taken, f"{taken} events were acknowledged, {kept} are kept"
        print(f"{taken} events acknowledged and kept; the store of {found.size} entries verifies ({PROGRAM})")


if __name__ == "__main__":
    main()
