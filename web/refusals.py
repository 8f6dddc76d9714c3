"""Refusals as evidence, without letting whoever is refused fill the log.

Who is refused, and why, is counted for each minute; when the minute is over there is one entry
(``refusals/1``) for each account or network and cause, with the count. However many are refused, a
minute adds at most ``AT_MOST`` entries: beyond that they are counted together.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compliance.canonical import canonical, format_time
from compliance.errors import MunimentError
from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog

REFUSALS = "refusals/1"
COUNTER = CollectorName("muniment-refusals", "1")
COUNTED = frozenset({401, 403, 413, 415, 422, 429})
AT_MOST = 64
OTHERS = "others"
_log = logging.getLogger("muniment.web")


@dataclass(frozen=True)
class Refusal:
    """Who was refused what: an account, or a network where nobody is known; a status and a route's template."""

    who: str
    cause: str


class Refusals:
    """Counts refusals by the minute. Safe from many threads."""

    def __init__(self, log: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._source = log
        self._clock = clock
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._counts: Counter[Refusal] = Counter()

    def note(self, refusal: Refusal) -> None:
        """Count one; the entries of a minute that is over are appended first."""
        self.flush()
        with self._lock:
            self._minute = self._minute or _minute(self._clock())
            if refusal not in self._counts and len(self._counts) >= AT_MOST - 1:
                refusal = Refusal(OTHERS, "more than can be listed")
            self._counts[refusal] += 1

    def flush(self, *, closing: bool = False) -> int:
        """Append what was counted in a minute that is over, or at the end in any; how many entries."""
        with self._lock:
            if self._minute is None or (not closing and _minute(self._clock()) <= self._minute):
                return 0
            minute, counts = self._minute, self._counts
            self._minute, self._counts = None, Counter()
        try:
            self._source.append(
                [_observation(minute, *each) for each in sorted(counts.items(), key=_by_name)]
            )
        except MunimentError as error:
            # The refusals themselves stand; that they cannot be recorded now is told where operators look.
            _log.error("refusals of %s cannot be recorded: %s", format_time(minute), error.message)
            return 0
        return len(counts)


class Recorded:
    """ASGI middleware that counts refusals."""

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, and count it where it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, seen)
        if status in COUNTED:
            await anyio.to_thread.run_sync(self._refusals.note, _refusal(scope, status))


def _refusal(scope: Scope, status: int) -> Refusal:
    account = scope.get("state", {}).get("account")
    route = getattr(scope.get("route"), "path", "no route")
    return Refusal(account or _network(scope), f"{status} {scope['method']} {route}")


def _network(scope: Scope) -> str:
    """The network that a request came from: of IPv4 the first 24 bits, of IPv6 the first 64."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return "network:unknown"
    bits = 24 if address.version == 4 else 64  # noqa: PLR2004 (the version of the protocol)
    return f"network:{ipaddress.ip_network(f'{address}/{bits}', strict=False)}"


def _observation(minute: datetime, refusal: Refusal, count: int) -> Observation:
    detail = {"minute": format_time(minute), "cause": refusal.cause, "count": count}
    # An account may name a person, and a network lead to one.
    return Observation(
        REFUSALS, "muniment", COUNTER, canonical({**detail, "who": refusal.who}), detail=detail, sealed=True
    )


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _by_name(each: tuple[Refusal, int]) -> tuple[str, str]:
    return each[0].who, each[0].cause
