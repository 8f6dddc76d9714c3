"""What a decision about a model that holds an erased record must look like. Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import Form
from compliance.canonical import Json
from compliance.errors import InputRefused

ACTIONS = ("retrain", "exclude", "unlearn", "suppress", "accept")
"""Train anew without it, leave it out from now on, unlearn it, suppress what is said of it, accept it with a reason."""


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong."""
    for name in ("request_id", "decided_by", "because"):
        fields.text(item, name)
    model, action = fields.text(item, "model"), fields.text(item, "action")
    if not all(model.rpartition("@")[::2]):
        message = f"/model is {model!r}; expected NAME@VERSION, such as churn@3."
        raise InputRefused(message, field="/model")
    if action not in ACTIONS:
        raise InputRefused(f"/action is {action!r}; expected one of {', '.join(ACTIONS)}.", field="/action")
    fields.time(item, "decided_at")
    return ()


def time(item: Json) -> datetime | None:
    """When it was decided."""
    return fields.time(item, "decided_at")


FORM = Form(kind="model-decision/1", check=check, time=time, sealed=True)
"""Sealed: the reason is free text, and may be about a person."""
