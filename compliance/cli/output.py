"""What commands print: JSON for machines, short tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import typer

from compliance.canonical import Json, parse_time


def print_json(value: Json) -> None:
    """Print one JSON document, indented, keys in the order that the answer states them."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns padded to their widest cell."""
    table = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def instant(text: str | None, name: str) -> datetime | None:
    """The instant that an option names; a date alone is its first moment in UTC."""
    if text is None:
        return None
    day_only = len(text) == len("2026-11-23")
    return parse_time(f"{text}T00:00:00Z" if day_only else text, field=name)
