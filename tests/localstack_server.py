"""LocalStack's S3 as a server on a free loopback port, from an environment of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.mlflow_server import free_port

ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venvs" / "localstack"
PROGRAM = ENVIRONMENT / "bin" / "python"
WHY_ABSENT = "there is no .venvs/localstack; `deploy/setup.sh test` makes it from locks/localstack.txt"
STARTS_WITHIN = 120.0
"""Seconds: two on an idle machine."""


@contextmanager
def localstack_server(folder: Path) -> Iterator[str]:
    """The URL of a running server that keeps everything below ``folder``."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
        "GATEWAY_LISTEN": address, "SERVICES": "s3", "DNS_ADDRESS": "0", "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1", "OVERRIDE_IN_DOCKER": "0", "LS_LOG": "error",
        "LOCALSTACK_VOLUME_DIR": str(folder / "volume"), "FILESYSTEM_ROOT": str(folder / "root"),
    }  # fmt: skip
    with (folder / "server.log").open("wb") as said:
        process = subprocess.Popen(
            [str(PROGRAM), "-m", "localstack.runtime.main"],
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            _wait(process, f"http://{address}", folder / "server.log")
            yield f"http://{address}"
        finally:
            process.kill()  # it keeps nothing, and takes seconds to say goodbye
            process.wait(15)


def _wait(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/_localstack/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"LocalStack did not start:\n{said.read_text()[-2000:]}")
