"""A loopback proxy that passes requests on, except where a test says what comes back instead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}
HANGS_AT_MOST = 30.0


@dataclass(frozen=True)
class Asked:
    """A request that came through. ``operation`` is an AWS operation, or the path of a REST request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """What was asked: by AWS's JSON protocol, by its Query protocol, or by path."""
        target = self.headers.get("x-amz-target", "")
        if target:
            return target.split(".")[-1]
        action = parse_qs(self.body.decode("latin-1")).get("Action")
        return action[0] if action else self.path.split("?", 1)[0]


@dataclass(frozen=True)
class Reply:
    """What comes back. A status of 0 is no answer at all: the connection just stays open."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Forward = Callable[[Asked], Reply]
Respond = Callable[[Asked, Forward], Reply]


@dataclass
class _Rule:
    operation: str
    respond: Respond
    times: int | None


class FaultProxy:
    """Requests pass through to ``upstream``; rules are tried in the order they were made."""

    def __init__(self, upstream: str) -> None:
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self.url = ""
        self._upstream = httpx.Client(base_url=upstream, timeout=60)
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def when(self, operation: str, respond: Respond | Reply, *, times: int | None = None) -> None:
        """Let requests for an operation (or path, by its end) be answered so; ``times``: the next so many."""
        made = respond if callable(respond) else _always(respond)
        self._rules.append(_Rule(operation, made, times))

    def operations(self) -> list[str]:
        """What was asked so far, in order."""
        return [asked.operation for asked in self.asked]

    def answer(self, asked: Asked) -> Reply:
        """What comes back for a request."""
        with self._lock:
            self.asked.append(asked)
            rule = next(
                (r for r in self._rules if asked.operation.endswith(r.operation) and r.times != 0), None
            )
            if rule is not None and rule.times is not None:
                rule.times -= 1
        return self.forward(asked) if rule is None else rule.respond(asked, self.forward)

    def forward(self, asked: Asked) -> Reply:
        """What the upstream answers."""
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
        came = self._upstream.request(asked.method, asked.path, headers=headers, content=asked.body)
        kept = {name: value for name, value in came.headers.items() if name.lower() not in HOP_BY_HOP}
        return Reply(came.status_code, came.content, kept)

    def close(self) -> None:
        """Let hanging requests go, and the upstream."""
        self.stopping.set()
        self._upstream.close()


def _always(reply: Reply) -> Respond:
    def respond(_asked: Asked, _forward: Forward) -> Reply:
        return reply

    return respond


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A running proxy before ``upstream``."""
    with served(FaultProxy(upstream)) as proxy:
        yield proxy


class StandIn(FaultProxy):
    """A service that cannot run here: what it answers is a function, before which the same rules stand."""

    def __init__(self, api: Callable[[Asked], Reply]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._api = api

    def forward(self, asked: Asked) -> Reply:
        """What the service answers."""
        return self._api(asked)


Served = TypeVar("Served", bound=FaultProxy)


@contextmanager
def served(proxy: Served) -> Iterator[Served]:
    """The proxy, listening on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
        proxy.close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(proxy.answer(Asked(self.command, self.path, headers, body)))

        do_GET = do_POST  # noqa: N815 (the names are http.server's)

        def _send(self, reply: Reply) -> None:
            if reply.status == 0:
                proxy.stopping.wait(HANGS_AT_MOST)
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing: what was asked is in ``FaultProxy.asked``."""

    return Handler
