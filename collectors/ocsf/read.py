"""Reads entries of OCSF files. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.scans.schemas import FINDING, RUN
from compliance.facts import FactSchema, Opened, Reading


class OcsfReader:
    """Reads ``ocsf/1``."""

    kinds: tuple[str, ...] = ("ocsf/1",)
    schemas: tuple[FactSchema, ...] = (FINDING, RUN)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = OcsfReader()
