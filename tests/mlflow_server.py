"""A real MLflow server on a free loopback port, from an environment of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venvs" / "mlflow"
PROGRAM = ENVIRONMENT / "bin" / "mlflow"
WHY_ABSENT = "there is no .venvs/mlflow; make it with `uv venv` and `uv pip sync` from locks/mlflow.txt"
STARTS_WITHIN = 300.0
"""Seconds: the server imports its whole library first, which takes a minute on a busy machine."""


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The URL of a running server whose database and artifacts lie in ``folder``."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    command = [
        str(PROGRAM), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            _wait(process, url, folder / "server.log")
            yield url
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise RuntimeError(f"MLflow did not start:\n{said.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The server has child processes: the group that it leads is stopped, which is ours alone."""
    try:
        os.killpg(process.pid, 15)
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait(15)
    except ProcessLookupError:
        process.wait(15)
