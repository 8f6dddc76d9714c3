"""Reads entries of schema registry collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.schema_registry.schemas import SUBJECT
from compliance.facts import FactSchema, Opened, Reading


class SchemaRegistryReader:
    """Reads ``schema-registry/1``."""

    kinds: tuple[str, ...] = ("schema-registry/1",)
    schemas: tuple[FactSchema, ...] = (SUBJECT,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = SchemaRegistryReader()
