"""A log of many entries: appending, opening and proving as it grows, then verifying beside sha256sum.

Run from the checkout: ``.venv/bin/python benchmarks/bench_log.py [--entries N] [--folder DIR] [--mib N]``. The
entries, of 1 KiB each, go through the ordinary append, many to a call. At each tenfold size 16 threads
append one entry at a time for a moment, beside bare fsyncs of the moment before; processes of their own open the log, say how much memory that
took, and prove entries drawn at random. At the end a store of large payloads is verified beside ``sha256sum``
of the same files, and a projection is rebuilt. ``--entries 10000000`` needs 15 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _measuring import fresh_store, percentile, timed
from append import bare_fsync

from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog
from compliance.verify import verify_store

ORIGIN = "benchmark.example/log"
MANY = 4096
PROOFS = 200
APPENDERS = 16
SECONDS = 3.0
PAYLOAD = 1 << 20
REBUILT = 20_000


def clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def observation(number: int) -> Observation:
    """One that makes an entry of 1 KiB."""
    body = b"%d " % number + b"x" * 480
    return Observation(
        "lineage/1", "benchmark", CollectorName("benchmark", "1"), body, detail={"n": "n" * 70}
    )


def grow(log: EvidenceLog, size: int) -> float:
    """Append up to a size, many entries to a call; entries a second."""
    started, first = time.perf_counter(), log.size
    while log.size < size:
        log.append([observation(n) for n in range(log.size, min(size, log.size + MANY))])
    return (log.size - first) / max(1e-9, time.perf_counter() - started)


def one_at_a_time(log: EvidenceLog) -> float:
    """Durable appends a second of 16 threads, each of which waits for each of its entries."""
    counts = [0] * APPENDERS
    deadline = time.monotonic() + SECONDS

    def run(thread: int) -> None:
        while time.monotonic() < deadline:
            log.append([observation(counts[thread])])
            counts[thread] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(APPENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def opened(home: Path) -> dict[str, float]:
    """In this process: open the log, prove entries at random. Times in seconds, memory in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, log = timed(lambda: EvidenceLog.open(home, clock=clock))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    chance = random.Random(1)  # noqa: S311 - a repeatable choice
    proofs = [timed(lambda: log.prove(chance.randrange(log.size)))[0] for _ in range(PROOFS)]
    log.close()
    return {
        "open": seconds, "memory": grown / 1024, "first": proofs[0], "median": percentile(proofs, 0.5),
        "p99": percentile(proofs, 0.99),
    }  # fmt: skip


def in_a_process(home: Path) -> dict[str, float]:
    """``opened`` in a process of its own."""
    call = [sys.executable, __file__, "--opened", str(home)]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def growth(home: Path, entries: int) -> None:
    """One row for each tenfold size."""
    print(
        f"{'entries':>12}{'many a call':>14}{'bare fsync':>12}{'16 threads':>12}{'open':>9}{'memory':>9}{'prove: first':>14}{'median':>9}{'p99':>9}"
    )
    EvidenceLog.create(home, origin=ORIGIN, clock=clock).close()
    sizes = [size for size in (10**power for power in range(4, 12)) if size < entries]
    for size in [*sizes, entries]:
        with EvidenceLog.open(home, clock=clock) as log:
            bulk, fsyncs = grow(log, size), len(bare_fsync(home, 1.0))
            single = one_at_a_time(log)
        found = in_a_process(home)
        print(
            f"{size:>12,}{bulk:>12,.0f}/s{fsyncs:>10,}/s{single:>10,.0f}/s{found['open'] * 1e3:>6.0f} ms{found['memory']:>6.1f} MB"
            f"{found['first'] * 1e3:>11.2f} ms{found['median'] * 1e3:>6.2f} ms{found['p99'] * 1e3:>6.2f} ms",
            flush=True,
        )


def verification(home: Path, mib: int) -> None:
    """Verify a store of payloads of 1 MiB beside ``sha256sum`` of the same files, and one of small entries."""
    chance = random.Random(2)  # noqa: S311 - a repeatable choice
    with EvidenceLog.create(home, origin=ORIGIN, clock=clock) as log:
        for _ in range(mib):
            log.append(
                [Observation("lineage/1", "benchmark", CollectorName("b", "1"), chance.randbytes(PAYLOAD))]
            )
    files = [str(path) for path in (home / "payloads" / "sha256").rglob("*") if path.is_file()]
    peer, _ = timed(lambda: subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL))
    ours, found = timed(lambda: verify_store(home))
    assert found.ok, found.problems
    print(
        f"verify, payloads of 1 MiB       {found.bytes / ours / 1e6:8,.0f} MB/s   sha256sum {found.bytes / peer / 1e6:8,.0f} MB/s"
    )


def small_entries(home: Path, count: int) -> None:
    """Verify a log of entries of 1 KiB."""
    with EvidenceLog.create(home, origin=ORIGIN, clock=clock) as log:
        grow(log, count)
    ours, found = timed(lambda: verify_store(home))
    assert found.ok, found.problems
    print(
        f"verify, entries of 1 KiB        {found.bytes / ours / 1e6:8,.0f} MB/s   {count / ours:,.0f} entries/s"
    )


def rebuilding() -> None:
    """Entries a second that a rebuild of the projections reads."""
    event = {
        "eventType": "COMPLETE", "producer": "https://example.test/b", "job": {"namespace": "j", "name": "n"},
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "inputs": [{"namespace": "lake", "name": "raw"}], "outputs": [{"namespace": "lake", "name": "clean"}],
    }  # fmt: skip

    def body(number: int) -> bytes:
        own = {
            "eventTime": "2026-11-23T12:00:00Z",
            "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
        }
        return json.dumps(event | own).encode()

    with fresh_store() as store:
        for first in range(0, REBUILT, MANY):
            bodies = [body(number) for number in range(first, min(REBUILT, first + MANY))]
            store.log.append(
                [Observation("lineage/1", "api", CollectorName("b", "1"), each) for each in bodies]
            )
        seconds, size = timed(store.projections.rebuild)
    print(f"rebuild of the projections      {size / seconds:8,.0f} entries/s")


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--mib", type=int, default=512, help="payload to verify beside sha256sum")
    parser.add_argument("--folder", type=Path, default=None, help="where to write; temporary by default")
    parser.add_argument("--opened", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.opened is not None:
        print(json.dumps(opened(options.opened)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        growth(Path(folder) / "growth", options.entries)
        verification(Path(folder) / "large", options.mib)
        small_entries(Path(folder) / "small", 50_000)
    rebuilding()


if __name__ == "__main__":
    main(sys.argv[1:])
