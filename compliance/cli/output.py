"""What commands print: JSON for machines, short tables for people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import typer

from compliance.canonical import Json, parse_time
from compliance.errors import StoreUnavailable


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


def require_place(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is worked out for it. Raises StoreUnavailable."""
    if out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        message = f"{out} cannot be written; name a file in a folder that is there and may be written to."
        raise StoreUnavailable(message, field=str(out))


def write_file(out: Path, content: bytes) -> Path:
    """Write a file. Raises StoreUnavailable, saying why it cannot be."""
    try:
        out.write_bytes(content)
    except OSError as error:
        raise StoreUnavailable(f"{out} cannot be written: {error.strerror}.", field=str(out)) from error
    return out
