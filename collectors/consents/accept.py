"""What a consent event must look like (CONTRACT section 3). Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import Form
from collectors.pushed.spans import Path
from compliance.canonical import Json

ACTIONS = ("granted", "withdrawn")


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong."""
    fields.pseudonymous(item)
    fields.text(item, "purpose")
    fields.one_of(item, ACTIONS, "action")
    fields.time(item, "at")
    return ()


def time(item: Json) -> datetime | None:
    """When the consent was given or withdrawn."""
    return fields.time(item, "at")


def holders(_item: Json) -> tuple[Path, ...]:
    """The event itself may name its record by raw key."""
    return ((),)


FORM = Form(kind="consents/1", check=check, time=time, sealed=True, holders=holders)
