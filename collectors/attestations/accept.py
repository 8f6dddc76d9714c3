"""What a signed statement about a control must look like. Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import Form
from compliance.canonical import Json
from compliance.errors import InputRefused


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong."""
    for name in ("attestation", "control", "statement", "signed_by"):
        fields.text(item, name)
    signed, until = fields.time(item, "signed_at"), fields.optional_time(item, "valid_until")
    if until is not None and until <= signed:
        raise InputRefused("/valid_until does not lie after signed_at.", field="/valid_until")
    return ()


def time(item: Json) -> datetime | None:
    """When it was signed."""
    return fields.time(item, "signed_at")


FORM = Form(kind="attestation/1", check=check, time=time, sealed=True)
