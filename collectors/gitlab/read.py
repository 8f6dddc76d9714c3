"""Reads entries of GitLab collections. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.forge.schemas import CHANGE, REPOSITORY
from compliance.facts import FactSchema, Opened, Reading


class GitlabReader:
    """Reads ``gitlab/1``."""

    kinds: tuple[str, ...] = ("gitlab/1",)
    schemas: tuple[FactSchema, ...] = (CHANGE, REPOSITORY)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = GitlabReader()
