"""Durable appends per second at 1, 16 and 256 appenders, beside a bare fsync and a git-based evidence locker.

Run from the checkout: ``.venv/bin/python benchmarks/append.py [--seconds N] [--folder DIR]``. Each
appender is a thread that appends one entry of about 1 KiB at a time and waits until it is durable
and published; at the end the log is opened again and its size checked. The locker is that of
auditree-framework, which commits evidence to git; it is installed into ``.venvs/auditree`` from
``benchmarks/auditree.txt`` where uv is at hand, and left out otherwise.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog

APPENDERS = (1, 16, 256)
BODY = b"x" * 500
"""Makes an entry of about 1 KiB: base64 of this, and the fields around it."""
FSYNC_BYTES = 1024


def clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def observation() -> Observation:
    """What each append brings."""
    return Observation(
        "lineage/1", "benchmark", CollectorName("benchmark", "1"), BODY, detail={"note": "n" * 100}
    )


def bare_fsync(folder: Path, seconds: float) -> list[float]:
    """The times, in seconds, of appending 1 KiB to a file and waiting for the disk."""
    times: list[float] = []
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = time.perf_counter()
        os.write(handle, bytes(FSYNC_BYTES))
        os.fsync(handle)
        times.append(time.perf_counter() - started)
    os.close(handle)
    return times


def appends(home: Path, appenders: int, seconds: float) -> list[float]:
    """The times, in seconds, of each append made by so many threads at once."""
    times: list[list[float]] = [[] for _ in range(appenders)]
    with EvidenceLog.create(home, origin="benchmark.example/log", clock=clock) as log:
        deadline = time.monotonic() + seconds

        def run(own: list[float]) -> None:
            while time.monotonic() < deadline:
                started = time.perf_counter()
                log.append([observation()])
                own.append(time.perf_counter() - started)

        threads = [threading.Thread(target=run, args=(own,)) for own in times]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    done = [each for own in times for each in own]
    with EvidenceLog.open(home, clock=clock) as log:
        assert log.size == len(done), "an acknowledged append is missing"
    return done


def locker(folder: Path, seconds: float) -> float | None:
    """Pieces of evidence a second that auditree-framework's locker commits to git; None without it."""
    environment, here = Path(".venvs/auditree"), Path(__file__).parent
    python = environment / "bin" / "python"
    if not python.exists():
        if shutil.which("uv") is None:
            return None
        pins = ["--require-hashes", "-r", str(here / "auditree.txt")]
        subprocess.run(["uv", "venv", "--quiet", environment], check=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, *pins], check=True)
    who = {
        f"GIT_{role}_{part}": "b@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    # Our own packages must not be found there: both have one named compliance.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call = [str(part) for part in (python, here / "_auditree_locker.py", folder / "locker", seconds)]
    done = subprocess.run(call, check=True, capture_output=True, text=True, env=own | who)
    count, taken = done.stdout.split()
    return int(count) / float(taken)


def line(name: str, times: list[float], seconds: float) -> str:
    """One row of the table."""
    percentiles = statistics.quantiles(times, n=100)
    rate = len(times) / seconds
    return f"{name:<16}{rate:>10.0f}/s   median {percentiles[49] * 1e3:7.2f} ms   p99 {percentiles[98] * 1e3:7.2f} ms"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to write; a temporary folder by default"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(line("bare fsync", bare_fsync(Path(folder), options.seconds), options.seconds))
        peer = locker(Path(folder), options.seconds)
        print("auditree locker: not installed" if peer is None else f"{'auditree locker':<16}{peer:>10.0f}/s")
        for appenders in APPENDERS:
            times = appends(Path(folder) / str(appenders), appenders, options.seconds)
            beside = "" if peer is None else f"   x {len(times) / options.seconds / peer:5.0f} the locker"
            print(line(f"{appenders} appenders", times, options.seconds) + beside, flush=True)
        print(line("bare fsync", bare_fsync(Path(folder), options.seconds), options.seconds))


if __name__ == "__main__":
    main()
