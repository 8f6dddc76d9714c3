"""Reads entries of CloudTrail collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.aws_cloudtrail.schemas import TRAIL
from compliance.facts import FactSchema, Opened, Reading


class CloudTrailReader:
    """Reads ``aws-cloudtrail/1``."""

    kinds: tuple[str, ...] = ("aws-cloudtrail/1",)
    schemas: tuple[FactSchema, ...] = (TRAIL,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = CloudTrailReader()
