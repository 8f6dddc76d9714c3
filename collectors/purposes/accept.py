"""What an entry of the register of processing must look like (CONTRACT section 3). Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import Form, valid_since
from compliance.canonical import EPOCH, Json

LAWFUL_BASES = (
    "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests",
)  # fmt: skip
"""Regulation (EU) 2016/679, Art. 6(1)(a) to (f), in that order."""


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong."""
    fields.text(item, "id")
    fields.one_of(item, LAWFUL_BASES, "lawful_basis")
    fields.text(item, "controller")
    fields.optional_days(item, "retention_days")
    fields.optional_time(item, "valid_from")
    return ()


def time(item: Json) -> datetime | None:
    """Since when it holds; one without ``valid_from`` holds since ever."""
    return fields.optional_time(item, "valid_from") or EPOCH


FORM = Form(kind="purposes/1", check=check, time=time, instant=valid_since)
