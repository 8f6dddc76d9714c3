"""Pages out of frozen values: templates, how instants and numbers read, and our own static files.

A template gets one value and asks nothing. Everything that it shows is escaped.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import jinja2
from starlette.responses import HTMLResponse

from compliance.canonical import format_time, sha256_hex
from compliance.errors import NotFound
from reports.wording import MONTHS, counted, day, moment

FOLDER = Path(__file__).parent
STATIC_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
DIGEST_SHOWN = 8
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def short_day(value: datetime | None) -> str:
    """``14 Nov``; a dash where there is none."""
    if value is None:
        return "–"
    at = value.astimezone(UTC)
    return f"{at.day} {MONTHS[at.month - 1]}"


def short_moment(value: datetime | None) -> str:
    """``14 Nov 19:40``, in UTC; a dash where there is none."""
    return "–" if value is None else f"{short_day(value)} {value.astimezone(UTC):%H:%M}"


def lasted(value: timedelta) -> str:
    """A span in its largest unit: ``9 days``, ``26 hours``, ``3 minutes``."""
    if value >= 2 * DAY:
        return counted(value // DAY, "day")
    if value >= HOUR:
        return counted(value // HOUR, "hour")
    return counted(max(value // timedelta(minutes=1), 0), "minute")


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")


def readable(text: str) -> str:
    """A sentence of the judgement with its RFC 3339 instants as the rest of the page writes them, to the minute."""

    def told(match: re.Match[str]) -> str:
        try:
            return moment(datetime.fromisoformat(match[0]))
        except ValueError:
            return match[0]

    return _INSTANT.sub(told, text)


def number(value: int) -> str:
    """``48,213``."""
    return f"{value:,}"


def short_digest(value: str) -> str:
    """The first digits of a digest."""
    return value[:DIGEST_SHOWN]


# --- static files --------------------------------------------------------------------------------


@cache
def static(name: str) -> tuple[bytes, str]:
    """A static file's bytes and media type. Raises NotFound for whatever is none of ours."""
    known = {path.name: path for path in (FOLDER / "static").iterdir() if path.suffix in STATIC_TYPES}
    if name not in known:
        raise NotFound("There is no such static file.")
    return known[name].read_bytes(), STATIC_TYPES[known[name].suffix]


def asset(name: str) -> str:
    """The address of a static file; it changes with its content, so that it may be kept for ever."""
    return f"/static/{name}?v={short_digest(sha256_hex(static(name)[0]))}"


# --- templates -----------------------------------------------------------------------------------

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    day=day, moment=moment, short_day=short_day, short_moment=short_moment, lasted=lasted, number=number,
    short_digest=short_digest, readable=readable, rfc3339=format_time,
)  # fmt: skip
_ENVIRONMENT.globals.update(asset=asset, counted=counted)


def html_page(template: str, view: object, status: int = 200) -> HTMLResponse:
    """The page of a value."""
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(view=view), status)
