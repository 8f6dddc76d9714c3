"""Reads entries of Iceberg collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.lake.schemas import DELETION, TABLE, VERSION
from compliance.facts import FactSchema, Opened, Reading


class IcebergReader:
    """Reads ``iceberg/1``."""

    kinds: tuple[str, ...] = ("iceberg/1",)
    schemas: tuple[FactSchema, ...] = (DELETION, TABLE, VERSION)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = IcebergReader()
