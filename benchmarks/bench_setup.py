"""From a fresh clone to ``muniment --help`` and to the first page of ``muniment demo``, on a warm package cache.

Run from the checkout: ``.venv/bin/python benchmarks/bench_setup.py [--no-demo]``. What is committed is cloned
into a temporary folder, set up as ``make setup`` does it, and removed again. Beside it: the same lock put by
uv into an empty environment, which is the least that any set-up of these packages takes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from _measuring import timed

ROOT = Path(__file__).resolve().parents[1]
DEMO_WITHIN_SECONDS = 240
LINK = re.compile(r"http://127\.0\.0\.1:\d+/sign-in\?link=\S+")


def environment() -> dict[str, str]:
    """The caller's, without what ties a process to this checkout."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "MUNIMENT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run(command: Sequence[str | Path], folder: Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}"
    return done.stdout


def lock_alone(folder: Path) -> float | None:
    """The seconds that uv takes to put the lock into an empty environment; None where there is no uv."""
    uv = shutil.which("uv") or next(
        (str(path) for path in [ROOT / ".venvs/uv/bin/uv"] if path.exists()), None
    )
    if uv is None:
        return None
    run([sys.executable, "-m", "venv", "--without-pip", folder / "bare"], folder)
    install: list[str | Path] = [
        uv,
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--python",
        folder / "bare/bin/python",
    ]
    return timed(lambda: run([*install, ROOT / "locks/run.txt"], folder))[0]


def first_page(clone: Path) -> tuple[float, float]:
    """Seconds from the start of the demo until it printed a link, and until the page behind it came."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    said = clone / "demo.txt"
    began = time.monotonic()
    with said.open("wb") as out:
        demo = subprocess.Popen(
            [clone / ".venv/bin/muniment", "demo", "--port", port],
            cwd=clone,
            env=environment(),
            stdout=out,
            stderr=out,
        )
    try:
        link = awaited_link(demo, said, began + DEMO_WITHIN_SECONDS)
        linked = time.monotonic() - began
        return linked, awaited_page(link, began)
    finally:
        demo.terminate()
        demo.wait(timeout=30)


def awaited_link(demo: subprocess.Popen[bytes], said: Path, deadline: float) -> str:
    """The first sign-in link that the demo prints."""
    while time.monotonic() < deadline:
        found = LINK.search(said.read_text())
        if found:
            return found[0]
        assert demo.poll() is None, f"the demo ended: {said.read_text()[-500:]}"
        time.sleep(0.1)
    message = f"no link within {DEMO_WITHIN_SECONDS} seconds: {said.read_text()[-500:]}"
    raise AssertionError(message)


def awaited_page(link: str, began: float) -> float:
    """Seconds until the page behind a link came."""
    with httpx.Client(follow_redirects=True, timeout=120, headers={"Accept": "text/html"}) as browser:
        while True:
            try:
                page = browser.get(link)
            except httpx.ConnectError:
                assert time.monotonic() - began < DEMO_WITHIN_SECONDS, "nobody listens"
                time.sleep(0.1)
                continue
            assert page.is_success, page.text[:300]
            return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-demo", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, clone = Path(name), Path(name) / "clone"
        cloned, _ = timed(lambda: run(["git", "clone", "--quiet", ROOT, clone], folder))
        alone = lock_alone(folder)
        made, _ = timed(lambda: run(["deploy/setup.sh", "run"], clone))
        helped, _ = timed(lambda: run([clone / ".venv/bin/muniment", "--help"], clone))
        ratio = (
            ""
            if alone is None
            else f"   x {made / alone:.2f} of uv putting in the lock alone ({alone:.1f} s)"
        )
        print(f"git clone                    {cloned:6.1f} s")
        print(f"make setup                   {made:6.1f} s{ratio}")
        print(f"muniment --help              {helped:6.1f} s   clone to here {cloned + made + helped:6.1f} s")
        if not options.no_demo:
            linked, shown = first_page(clone)
            print(f"muniment demo, to its links  {linked:6.1f} s")
            print(
                f"muniment demo, to its page   {shown:6.1f} s   clone to here {cloned + made + shown:6.1f} s"
            )


if __name__ == "__main__":
    main()
