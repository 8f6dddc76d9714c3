"""What a data contract must look like (CONTRACT section 3). Pure."""

from __future__ import annotations

from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import DatasetName, Form, valid_since
from compliance.canonical import Json


def check(item: Json) -> tuple[str, ...]:
    """Raises InputRefused where a field is missing or wrong."""
    fields.dataset(item)
    fields.texts(item, "permitted_purposes")
    fields.time(item, "valid_from")
    fields.optional_days(item, "retention_days")
    for name in ("residency", "key_spaces"):
        if fields.member(item, (name,)) is not None:
            fields.texts(item, name)
    if fields.member(item, ("fields",)) is not None:
        _check_fields(item)
    return ()


def _check_fields(item: Json) -> None:
    for number in fields.each(item, fields.mapping, "fields"):
        fields.text(item, "fields", number, "name")
        fields.optional_text(item, "fields", number, "sensitivity")
        fields.optional_text(item, "fields", number, "key_space")


def datasets(item: Json) -> tuple[DatasetName, ...]:
    """The dataset that the contract is about."""
    return (fields.dataset(item),)


def time(item: Json) -> datetime | None:
    """Since when the contract holds."""
    return fields.time(item, "valid_from")


FORM = Form(kind="contracts/1", check=check, time=time, instant=valid_since, datasets=datasets)
