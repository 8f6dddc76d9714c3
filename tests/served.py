"""The product as an outsider meets it: a folder, the command, a served store, and HTTP; nothing imported from it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
SECRET = "00112233445566778899aabbccddeeff"
PROGRAM = (sys.executable, "-c", "from compliance.cli import main; main()")
EVERY_SCOPE = "ingest,dpo,auditor,engineer,attest,admin"
STARTS_WITHIN_SECONDS = 120
CORES = 2
PROBLEM = "application/problem+json"

SOURCES = """
[[sources]]
name = "spark"
kind = "push"
accepts = ["lineage", "members", "contracts"]
namespaces = ["lake"]
expect_every = "24h"

[[sources]]
name = "policy"
kind = "push"
accepts = ["decisions"]
"""


class Command:
    """The command ``muniment``, run in a folder of its own and with no environment but its own."""

    def __init__(self, folder: Path, configuration: str = SOURCES, **environment: str) -> None:
        self.folder = folder
        (folder / "muniment.toml").write_text(configuration, encoding="utf-8")
        self.environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "MUNIMENT_KEY_SPACES__CUSTOMER__SECRET": SECRET, **environment,
        }  # fmt: skip

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*PROGRAM, *arguments], cwd=self.folder, env=self.environment, input=given, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, given: str = "") -> str:
        """The output of a command that must succeed."""
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    def refused(self, *arguments: str, code: int = 2) -> str:
        """The sentence of a command that must fail: one or two lines on standard error, no traceback."""
        done = self.run(*arguments)
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr
        assert 0 < len(done.stderr.splitlines()) <= 2, done.stderr
        return done.stderr

    def all_ok(self, *calls: Sequence[str]) -> list[str]:
        """The outputs of independent commands, run beside each other."""
        with ThreadPoolExecutor(CORES) as pool:
            return list(pool.map(lambda call: self.ok(*call), calls))

    def all_refused(self, *calls: Sequence[str]) -> list[str]:
        """The sentences of independent commands that must fail, run beside each other."""
        with ThreadPoolExecutor(CORES) as pool:
            return list(pool.map(lambda call: self.refused(*call), calls))


@dataclass
class Served:
    """A store that is being served, with the tokens made for it so far."""

    command: Command
    url: str
    http: httpx.Client
    tokens: dict[tuple[str, str | None], str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The store's folder."""
        return self.command.folder / "var"

    def token(self, scope: str = EVERY_SCOPE, source: str | None = None) -> str:
        """A token of these scopes, made on the command line while the store is served."""
        if (scope, source) not in self.tokens:
            bound = () if source is None else ("--source", source)
            printed = self.command.ok("token", "create", "--scope", scope, *bound)
            self.tokens[scope, source] = printed.splitlines()[-1]
        return self.tokens[scope, source]

    def ask(
        self, method: str, path: str, *, scope: str = EVERY_SCOPE, source: str | None = None,
        headers: Mapping[str, str] | None = None, **request: Any,
    ) -> httpx.Response:  # fmt: skip
        """One request with the token of a scope."""
        authorised = {"Authorization": f"Bearer {self.token(scope, source)}", **(headers or {})}
        return self.http.request(method, path, headers=authorised, **request)

    def get(self, path: str, **request: Any) -> httpx.Response:
        """GET, which must succeed."""
        answer = self.ask("GET", path, **request)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer

    def sent(self, path: str, body: Any, **request: Any) -> Any:
        """What a POST to ``/api/v1`` answers, which must succeed: a JSON value, or bytes as they are."""
        answer = self.post(path, body, **request)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **request: Any) -> httpx.Response:
        """POST to ``/api/v1``, whatever comes of it."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", f"/api/v1{path}", content=content, **request)

    def size(self) -> int:
        """The number of entries in the log, by the server's own word."""
        return int(self.http.get("/readyz").json()["log_size"])

    def usage(self, key: str, **question: Any) -> Any:
        """The answer to who used a customer's record."""
        return self.sent(
            "/record-usage", {"key_space": "customer", "key": key, "reason": "acceptance", **question}
        )


def problem(answer: httpx.Response, status: int, field_: str | None = None) -> str:
    """The sentence of a refusal, which must be RFC 9457 problem details, of that status, naming the field."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == PROBLEM
    details = answer.json()
    assert details["status"] == status
    assert details["title"]
    if field_ is not None:
        assert str(details["field"]).startswith(field_), details
    return str(details["detail"])


def free_port() -> int:
    """A port on the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    folders: pytest.TempPathFactory, configuration: str = SOURCES, **environment: str
) -> Iterator[Served]:
    """A store of its own, served by a real process that ends with the block."""
    with served(unserved(folders, configuration, **environment)) as store:
        store.tokens[EVERY_SCOPE, None] = _initialised(folders)[1]
        yield store


def unserved(folders: pytest.TempPathFactory, configuration: str = SOURCES, **environment: str) -> Command:
    """A store of its own.

    It is a copy of one that ``muniment init`` and ``muniment token create`` made once for all modules, as
    each of these takes seconds.
    """
    command = Command(folders.mktemp("store"), configuration, **environment)
    shutil.copytree(_initialised(folders)[0], command.folder / "var")
    return command


def _initialised(folders: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = folders.getbasetemp() / "initialised"
    kept = folder / "token.txt"
    if not folder.exists():
        folder.mkdir()
        command = Command(folder)
        command.ok("init")
        kept.write_text(
            command.ok("token", "create", "--scope", EVERY_SCOPE).splitlines()[-1], encoding="utf-8"
        )
    return folder / "var", kept.read_text(encoding="utf-8")


@contextmanager
def served(command: Command) -> Iterator[Served]:
    """An existing store, served. What the server says must name no defect of its own."""
    port, said = free_port(), command.folder / "served.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", str(port)],
            cwd=command.folder,
            env=command.environment,
            stdout=out,
            stderr=out,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=url, timeout=60) as http:
                _await_ready(process, http, said)
                yield Served(command, url, http)
        finally:
            process.terminate()
            code = process.wait(timeout=30)
    assert code in {0, -15}, (code, said.read_text())
    assert "Defect" not in said.read_text(), said.read_text()


def _await_ready(process: subprocess.Popen[bytes], http: httpx.Client, said: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, said.read_text()
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    message = f"not ready within {STARTS_WITHIN_SECONDS} seconds: {said.read_text()}"
    raise AssertionError(message)


def bytes_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder with its bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
