"""The IAM credential report: what sign-in means each user has. Pure.

Columns: IAM User Guide, "Understanding the report format".
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Callable, Iterator, Mapping

from collectors.aws.content import content
from collectors.items import SeenItem
from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused
from compliance.facts import Defect, Fragment, Unseen

PART = "credential-report"
ROOT = "<root_account>"
NONE_KNOWN = frozenset({"N/A", "no_information", "not_supported"})
COLUMNS = frozenset({"user", "arn", "password_enabled", "password_last_used", "mfa_active"})
KEYS = (1, 2)
"""A user has at most two access keys."""


def read_report(seen: SeenItem) -> Iterator[Fragment | Defect]:
    """A fragment for each user of the report; its own time of generation is theirs."""
    try:
        rows = report_rows(seen.body)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: the credential report: {error.message}")
        return
    for row in rows:
        if row["user"] != ROOT:
            yield _fragment(seen, row)


def report_rows(body: bytes) -> list[Mapping[str, str]]:
    """The rows of the report as columns by name. Raises InputRefused."""
    try:
        text = base64.b64decode(str(content(body).get("Content", "")), validate=True).decode()
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (binascii.Error, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"The credential report is no base64 of CSV: {error}.", field="Content") from error
    if not rows or not set(rows[0]) >= COLUMNS or any(None in row.values() or None in row for row in rows):
        raise InputRefused(f"The credential report lacks rows or one of {sorted(COLUMNS)}.", field="Content")
    return list(rows)


def _fragment(seen: SeenItem, row: Mapping[str, str]) -> Fragment:
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    readings: dict[str, Callable[[], Json]] = {
        "console_access": lambda: _flag(row["password_enabled"]),
        "mfa_active": lambda: _flag(row["mfa_active"]),
        "password_last_used": lambda: _time(row["password_last_used"]),
        "access_keys": lambda: [key for number in KEYS for key in _key(row, number)],
    }
    for name, reading in readings.items():
        try:
            value[name] = reading()
        except (InputRefused, KeyError) as error:
            unseen[name] = Unseen("unreadable", f"the credential report states {name} unreadably: {error}")
    return Fragment(
        "iam_user", row["arn"], seen.item.scope, PART, value, seen.instant, seen.evidence, unseen, dated=True
    )


def _flag(text: str) -> bool:
    match text.lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise InputRefused(f"{text!r} is neither true nor false.")


def _time(text: str) -> str | None:
    return None if text in NONE_KNOWN else format_time(parse_time(text))


def _key(row: Mapping[str, str], number: int) -> Iterator[dict[str, Json]]:
    """The key in one of the two slots. A slot without a time of creation holds none."""
    active = _flag(row[f"access_key_{number}_active"])
    created = _time(row[f"access_key_{number}_last_rotated"])
    if created is None and active:
        raise InputRefused(f"access key {number} is active without a time of creation.")
    if created is not None:
        last_used = _time(row[f"access_key_{number}_last_used_date"])
        yield {"active": active, "created": created, "last_used": last_used}
