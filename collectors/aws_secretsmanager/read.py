"""Reads entries of Secrets Manager collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.aws_secretsmanager.schemas import SECRET
from compliance.facts import FactSchema, Opened, Reading


class SecretsManagerReader:
    """Reads ``aws-secretsmanager/1``."""

    kinds: tuple[str, ...] = ("aws-secretsmanager/1",)
    schemas: tuple[FactSchema, ...] = (SECRET,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = SecretsManagerReader()
