"""When a source's runs fall due: slots by interval or cron expression, what of missed ones is made up for, jitter.

Slots are microseconds since 1970, UTC, and the same for every process, as is the jitter of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from compliance.canonical import EPOCH, from_micros, micros
from compliance.errors import InputRefused
from compliance.settings import SourceSettings, interval

LATE_AFTER = timedelta(minutes=1)
"""A slot that is noticed later than this was missed: whether it is made up for is the source's ``catch_up``."""
MADE_UP_AT_ONCE = 1000
"""So many missed slots are planned at once; the rest follow."""
LOOKS_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=366))


def trigger_of(source: SourceSettings) -> BaseTrigger | None:
    """The trigger that ``schedule`` stands for: an interval (15m) or a cron expression; None without one."""
    if source.schedule is None:
        return None
    every = interval(source.schedule, or_none=True)
    if every is not None:
        # Counted from 1970, as slots are: a server that is started again and again still runs each slot.
        return IntervalTrigger(seconds=int(every.total_seconds()), start_date=EPOCH, timezone=UTC)
    try:
        return CronTrigger.from_crontab(source.schedule, timezone=UTC)
    except ValueError as error:
        message = (
            f"The schedule {source.schedule!r} of source {source.name} is neither an interval such as 15m"
            f" nor a cron expression of five fields: {error}."
        )
        raise InputRefused(message, field=f"sources.{source.name}.schedule") from error


def slot_of(source: SourceSettings, now: datetime) -> int:
    """The slot of an interval that an instant falls in: equal for all processes that ask within it."""
    every = interval(source.schedule or "1m", or_none=True) or timedelta(minutes=1)
    length = int(every.total_seconds()) * 1_000_000
    return micros(now) // length * length


def slots_due(source: SourceSettings, last: int | None, started: datetime, now: datetime) -> list[int]:
    """The slots to plan now, oldest first, after the ``last`` one that has a row.

    Without a former one an interval begins with the slot that ``now`` is in, a cron expression with
    its next instant after ``started``.
    """
    if last is None and interval(source.schedule or "", or_none=True) is not None:
        return [slot_of(source, now)]
    after = micros(started) if last is None else last
    if source.catch_up == "latest":
        newest = _newest(source, after, now)
        return [] if newest is None else [newest]
    on_time = micros(now - LATE_AFTER)
    begin = max(after, on_time - 1) if source.catch_up == "none" else after
    return [slot for slot, _ in zip(_fires(source, begin, now), range(MADE_UP_AT_ONCE), strict=False)]


def next_slot(source: SourceSettings, now: datetime) -> datetime | None:
    """The next slot after an instant."""
    trigger = trigger_of(source)
    return None if trigger is None else trigger.get_next_fire_time(None, now + timedelta(microseconds=1))


def jittered(source: SourceSettings, slot: int) -> int:
    """When a slot's run falls due: at most the source's jitter later, by a share that its name decides."""
    if source.jitter is None:
        return slot
    spread = interval(source.jitter) // timedelta(microseconds=1)
    digest = hashlib.sha256(f"{source.name}\n{slot}".encode()).digest()
    return slot + int.from_bytes(digest[:8], "big") % (spread + 1)


def _newest(source: SourceSettings, after: int, now: datetime) -> int | None:
    """The newest slot after one and not after now, found without going through those in between."""
    for span in LOOKS_BACK:
        begin = max(after, micros(now - span))
        newest = max(_fires(source, begin, now), default=None)
        if newest is not None or begin == after:
            return newest
    return None


def _fires(source: SourceSettings, after: int, now: datetime) -> Iterator[int]:
    """Every slot after one and not after now."""
    return takewhile(lambda slot: slot <= micros(now), _fires_from(source, after))


def _fires_from(source: SourceSettings, after: int) -> Iterator[int]:
    trigger = trigger_of(source)
    while trigger is not None:
        fires = trigger.get_next_fire_time(None, from_micros(after) + timedelta(microseconds=1))
        if fires is None:
            return
        after = micros(fires)
        yield after
