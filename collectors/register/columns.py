"""How a register is written down: its name, its meaning and its columns."""

from __future__ import annotations

from typing import cast

from compliance.facts import FactSchema, Field, FieldType


def register(name: str, doc: str, *columns: tuple[str, str, str] | Field) -> FactSchema:
    """A register of these columns: name, type (``?`` marks one that may be empty), meaning."""
    return FactSchema(name, doc, tuple(one if isinstance(one, Field) else _field(*one) for one in columns))


def _field(name: str, type_: str, doc: str) -> Field:
    return Field(name, cast("FieldType", type_.rstrip("?")), doc, optional=type_.endswith("?"))
