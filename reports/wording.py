"""How instants, spans and counts read in a document. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY = timedelta(days=1)


def day(value: datetime | None) -> str:
    """``23 Nov 2026``; a dash where there is none."""
    if value is None:
        return "–"
    at = value.astimezone(UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def moment(value: datetime | None) -> str:
    """``23 Nov 2026, 19:55 UTC``; a dash where there is none."""
    return "–" if value is None else f"{day(value)}, {value.astimezone(UTC):%H:%M} UTC"


def in_words(value: timedelta) -> str:
    """A span as whole days, or hours below two days: ``9 days``, ``26 hours``."""
    if value >= 2 * DAY:
        return f"{value // DAY} days"
    hours = value // timedelta(hours=1)
    return f"{hours} hour{'' if hours == 1 else 's'}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 control``, ``2 controls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
