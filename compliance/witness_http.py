"""The witness over HTTP, and how it looks at a log by itself.

``WitnessServer`` answers ``POST …/add-checkpoint`` (c2sp.org/tlog-witness) and ``GET …/vkey``.
``polled`` goes the other way: it reads a log's published checkpoint and tiles, from its address or
a folder, works out the consistency proof from the tiles, and has the witness decide.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from compliance.errors import InputRefused, MunimentError, SourceFailed
from compliance.merkle import consistency_proof, root_of
from compliance.note import Checkpoint, split_note
from compliance.tiles import HEIGHT, WIDTH, Tile, hashes_of, width_at
from compliance.witness import MAX_REQUEST_BYTES, SIZE_TYPE, Refused, Submission, WitnessStore

Fetch = Callable[[str], bytes]
"""A file of a published log by its C2SP path."""
PLAIN = "text/plain; charset=utf-8"
TIMEOUT_SECONDS = 30.0
MAX_FILE_BYTES = 64 * 1024
"""A checkpoint has a few hundred bytes, a tile 8 KiB; entry bundles are not read."""


class WitnessServer(ThreadingHTTPServer):
    """A witness that answers at an address. ``told`` hears a sentence about each request."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: WitnessStore, told: Callable[[str], None]) -> None:
        self.witness = witness
        self.told = told
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    timeout = TIMEOUT_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = "muniment-witness"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.rstrip("/").endswith("/vkey"):
            self._answer(HTTPStatus.OK, f"{self.server.witness.vkey}\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "There are POST /add-checkpoint and GET /vkey.\n")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self.path.rstrip("/").endswith("/add-checkpoint"):
            self._answer(HTTPStatus.NOT_FOUND, "There are POST /add-checkpoint and GET /vkey.\n")
        elif not (length.isascii() and length.isdigit() and int(length) <= MAX_REQUEST_BYTES):
            self.close_connection = True
            self._answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"Send at most {MAX_REQUEST_BYTES} bytes, with their length.\n",
            )
        else:
            self._add(self.rfile.read(int(length)))

    def _add(self, body: bytes) -> None:
        try:
            line = self.server.witness.add_checkpoint(body)
        except Refused as error:
            self.server.told(f"refused ({error.code}): {error.message}")
            if error.size is None:
                self._answer(error.code, f"{error.message}\n")
            else:
                self._answer(error.code, f"{error.size}\n", SIZE_TYPE)
        except MunimentError as error:
            self.server.told(f"refused ({error.status}): {error.message}")
            self._answer(error.status, f"{error.message}\n")
        else:
            origin, size, *_ = body.decode().partition("\n\n")[2].split("\n")
            self.server.told(f"cosigned {origin} at {size} entries")
            self._answer(HTTPStatus.OK, line)

    def _answer(self, status: int, body: str, media_type: str = PLAIN) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the names are the library's)
        """Requests are told in sentences of our own."""


# --- polling -------------------------------------------------------------------------------------


def polled(witness: WitnessStore, fetch: Fetch) -> Checkpoint:
    """Look at a log once and cosign what it publishes, if it continues what was cosigned before.

    Raises Refused in a sentence where it went back or forked, SourceFailed where it cannot be read.
    """
    note = _text(fetch("checkpoint"))
    checkpoint = Checkpoint.parse(split_note(note)[0])
    seen = witness.last(checkpoint.origin)
    # What went back cannot be proven; that is for the witness to say.
    old = min(seen.size if seen else 0, checkpoint.size)
    path = consistency_proof(old, checkpoint.size, node_reader(fetch, checkpoint.size))
    witness.add_checkpoint(Submission(old, path, note).text().encode())
    return checkpoint


def node_reader(fetch: Fetch, size: int) -> Callable[[int, int], bytes]:
    """Hashes of complete subtrees, from the tiles of a log of that size; nothing of it is verified."""
    held: dict[Tile, list[bytes]] = {}

    def tile(wanted: Tile) -> list[bytes]:
        if wanted not in held:
            held[wanted] = hashes_of(fetch(wanted.path))
        return held[wanted]

    def node(level: int, index: int) -> bytes:
        row, height = divmod(level, HEIGHT)
        start = index << height
        wanted = Tile(row, start // WIDTH)
        hashes = tile(wanted._replace(width=width_at(wanted, size)))[start % WIDTH :][: 1 << height]
        if len(hashes) != 1 << height:
            raise SourceFailed(
                f"The log's {wanted.path} is shorter than its checkpoint needs; ask its operator."
            )
        return root_of(hashes)

    return node


def fetcher(place: str, token: str | None = None) -> Fetch:
    """Reads the files of a log at an address (``https://host/log``) or in a folder."""
    return _over_http(place.rstrip("/"), token) if "://" in place else _from_folder(Path(place))


def _over_http(url: str, token: str | None) -> Fetch:
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def fetch(path: str) -> bytes:
        try:
            with httpx.stream("GET", f"{url}/{path}", headers=headers, timeout=TIMEOUT_SECONDS) as answer:
                if answer.status_code != HTTPStatus.OK:
                    message = f"{url}/{path} answers {answer.status_code}; expected 200. Reading it needs the scope auditor."
                    raise SourceFailed(message)
                return _limited(answer, path)
        except httpx.HTTPError as error:
            raise SourceFailed(f"{url}/{path} cannot be read: {type(error).__name__} {error}.") from error

    return fetch


def _limited(answer: httpx.Response, path: str) -> bytes:
    body = b""
    for part in answer.iter_bytes():
        body += part
        if len(body) > MAX_FILE_BYTES:
            raise SourceFailed(
                f"{path} of the log is larger than {MAX_FILE_BYTES} bytes; this is no log of ours."
            )
    return body


def _from_folder(folder: Path) -> Fetch:
    def fetch(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            raise SourceFailed(f"{folder / path} cannot be read: {error.strerror}.") from error

    return fetch


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputRefused("The checkpoint of the log is no text.", field="checkpoint") from error
