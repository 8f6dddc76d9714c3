"""Killed at any moment: no acknowledged entry is lost, and the store opens and verifies."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compliance.canonical import sha256_hex
from compliance.verify import verify_store
from tests.logs import make, observation, reopen

APPENDER = Path(__file__).parent / "crash" / "appender.py"


def append_until_killed(home: Path, name: str, seconds: float) -> list[tuple[int, str]]:
    """Start a process of four appending threads, kill it, and return what it had acknowledged."""
    process = subprocess.Popen([sys.executable, APPENDER, home, name, "4"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    lines = [first, *process.stdout.read().splitlines(keepends=True)]
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    # The last line may have been cut by the kill: what it tells was not read whole, so not acknowledged.
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(index), digest) for index, digest in whole]


def kill_again_and_again(home: Path, kills: int, longest: float) -> None:
    chance = random.Random(kills)  # noqa: S311 - a repeatable choice
    make(home).close()
    acknowledged: dict[int, str] = {}
    for number in range(kills):
        told = append_until_killed(home, f"k{number}", chance.uniform(0, longest))
        assert not {index for index, _ in told} & set(acknowledged), "an index was given twice"
        acknowledged.update(told)
        with reopen(home) as log:
            assert log.size > max(acknowledged)
            for index, digest in told:
                assert sha256_hex(log.leaf(index)) == digest
                log.body(log.entry(index))
        found = verify_store(home)
        assert found.problems == ()
    with reopen(home) as log:
        assert {index: sha256_hex(log.leaf(index)) for index in acknowledged} == acknowledged


def test_no_acknowledged_entry_is_lost_by_a_kill(tmp_path: Path) -> None:
    """Five kills in a stream of appends: every acknowledged entry is there, and the store verifies each time."""
    kill_again_and_again(tmp_path, 5, 0.4)


@pytest.mark.soak
def test_no_acknowledged_entry_is_lost_by_a_hundred_kills(tmp_path: Path) -> None:
    """The same, a hundred times."""
    kill_again_and_again(tmp_path, 100, 1.0)


def test_a_kill_of_one_process_does_not_harm_another(tmp_path: Path) -> None:
    """While one process has the log open, another is killed in mid-append; the first goes on after it."""
    make(tmp_path).close()
    with reopen(tmp_path) as log:
        for number in range(2):
            told = append_until_killed(tmp_path, f"k{number}", 0.1)
            before = max(index for index, _ in told)
            (index,) = log.append([observation()])
            assert index is not None
            assert index > before
            assert all(sha256_hex(log.leaf(at)) == digest for at, digest in told)
    assert verify_store(tmp_path).ok


# --- at each system call -------------------------------------------------------------------------


def strace_works(folder: Path) -> bool:
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-f", "-o", folder / "trace", "true"], check=False, capture_output=True)
    return tried.returncode == 0


def traced(home: Path, trace: Path, *options: str) -> tuple[list[tuple[int, str]], int]:
    """Run one appending thread for three entries under strace; what it acknowledged, and its exit code."""
    command: list[str | Path] = [
        "strace",
        "-f",
        "-o",
        trace,
        *options,
        sys.executable,
        APPENDER,
        home,
        "traced",
        "1",
        "3",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines(keepends=True) if line.endswith("\n")]
    return [(int(index), digest) for index, digest in lines], done.returncode


CALLS = "fsync,fdatasync,rename,pwrite64,unlink,link"
"""The system calls by which an append reaches the disk, beside the writes that Python makes everywhere."""
ALL_CALLS = f"{CALLS},write,openat,ftruncate,mkdir,rmdir,pread64,lseek,flock"
"""Every call of an append that can fail, as far as the kernel lets it."""
OPENED = "append.lock"
"""What the trace names once the program has started and begins to open the log."""


def calls_of(trace: Path, calls: str) -> dict[str, range]:
    """Of each system call in a trace, the numbers of those made after the program had started."""
    before, after, seen = dict.fromkeys(calls.split(","), 0), dict.fromkeys(calls.split(","), 0), False
    for line in trace.read_text().splitlines():
        seen = seen or OPENED in line
        call = line.split(" ", 1)[-1].lstrip().split("(", 1)[0]
        if call in before:
            (after if seen else before)[call] += 1
    return {call: range(before[call] + 1, before[call] + after[call] + 1) for call in before}


def inject_everywhere(home: Path, folder: Path, fault: str, step: int, calls: str = CALLS) -> None:
    """Repeat a run with the fault at each ``step``-th of its system calls, and check the store each time."""
    if not strace_works(folder):
        pytest.skip("strace cannot trace here")
    make(home, 254).close()
    trace = folder / "trace"
    shutil.copytree(home, folder / "counted")
    told, code = traced(folder / "counted", trace, "-e", f"trace={calls},openat")
    assert (len(told), code) == (3, 0)
    numbers = calls_of(trace, calls)
    assert len(numbers["fsync"]) > 3
    assert len(numbers["rename"]) > 5
    for call, which in numbers.items():
        for number in which[::step]:
            copy = folder / f"{call}{number}"
            shutil.copytree(home, copy)
            told, code = traced(
                copy, trace, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}"
            )
            assert code in (0, 1, -9, 120, 137), (call, number, code)
            with reopen(copy) as log:
                assert all(sha256_hex(log.leaf(index)) == digest for index, digest in told), (call, number)
                assert log.size >= 254 + len(told)
            found = verify_store(copy)
            assert found.problems == (), (call, number)
            shutil.rmtree(copy)


def test_a_kill_at_a_system_call_loses_nothing(tmp_path: Path) -> None:
    """Killed at a sample of the calls of an append, the store opens with all that was acknowledged, and verifies."""
    inject_everywhere(tmp_path / "home", tmp_path, "signal=SIGKILL", 13)


@pytest.mark.parametrize("fault", ["error=EIO", "error=ENOSPC"])
def test_a_failing_disk_loses_nothing(tmp_path: Path, fault: str) -> None:
    """Told at a sample of its calls that the disk fails or is full, an append is refused or done, and nothing lost."""
    inject_everywhere(tmp_path / "home", tmp_path, fault, 41, "fsync,fdatasync,rename,pwrite64")


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO", "error=ENOSPC"])
def test_a_fault_at_any_system_call_loses_nothing(tmp_path: Path, fault: str) -> None:
    """Killed, or told of a disk that fails or is full, at every call of an append, the store stays whole."""
    inject_everywhere(tmp_path / "home", tmp_path, fault, 1, ALL_CALLS)
