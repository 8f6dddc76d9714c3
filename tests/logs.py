"""Evidence logs to test with: real stores in temporary folders, and observations to append."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from compliance.evidence import CollectorName, Observation
from compliance.headport import HeadPlace
from compliance.log import EvidenceLog

ORIGIN = "compliance.example.org/log"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time that it stands at."""
        return self.now

    def move(self, **by: float) -> None:
        """Move it, forward or back."""
        self.now += timedelta(**by)


def observation(body: bytes | None = b"{}", **parts: Any) -> Observation:
    """An observation whose other parts matter only where a test gives them."""
    values: dict[str, Any] = {"kind": "lineage/1", "source": "api", "collector": CollectorName("test", "1")}
    return Observation(**(values | parts), body=body)


def head_of(home: Path) -> HeadPlace | None:
    """Where the head of the log in a folder lies: None is within it. Tests on PostgreSQL put another in its place."""
    del home
    return None


def make(home: Path, count: int = 0, clock: Clock | None = None) -> EvidenceLog:
    """A new log with so many entries, appended one by one up to ten, the rest at once."""
    log = EvidenceLog.create(home, origin=ORIGIN, clock=clock or Clock(), head=head_of(home))
    for number in range(min(count, 10)):
        log.append([observation(b"entry %d" % number)])
    if count > 10:
        log.append([observation(b"entry %d" % number) for number in range(10, count)])
    return log


def reopen(home: Path, clock: Clock | None = None, *, read_only: bool = False) -> EvidenceLog:
    """Open a log that is there."""
    return EvidenceLog.open(home, clock=clock or Clock(), read_only=read_only, head=head_of(home))
