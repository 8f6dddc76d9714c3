"""Every refusal as RFC 9457 problem details, from one table.

``field`` names what is at fault: a JSON pointer (``/3/run/runId``), ``line 4: /at``, or a parameter.
A browser that asks for a page gets one instead; a human page may be put in with ``problem_page``.
"""

from __future__ import annotations

import html
import logging
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compliance.errors import (
    ContentGone,
    Forbidden,
    InputRefused,
    MunimentError,
    NotFound,
    SourceFailed,
    StoreExists,
    StoreMissing,
    StoreTampered,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
)

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("muniment.web")


class UnsupportedEncoding(InputRefused):
    """A content coding other than gzip and identity."""

    status = 415
    title = "The content coding is not supported"


TABLE: dict[type[MunimentError], str] = {
    TooLarge: "too-large",
    UnsupportedEncoding: "unsupported-encoding",
    InputRefused: "input-refused",
    Unauthenticated: "unauthenticated",
    Forbidden: "forbidden",
    NotFound: "not-found",
    ContentGone: "content-gone",
    StoreMissing: "store-missing",
    StoreExists: "store-exists",
    StoreUnavailable: "store-unavailable",
    StoreTampered: "store-tampered",
    SourceFailed: "source-failed",
    MunimentError: "refused",
}
"""The kind of each refusal; a subclass that is not listed has the kind of its nearest base."""

Problem: TypeAlias = dict[str, Any]
ProblemPage: TypeAlias = Callable[[Request, Problem], Response]

HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="muniment"'},
    503: {"Retry-After": "1"},
}


LONGEST = 1000
"""Letters of a detail or field: what was sent may stand in them, and is not sent back whole."""


def problem_of(error: MunimentError) -> Problem:
    """The problem details of a refusal."""
    kind = next(TABLE[base] for base in type(error).__mro__ if base in TABLE)
    problem: Problem = {
        "type": f"urn:muniment:problem:{kind}", "title": error.title, "status": error.status,
        "detail": _cut(error.message),
    }  # fmt: skip
    if error.field is not None:
        problem["field"] = _cut(error.field)
    if not error.permanent:
        problem["permanent"] = False
    return problem


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def plain_problem(status: int, title: str, detail: str) -> Problem:
    """The problem details of a refusal that is HTTP's own: no such path, no such method."""
    return {"type": "about:blank", "title": title, "status": status, "detail": _cut(detail)}


DESCRIBED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        (401, "No token, or one that is unknown, revoked or lapsed"),
        (403, "The caller may not do this"),
        (404, "Nothing is known under that name"),
        (413, "The body or its nesting is too large"),
        (415, "A content coding other than gzip"),
        (422, "The input cannot be interpreted; `field` names what is at fault"),
        (503, "The store is busy; the same call may succeed later"),
    )
}
"""How the OpenAPI document describes refusals, by status."""

SCHEMA: dict[str, Any] = {
    "title": "Problem", "type": "object", "description": "RFC 9457 problem details",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "JSON pointer, line or parameter that is at fault"},
        "permanent": {"type": "boolean", "description": "false: the same call may succeed later"},
    },
}  # fmt: skip


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route may answer with, for its ``responses``."""
    return {status: DESCRIBED[status] for status in statuses}


def respond(request: Request, problem: Problem) -> Response:
    """The response of a problem: JSON, or a page for a browser that asks for one."""
    headers = HEADERS.get(problem["status"], {})
    if _wants_page(request):
        page: ProblemPage = getattr(request.app.state, "problem_page", plain_page)
        response = page(request, problem)
        response.headers.update(headers)
        return response
    return JSONResponse(problem, problem["status"], headers=headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/log/")):
        return False
    return "text/html" in request.headers.get("accept", "")


def plain_page(_request: Request, problem: Problem) -> Response:
    """The plainest page that states a problem."""
    title, detail = html.escape(problem["title"]), html.escape(problem["detail"])
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{detail}</p></body></html>"
    )
    return HTMLResponse(page, problem["status"])


def install(app: FastAPI) -> None:
    """Let every error of the application meet the table."""
    app.add_exception_handler(MunimentError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database)
    app.add_middleware(Guarded)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, MunimentError)  # noqa: S101 (what the handler is installed for)
    if isinstance(error, StoreTampered):
        _log.error("The store does not verify: %s", error.message)
    return respond(request, problem_of(error))


def _not_valid(request: Request, error: Exception) -> Response:
    """What FastAPI itself refuses: a parameter. Its value is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what the handler is installed for)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return respond(request, problem_of(InputRefused(f"{place}: {first['msg']}.", field=place)))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what the handler is installed for)
    response = respond(request, plain_problem(error.status_code, str(error.detail), _said(error, request)))
    response.headers.update(error.headers or {})
    return response


def _said(error: HTTPException, request: Request) -> str:
    match error.status_code:
        case 404:
            return f"There is nothing at {request.url.path}."
        case 405:
            return f"{request.method} is not possible at {request.url.path}."
        case _:
            return str(error.detail)


def _database(request: Request, _error: Exception) -> Response:
    problem = problem_of(StoreUnavailable("The database is busy or out of reach; try again."))
    return respond(request, problem)


class Guarded:
    """ASGI middleware, the one place where a defect of ours ends; nothing of it reaches the caller."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or state that it met a defect."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            await _defect(scope, error)(scope, receive, send)


def _defect(scope: Scope, error: Exception) -> Response:
    """Where it happened is logged, not its message, which may hold what was sent."""
    places = "".join(traceback.format_tb(error.__traceback__))
    route = getattr(scope.get("route"), "path", "no route")
    _log.error("Defect at %s: %s\n%s", route, type(error).__name__, places)
    detail = "This is a defect of the program, not of your call; it was logged."
    return respond(Request(scope), plain_problem(500, "Internal error", detail))
