"""What a deletion-log entry must look like (CONTRACT section 3). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import EVERY_DATASET, DatasetName, Form
from collectors.pushed.spans import Path
from compliance.canonical import Json

EVERYWHERE = "*"


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong; an erasure before its request is a defect."""
    fields.pseudonymous(item)
    list(datasets(item))
    requested, completed = fields.time(item, "requested_at"), fields.time(item, "completed_at")
    fields.text(item, "method")
    fields.text(item, "request_id")
    return ("completed_at lies before requested_at",) if completed < requested else ()


def datasets(item: Json) -> Iterator[DatasetName]:
    """The datasets that the record was erased from. Raises InputRefused."""
    if fields.member(item, ("datasets",)) == EVERYWHERE:
        yield EVERY_DATASET
        return
    for number in fields.each(item, fields.mapping, "datasets"):
        yield fields.dataset(item, "datasets", number)


def time(item: Json) -> datetime | None:
    """When the erasure was completed."""
    return fields.time(item, "completed_at")


def holders(_item: Json) -> tuple[Path, ...]:
    """The entry itself may name its record by raw key."""
    return ((),)


FORM = Form(kind="erasures/1", check=check, time=time, sealed=True, holders=holders, datasets=datasets)
