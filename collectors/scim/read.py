"""Reads entries of SCIM collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.scim.schemas import GROUP, USER
from compliance.facts import FactSchema, Opened, Reading


class ScimReader:
    """Reads ``scim/1``."""

    kinds: tuple[str, ...] = ("scim/1",)
    schemas: tuple[FactSchema, ...] = (GROUP, USER)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = ScimReader()
