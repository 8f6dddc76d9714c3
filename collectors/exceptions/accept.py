"""What an approved exception must look like. Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import Form
from compliance.canonical import Json
from compliance.errors import InputRefused


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong: it names a check or a control, and it ends."""
    for name in ("id", "reason", "compensating", "approver"):
        fields.text(item, name)
    named = [name for name in ("check", "control") if fields.optional_text(item, name) is not None]
    if len(named) != 1:
        raise InputRefused("An exception names either a check or a control.", field="/check")
    fields.optional_text(item, "resource")
    if fields.time(item, "expires_at") <= fields.time(item, "valid_from"):
        raise InputRefused("/expires_at does not lie after valid_from.", field="/expires_at")
    return ()


def time(_item: Json) -> datetime | None:
    """None: it counts from its receipt, so that nobody excuses a past failure after the fact."""
    return None


FORM = Form(kind="exception/1", check=check, time=time, sealed=True)
