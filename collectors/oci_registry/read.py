"""Reads entries of image registry collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.oci_registry.schemas import IMAGE
from compliance.facts import FactSchema, Opened, Reading


class OciReader:
    """Reads ``oci-registry/1``."""

    kinds: tuple[str, ...] = ("oci-registry/1",)
    schemas: tuple[FactSchema, ...] = (IMAGE,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = OciReader()
