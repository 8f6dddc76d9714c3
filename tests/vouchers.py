"""Others who vouch, to test with: a witness and a time-stamp authority, both real, both on loopback."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from compliance.witness import WitnessStore
from compliance.witness_http import WitnessServer
from tests.logs import Clock

WITNESS = "witness.example/w1"
_CONFIG = """
[ tsa ]
default_tsa = authority
[ authority ]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
_EXTENSIONS = """
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
"""


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """The URL of a server while it serves in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_witness(
    folder: Path, vkey: str, *, name: str = WITNESS, clock: Callable[[], datetime] | None = None
) -> Iterator[tuple[str, WitnessStore, list[str]]]:
    """A new witness that trusts one log: its URL, itself, and what it told."""
    witness = WitnessStore.create(folder, name=name, clock=clock or Clock())
    witness.trust(vkey)
    told: list[str] = []
    with running(WitnessServer(("127.0.0.1", 0), witness, told.append)) as url:
        yield url, witness, told


def openssl(*arguments: str, cwd: Path) -> None:
    """Run openssl, which must succeed."""
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


def make_authority(folder: Path, name: str = "Test time-stamp authority") -> Path:
    """A root and one time-stamping certificate under it; returns the root's file."""
    folder.mkdir(parents=True)
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "extensions").write_text(_EXTENSIONS)
    (folder / "serial").write_text("01\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-days", "3650",
            "-subj", f"/CN=Root of {name}", "-addext", "keyUsage=critical,keyCertSign", cwd=folder)  # fmt: skip
    openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", f"/CN={name}", cwd=folder)
    openssl("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            "-days", "3650", "-extfile", "extensions", "-out", "tsa.pem", cwd=folder)  # fmt: skip
    return folder / "root.pem"


@contextmanager
def serving_authority(folder: Path) -> Iterator[tuple[str, Path]]:
    """A time-stamp authority over HTTP (``openssl ts``): its URL and its root certificate's file."""
    root = make_authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(query)
            openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "tsa.pem",
                    "-inkey", "tsa.key", "-out", "reply", cwd=folder)  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url, root
