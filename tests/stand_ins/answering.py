"""What stand-ins share: reading a request, checking its token, answering in JSON, going from page to page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fault_proxy import Asked, Reply

TOKEN = "open-sesame-4711"
PAGE = 2
"""Stand-ins give at most so many to a page, whatever is asked for."""
Api = Callable[[Asked], Reply]


def said(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def path_of(asked: Asked) -> str:
    """The path without its query, percent-encoding undone."""
    return unquote(urlsplit(asked.path).path)


def raw_path(asked: Asked) -> str:
    """The path without its query, as it was sent."""
    return urlsplit(asked.path).path


def query_of(asked: Asked) -> dict[str, str]:
    """The parameters of the request."""
    return dict(parse_qsl(urlsplit(asked.path).query))


def allowed(asked: Asked, header: str = "authorization", before: str = "Bearer ") -> bool:
    """Whether the token is the right one."""
    return asked.headers.get(header) == f"{before}{TOKEN}"


def by_link(asked: Asked, members: Sequence[Any], base: str, more: Mapping[str, str] | None = None) -> Reply:
    """One page of a list, the next one named in a Link header (RFC 8288)."""
    query = query_of(asked)
    page = int(query.get("page", "1"))
    part = members[(page - 1) * PAGE : page * PAGE]
    headers = dict(more or {})
    if page * PAGE < len(members):
        following = urlencode({**query, "page": str(page + 1)})
        headers["Link"] = f'<{base}{raw_path(asked)}?{following}>; rel="next"'
    return said(part, headers=headers)
