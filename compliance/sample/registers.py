"""The registers that the bank keeps: written for each day of the story, in a folder that their collector reads.

Beside this module, ``register_rows/NAME.jsonl`` holds a register's rows. A time in them is ``{day-30}``, days from the
start of the story, ``{week+0.2}``, from that of its week, or ``{now-0.5}``, from the instant of writing. ``_from`` is
the first day that shows a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from compliance.canonical import format_time
from compliance.sample.clock import Story

ROWS = Path(__file__).with_name("register_rows")
BEGINS = re.compile(r'^\{"_from": (\d+), ')
DAYS_OF_WEEK = 7
TIME = re.compile(r"\{(day|week|now)([+-][\d.]+)\}")


def write_registers(folder: Path, story: Story, day: int, now: datetime) -> None:
    """Every register as it stands on a day of the story."""
    since = {"day": story.start, "week": story.at(day - day % DAYS_OF_WEEK), "now": now}
    for name, rows in _rows():
        shown = (row for begins, row in rows if begins <= day)
        (folder / name).write_text("".join(_timed(row, since) for row in shown))


@cache
def _rows() -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    """Each register's file with its rows, and the day on which each begins to be there."""
    return tuple(
        (path.name, tuple(_row(line) for line in path.read_text().splitlines(keepends=True)))
        for path in sorted(ROWS.glob("*.jsonl"))
    )


def _row(line: str) -> tuple[int, str]:
    begins = BEGINS.match(line)
    return (int(begins[1]), BEGINS.sub("{", line)) if begins else (0, line)


def _timed(row: str, since: Mapping[str, datetime]) -> str:
    return TIME.sub(lambda found: format_time(since[found[1]] + timedelta(days=float(found[2]))), row)
