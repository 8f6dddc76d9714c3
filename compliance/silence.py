"""When a configured source falls silent, and when its state changes. Pure; times are microseconds, UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from compliance.canonical import Json
from compliance.history import SeenEntry
from compliance.settings import interval
from compliance.visible import Visible

PULLED_LATE_AFTER = 2
"""A pulled source is stale after so many of its intervals without a run."""
A_MICROSECOND = timedelta(microseconds=1)


def allowed_silence(source: Mapping[str, Json]) -> timedelta | None:
    """How long a source may be silent; None where its configuration does not say."""
    if source.get("expect_every"):
        return interval(source["expect_every"], or_none=True)
    if source["kind"] == "push" or not source.get("schedule"):
        return None
    every = interval(source["schedule"], or_none=True)
    return None if every is None else every * PULLED_LATE_AFTER


def state_turns(visible: Visible, source: Mapping[str, Json], until: int) -> Iterator[int]:
    """Every instant up to ``until`` at which a source may begin or cease to fail, to be unread or to be silent."""
    name, allowed = source["name"], allowed_silence(source)
    listed = visible.listed(name, until)
    unread = [row.instant for row in visible.unreadable(until) if row.source == name]
    yield from unread
    if unread or not all(row.complete for row in listed):
        yield from (row.instant for row in listed)
    most = None if allowed is None else allowed // A_MICROSECOND
    yield from (instant for instant in _silences(visible.entries(name), most) if instant <= until)


def _silences(entries: Sequence[SeenEntry], most: int | None) -> Iterator[int]:
    """The first report; and where silence begins, and where a report ends it."""
    last: int | None = None
    for entry in entries:
        if last is None:
            yield entry.counts_from
        elif most is not None and entry.counts_from > last + most:
            yield last + most + 1
            yield entry.counts_from
        last = entry.received_at if last is None else max(last, entry.received_at)
    if last is not None and most is not None:
        yield last + most + 1
