"""Asking one MLflow server over HTTP, with every answer kept as it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from collectors.mlflow.problems import content, problem_of
from collectors.problems import NO_ANSWER, Problem
from compliance.canonical import Json
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import MAX_SEGMENT_BYTES, Response

SCOPE = "registry"
API = "/api/2.0/mlflow/"
AGAIN = frozenset({NO_ANSWER, 429, 502, 503, 504})
"""Statuses after which a request is tried again."""
GIVE_UP_AFTER = 5


@dataclass(frozen=True)
class HttpPatience:
    """How long a request may take, in seconds, how often it is tried in all, how to wait between."""

    connect: float = 5.0
    read: float = 20.0
    attempts: int = 3
    pause: Callable[[float], None] = time.sleep


PATIENT = HttpPatience()


@dataclass(frozen=True)
class Answer:
    """One response as evidence, and what it says: ``said`` is empty where there is a problem."""

    response: Response
    action: str
    problem: Problem | None
    said: dict[str, Json]


def origin_of(url: str) -> httpx.URL:
    """The configured address. Raises InputRefused where it is none that may be asked."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputRefused(f"The url of the MLflow server is no URL: {error}.", field="url") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InputRefused("The url of the MLflow server must begin with http:// or https://.", field="url")
    if parsed.userinfo:
        raise InputRefused("The url of the MLflow server holds a password; use token_file.", field="url")
    return parsed


class MlflowAsker:
    """One server. Redirects and next links are never followed: the token goes to the configured origin only."""

    def __init__(
        self, url: str, token: str | None, clock: Callable[[], datetime], patience: HttpPatience = PATIENT
    ) -> None:
        self._origin = origin_of(url)
        self._caller = "bearer token" if token else "anonymous"
        self._clock = clock
        self._patience = patience
        self._in_a_row = 0
        self._last = ""
        headers = {"Accept-Encoding": "identity", "User-Agent": "muniment"}
        self._client = httpx.Client(
            headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}),
            timeout=httpx.Timeout(patience.read, connect=patience.connect), follow_redirects=False,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def ask(self, operation: str, parameters: Mapping[str, Json], **about: str) -> Answer:
        """Ask once. ``about``: ``moment`` (of a repetition), ``joined``. Raises SourceFailed when lost.

        Lost: sent to another place, or five answers in a row that did not come.
        """
        if self._in_a_row >= GIVE_UP_AFTER:
            raise SourceFailed(f"{self._last}, as did the answers before it; the rest was not asked for")
        status, body, elsewhere = self._bytes(operation, parameters)
        problem = Problem("redirected", status) if elsewhere else problem_of(status, body)
        action = f"mlflow:{operation}"
        self._count(action, problem)
        request: dict[str, Json] = {
            "service": "mlflow", "operation": operation, "parameters": dict(parameters),
            **({"moment": about["moment"]} if about.get("moment") else {}),
        }  # fmt: skip
        response = Response(
            scope=SCOPE, request=request, status=status, body=body, caller=self._caller,
            received_at=self._clock(), joined=about.get("joined", ""),
        )  # fmt: skip
        return Answer(response, action, problem, {} if problem else content(body))

    def _count(self, action: str, problem: Problem | None) -> None:
        lost = problem is not None and problem.kind in ("silent", "throttled", "failed")
        self._in_a_row = self._in_a_row + 1 if lost else 0
        self._last = problem.phrase(action) if problem else ""
        if problem and problem.kind == "redirected":
            self._in_a_row = GIVE_UP_AFTER

    def _bytes(self, operation: str, parameters: Mapping[str, Json]) -> tuple[int, bytes, bool]:
        for attempt in range(self._patience.attempts):
            if attempt:
                self._patience.pause(0.5 * 2**attempt)
            status, body, elsewhere = self._once(operation, parameters)
            if status not in AGAIN:
                break
        return status, body, elsewhere

    def _once(self, operation: str, parameters: Mapping[str, Json]) -> tuple[int, bytes, bool]:
        """Status, bytes, and whether the answer's next link leads to another origin."""
        url = self._origin.join(f"{self._origin.path.rstrip('/')}{API}{operation}")
        try:
            with self._client.stream("GET", url, params=dict(parameters)) as answer:
                body = bytearray()
                for part in answer.iter_raw():
                    body += part
                    if len(body) > MAX_SEGMENT_BYTES:
                        return NO_ANSWER, b"", False
                following = answer.links.get("next", {}).get("url", "")
                return answer.status_code, bytes(body), bool(following) and not self._is_ours(following)
        except (httpx.HTTPError, httpx.InvalidURL):
            return NO_ANSWER, b"", False

    def _is_ours(self, link: str) -> bool:
        try:
            target = self._origin.join(link)
        except httpx.InvalidURL:
            return False
        return (target.scheme, target.host, target.port) == (
            self._origin.scheme, self._origin.host, self._origin.port,
        )  # fmt: skip
