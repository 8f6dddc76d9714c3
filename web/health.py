"""Whether the process lives, whether it can serve, and what it counted (Prometheus text format)."""

from __future__ import annotations

import threading
from collections import Counter

from fastapi import APIRouter, Request
from sqlmodel import col, select
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compliance.tables import ApiToken
from web.ports import StorePort
from web.problems import described

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNROUTED = "(none)"

router = APIRouter(tags=["health"])


class Metrics:
    """Counters of this process, by route template and status; never a path, which may name a person's data."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()

    def count(self, method: str, route: str, status: int) -> None:
        """Count one answered request."""
        with self._lock:
            self._requests[method, route, status] += 1

    def text(self, log_size: int) -> str:
        """The counters in the Prometheus text format."""
        with self._lock:
            counted = sorted(self._requests.items())
        lines = [
            "# HELP muniment_log_entries Entries of the evidence log.",
            "# TYPE muniment_log_entries gauge",
            f"muniment_log_entries {log_size}",
            "# HELP muniment_requests_total Answered requests.",
            "# TYPE muniment_requests_total counter",
        ]
        lines += [
            f'muniment_requests_total{{method="{method}",route="{_escaped(route)}",status="{status}"}} {times}'
            for (method, route, status), times in counted
        ]
        return "\n".join(lines) + "\n"


def _escaped(text_: str) -> str:
    return text_.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Counted:
    """ASGI middleware that counts each answered request by the route that took it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and count its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", UNROUTED)
                method = scope["method"] if scope["method"] in METHODS else "OTHER"
                self._metrics.count(method, route, message["status"])
            await send(message)

        await self._app(scope, receive, counting)


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=described(503))
def readyz(request: Request) -> Response:
    """Log and database can be read. Else an error of the table, mostly 503."""
    store: StorePort = request.app.state.store
    size = store.log.size
    with store.operations.connect() as connection:
        connection.execute(select(col(ApiToken.id)).limit(1))
    return JSONResponse({"status": "ready", "log_size": size})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Counters in the Prometheus text format."""
    store: StorePort = request.app.state.store
    counters: Metrics = request.app.state.metrics
    return Response(counters.text(store.log.size), media_type=METRICS_TYPE)
