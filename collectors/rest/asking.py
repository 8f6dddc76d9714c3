"""Asking one JSON API over HTTP, with every answer kept as it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from collectors.problems import NO_ANSWER, TRANSIENT, Problem
from collectors.rest.answers import ELSEWHERE, fingerprint, problem_of, said
from compliance.canonical import Json
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import MAX_SEGMENT_BYTES, Response

AGAIN = frozenset({NO_ANSWER, 429, 502, 503, 504})
"""Statuses after which a request is tried again."""
GIVE_UP_AFTER = 5
"""So many lost answers in a row end the run: each has cost its retries and time-outs."""
PAUSE_AT_MOST = 60.0


@dataclass(frozen=True)
class Patience:
    """How long a request may take, in seconds, how often it is tried in all, how to wait between."""

    connect: float = 5.0
    read: float = 20.0
    whole: float = 120.0
    """For an answer from its first byte to its last."""
    attempts: int = 3
    pause: Callable[[float], None] = time.sleep


PATIENT = Patience()


@dataclass(frozen=True)
class Api:
    """Which API to ask, and as whom.

    ``secret`` is sent in the header ``sent_in`` behind ``sent_behind``, to the configured origin only.
    """

    service: str
    url: str
    secret: str | None = None
    sent_in: str = "Authorization"
    sent_behind: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = PATIENT


@dataclass(frozen=True)
class Answer:
    """One response as evidence, and what it says: ``said`` is an empty object where there is a problem."""

    response: Response
    action: str
    problem: Problem | None
    said: Json
    following: str = ""
    """The path and query of the next page, where a Link header names one at the same origin."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Received:
    status: int = NO_ANSWER
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    following: str = ""


def origin_of(url: str, service: str) -> httpx.URL:
    """The configured address. Raises InputRefused where it is none that may be asked."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputRefused(
            f"The url of the source of kind {service} is no URL: {error}.", field="url"
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InputRefused(
            f"The url of the source of kind {service} must begin with http:// or https://.", field="url"
        )
    if parsed.userinfo:
        raise InputRefused(
            f"The url of the source of kind {service} holds a password; use token_file.", field="url"
        )
    return parsed


class RestAsker:
    """One API. Redirects and links elsewhere are never followed: the secret goes to the configured origin only."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._origin = origin_of(api.url, api.service)
        self._clock = clock
        self._in_a_row = 0
        self._last = ""
        secret = {api.sent_in: f"{api.sent_behind}{api.secret}"} if api.secret else {}
        self._client = httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "muniment", **api.headers, **secret},
            timeout=httpx.Timeout(api.patience.read, connect=api.patience.connect), follow_redirects=False,
        )  # fmt: skip

    @property
    def service(self) -> str:
        """What is asked, as permissions name it."""
        return self._api.service

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def ask(
        self, operation: str, path: str, parameters: Mapping[str, Json] | None = None, *, scope: str,
        ignoring: frozenset[str] = frozenset(), **about: str,
    ) -> Answer:  # fmt: skip
        """Ask once. ``ignoring`` are members that do not make an answer another one, such as counts of visits.

        ``about``: ``resource``, ``moment`` (of a repetition), ``joined``, ``accept`` (a media type).

        Raises SourceFailed when the source is lost: it sends elsewhere, or five answers in a row did not come.
        """
        if self._in_a_row >= GIVE_UP_AFTER:
            raise SourceFailed(f"{self._last}, as did the answers before it; the rest was not asked for")
        given = dict(parameters or {})
        came = self._received(path, given, about.get("accept", ""))
        problem = problem_of(came.status, came.body)
        action = f"{self._api.service}:{operation}"
        self._count(action, problem)
        request: dict[str, Json] = {
            "service": self._api.service, "operation": operation, "path": path, "parameters": given,
            **{name: about[name] for name in ("resource", "moment") if about.get(name)},
        }  # fmt: skip
        response = Response(
            scope=scope, request=request, status=came.status, body=came.body,
            caller="token" if self._api.secret else "anonymous", received_at=self._clock(),
            joined=about.get("joined", ""), fingerprint=fingerprint(came.body, ignoring),
        )  # fmt: skip
        return Answer(
            response, action, problem, {} if problem else said(came.body), came.following, came.headers
        )

    def _count(self, action: str, problem: Problem | None) -> None:
        self._in_a_row = self._in_a_row + 1 if problem and problem.kind in TRANSIENT else 0
        self._last = problem.phrase(action) if problem else ""
        if problem and problem.kind == "redirected":
            self._in_a_row = GIVE_UP_AFTER

    def _received(self, path: str, parameters: Mapping[str, Json], accept: str) -> _Received:
        patience, came = self._api.patience, _Received()
        for attempt in range(patience.attempts):
            if attempt:
                patience.pause(min(PAUSE_AT_MOST, _asked_to_wait(came) or 0.5 * 2**attempt))
            came = self._once(path, parameters, accept)
            if came.status not in AGAIN:
                break
        return came

    def _once(self, path: str, parameters: Mapping[str, Json], accept: str) -> _Received:
        url = self._origin.join(f"{self._origin.path.rstrip('/')}/{path.lstrip('/')}")
        if not self._is_ours(str(url)):
            return _Received(ELSEWHERE)
        deadline = time.monotonic() + self._api.patience.whole
        try:
            with self._client.stream(
                "GET", url, params=dict(parameters) or None, headers={"Accept": accept} if accept else None
            ) as answer:
                body = bytearray()
                for part in answer.iter_raw():
                    body += part
                    if len(body) > MAX_SEGMENT_BYTES or time.monotonic() > deadline:
                        return _Received()
                return self._kept(answer, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL):
            return _Received()

    def _kept(self, answer: httpx.Response, body: bytes) -> _Received:
        link = answer.links.get("next", {}).get("url", "")
        if link and not self._is_ours(link):
            return _Received(ELSEWHERE)
        following = ""
        if link:
            target = self._origin.join(link)
            base = self._origin.path.rstrip("/")
            path = target.raw_path.decode("ascii")
            following = path[len(base) :] if path.startswith(f"{base}/") else path
        return _Received(answer.status_code, body, dict(answer.headers), following)

    def _is_ours(self, link: str) -> bool:
        try:
            target = self._origin.join(link)
        except httpx.InvalidURL:
            return False
        return (target.scheme, target.host, target.port) == (
            self._origin.scheme, self._origin.host, self._origin.port,
        )  # fmt: skip


def _asked_to_wait(came: _Received) -> float:
    """Seconds for which a throttled answer asks to be left alone (RFC 9110, Retry-After); 0 if it does not."""
    stated = came.headers.get("retry-after", "")
    return float(stated) if stated.isascii() and stated.isdigit() else 0.0
