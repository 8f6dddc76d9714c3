"""Asking one AWS service, with every answer kept as it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from collectors.aws.content import OK_BELOW, Said, content, fingerprint, problem_of
from collectors.aws.session import Account
from collectors.problems import NO_ANSWER, TRANSIENT, Problem
from compliance.canonical import Json
from compliance.errors import SourceFailed
from compliance.evidence import Response

GIVE_UP_AFTER = 5
"""So many transient problems in a row end a scope: each has cost its retries and time-outs."""
BREAKS_ON_HOSTILE_ERRORS = (ResponseParserError, LookupError, TypeError, ValueError, AttributeError)
"""How botocore's parsers fail on what is not an error as they expect it; the bytes were kept before."""
PAGES_AT_MOST = 10_000


@dataclass(frozen=True)
class Answer:
    """One response as evidence, and what it says: ``said`` is empty where there is a problem."""

    response: Response
    action: str
    problem: Problem | None
    said: dict[str, Json]


@dataclass(frozen=True)
class Paging:
    """How an operation names its limit, its flag of more, and the marker to go on from."""

    limit: str
    more: str
    marker: str


IAM_PAGING = Paging("MaxItems", "IsTruncated", "Marker")
KMS_PAGING = Paging("Limit", "Truncated", "NextMarker")


class _SuccessReceived(Exception):
    """Ends a call before botocore parses a success: what it says is read by our own pure function."""


class Asker:
    """One service in one region. Every answer, refusals included, becomes a Response.

    The bytes are taken from botocore before it parses them (refusals it still parses, to know whether
    to try again); what the answer says is read by the same pure function that readers use. A time-out or broken connection is a response of
    status 0 without bytes. After five transient problems in a row the next call raises SourceFailed.
    """

    def __init__(
        self, client: Any, account: Account, *, service: str, region: str, scope: str, read: Said = content
    ) -> None:  # fmt: skip
        self._client = client
        self._account = account
        self.service = service
        self._region = region
        self._scope = scope
        self._read = read
        self._received: tuple[int, bytes] = (NO_ANSWER, b"")
        self._in_a_row = 0
        self._last = ""
        client.meta.events.register("before-parse", self._keep)

    def _keep(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        body = response_dict["body"]
        self._received = (int(response_dict["status_code"]), body if isinstance(body, bytes) else b"")
        if self._received[0] < OK_BELOW:
            raise _SuccessReceived

    def ask(self, operation: str, parameters: Mapping[str, Json] | None = None, **about: str) -> Answer:
        """Ask once. ``about``: ``resource`` (its ARN), ``moment`` (of a repetition), ``joined``."""
        if self._in_a_row >= GIVE_UP_AFTER:
            message = (
                f"{self._last}, like the {self._in_a_row - 1} answers before it; the rest was not asked for"
            )
            raise SourceFailed(message)
        given = dict(parameters or {})
        status, body = self._bytes(operation, given)
        problem = problem_of(status, body, self._read)
        action = f"{self.service}:{operation}"
        self._count(action, problem)
        request: dict[str, Json] = {
            "service": self.service, "operation": operation, "parameters": given, "region": self._region,
            **{name: about[name] for name in ("resource", "moment") if about.get(name)},
        }  # fmt: skip
        response = Response(
            scope=self._scope, request=request, status=status, body=body, caller=self._account.caller,
            received_at=self._account.clock(), fingerprint=fingerprint(body), joined=about.get("joined", ""),
            media_type="text/xml" if body.lstrip().startswith(b"<") else "application/json",
        )  # fmt: skip
        return Answer(response, action, problem, {} if problem else self._read(body))

    def _bytes(self, operation: str, parameters: Mapping[str, Json]) -> tuple[int, bytes]:
        self._received = (NO_ANSWER, b"")
        try:
            getattr(self._client, xform_name(operation))(**parameters)
        except BotoCoreError:
            return NO_ANSWER, b""
        except (_SuccessReceived, ClientError, *BREAKS_ON_HOSTILE_ERRORS):
            pass
        return self._received

    def _count(self, action: str, problem: Problem | None) -> None:
        self._in_a_row = self._in_a_row + 1 if problem and problem.kind in TRANSIENT else 0
        self._last = problem.phrase(action) if problem else ""


@dataclass
class Walk:
    """The pages of one listing as they came; whole only if the last one said that it was the last."""

    asker: Asker
    operation: str
    paging: Paging
    limit: int
    about: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    problem: Problem | None = None

    def __iter__(self) -> Iterator[Answer]:
        """Ask page after page. A marker given twice, or a page with a problem, ends the walk unwhole."""
        marker, seen = "", set[str]()
        while len(seen) < PAGES_AT_MOST:
            parameters: dict[str, Json] = {self.paging.limit: self.limit}
            if marker:
                parameters["Marker"] = marker
            answer = self.asker.ask(self.operation, parameters, **self.about)
            more = answer.said.get(self.paging.more)
            self.problem = answer.problem
            if answer.problem is None and more is None:
                self.problem = Problem("unreadable", answer.response.status)
            yield answer
            if self.problem:
                return
            if more in (False, "false"):
                self.whole = True
                return
            marker = str(answer.said.get(self.paging.marker) or "")
            if not marker or marker in seen:
                return
            seen.add(marker)
