"""What a membership manifest must look like: NDJSON of hex digits, or records read from Parquet. Pure."""

from __future__ import annotations

import re
from itertools import islice
from operator import eq

from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

WIDTH = 16
COMPLETENESS = ("full", "partial")
_HEX = re.compile(r"[0-9a-fA-F]{32}")
_PLAIN = re.compile(rb'(?:"[0-9a-f]{32}"\n)*+')
"""What most senders send; anything else is looked at line by line, so that what is wrong can be named."""
_PLAIN_LINE = re.compile(rb'"[0-9a-f]{32}"')


def members_of_lines(body: bytes) -> tuple[str, ...]:
    """The sorted members of NDJSON: one JSON string of 32 hex digits a line. Raises InputRefused."""
    if _PLAIN.fullmatch(body):
        ordered = sorted(body.decode().replace('"', "").split())
        if not any(map(eq, ordered, islice(ordered, 1, None))):
            return tuple(ordered)
    members = [
        _member(line, number) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()
    ]
    return _unique(
        members, [f"line {number}" for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    )


def _member(line: bytes, number: int) -> str:
    stripped = line.strip()
    if _PLAIN_LINE.fullmatch(stripped):
        return stripped[1:-1].decode()
    where = f"line {number}"
    try:
        value: Json = strict_json(stripped, what=where)
    except InputRefused as error:
        raise InputRefused(error.message, field=where) from error
    if isinstance(value, str) and _HEX.fullmatch(value):
        return value.lower()
    # What stands here may be a raw key by mistake: it is not repeated.
    raise InputRefused(f"{where} is no JSON string of 32 hex digits.", field=where)


def members_of_records(records: bytes) -> tuple[str, ...]:
    """The sorted members of 16-byte records laid end to end. Raises InputRefused for one that is there twice."""
    members = [records[start : start + WIDTH].hex() for start in range(0, len(records), WIDTH)]
    return _unique(members, None)


def _unique(members: list[str], places: list[str] | None) -> tuple[str, ...]:
    ordered = tuple(sorted(set(members)))
    if len(ordered) == len(members):
        return ordered
    seen: set[str] = set()
    for number, member in enumerate(members):
        if member in seen:
            where = places[number] if places else f"pseudonym, row {number + 1}"
            raise InputRefused(f"The pseudonym in {where} stands in the manifest twice.", field=where)
        seen.add(member)
    return ordered
