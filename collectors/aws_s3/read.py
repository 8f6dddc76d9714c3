"""Reads entries of S3 collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.aws_s3.schemas import BUCKET
from compliance.facts import FactSchema, Opened, Reading


class S3Reader:
    """Reads ``aws-s3/1``."""

    kinds: tuple[str, ...] = ("aws-s3/1",)
    schemas: tuple[FactSchema, ...] = (BUCKET,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = S3Reader()
