"""The witness as a program: made, told whom to trust, polled and served by commands alone."""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from compliance.witnessing import submit
from tests.logs import ORIGIN, make, observation
from tests.test_cli import CommandLine
from tests.vouchers import WITNESS, running


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    made = CommandLine(tmp_path)
    assert made.ok("witness", "init", WITNESS, "--state", "w").splitlines()[-1].startswith(f"{WITNESS}+")
    return made


def test_a_log_in_a_folder_is_polled(line: CommandLine, tmp_path: Path) -> None:
    """Exit 0 while it grows; 1 and a sentence once it went back; 2 where it cannot be read or is not trusted."""
    with make(tmp_path / "home", 3) as log:
        place = str(tmp_path / "home" / "log")
        assert "does not know the log" in line.run("witness", "poll", place, "--state", "w").stderr
        line.ok("witness", "trust", log.vkey, "--state", "w")
        assert line.ok("witness", "poll", place, "--state", "w") == f"Cosigned {ORIGIN} at 3 entries.\n"
        earlier = log.checkpoint()
        log.append([observation(b"more")])
        line.ok("witness", "poll", place, "--state", "w")
    (tmp_path / "home" / "log" / "checkpoint").write_text(earlier)
    refused = line.run("witness", "poll", place, "--state", "w")
    assert (refused.returncode, "went back" in refused.stderr) == (1, True)
    assert line.run("witness", "poll", "/nowhere", "--state", "w").returncode == 2
    (state,) = json.loads(line.ok("witness", "list", "--state", "w", "--json"))
    assert (state["origin"], state["size"]) == (ORIGIN, 4)


def test_a_log_is_polled_over_http_with_a_token(line: CommandLine, tmp_path: Path) -> None:
    """The token goes along; a log that refuses, or answers with anything else, is an error that says what came."""
    seen: list[str | None] = []

    class Published(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with make(tmp_path / "home", 300) as log:
        line.ok("witness", "trust", log.vkey, "--state", "w")
        (tmp_path / "token").write_text("secret\n")
        handler = functools.partial(Published, directory=str(tmp_path / "home" / "log"))
        with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
            asked = ("witness", "poll", url, "--state", "w", "--token-file", "token")
            line.ok(*asked)
            log.append([observation(b"more")])
            line.ok(*asked)
            assert set(seen) == {"Bearer secret"}
            missing = line.run("witness", "poll", f"{url}/nothing", "--state", "w")
            assert (missing.returncode, "answers 404" in missing.stderr) == (2, True)
    unreachable = line.run("witness", "poll", url, "--state", "w")
    assert (unreachable.returncode, "cannot be read" in unreachable.stderr) == (2, True)


@pytest.fixture
def served(line: CommandLine) -> Iterator[tuple[str, str]]:
    """A witness in a process of its own: its key and its address."""
    call = [
        sys.executable,
        "-c",
        "from compliance.cli import main; main()",
        "witness",
        "serve",
        "--state",
        "w",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        call, cwd=line.folder, env=dict(line.environment), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = re.fullmatch(r"(\S+) listens on (\S+)\n", process.stderr.readline())
        assert said is not None
        yield said[1], said[2]
        process.terminate()


@pytest.mark.soak
def test_a_served_witness_cosigns(line: CommandLine, served: tuple[str, str], tmp_path: Path) -> None:
    """A process that serves cosigns what a store submits, and trusts a log that is added while it runs."""
    vkey, url = served
    with make(tmp_path / "home", 2) as log:
        line.ok("witness", "trust", log.vkey, "--state", "w")
        assert submit(log, tmp_path / "home" / "log", url=url, vkey=vkey).witness == WITNESS


def test_what_is_wrong_with_a_call_is_said(line: CommandLine) -> None:
    """A witness that is there, none that is there, an unfit name or key: each its own sentence, exit 2."""
    for call, said in (
        (("init", WITNESS, "--state", "w"), "There is a witness in w already"),
        (("init", "https://x", "--state", "v"), "schema-less URL"),
        (("list", "--state", "none"), "muniment witness init"),
        (("trust", "nothing", "--state", "w"), "verifier key"),
        (("poll", "x", "--state", "w", "--token-file", "none"), "cannot be read"),
        (("poll", "x", "--state", "w", "--every", "soon"), "no interval"),
    ):
        done = line.run("witness", *call)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
