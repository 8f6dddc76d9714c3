"""Reads entries of registers. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.register.schemas import REGISTERS
from compliance.facts import FactSchema, Opened, Reading


class RegisterReader:
    """Reads ``register/1``."""

    kinds: tuple[str, ...] = ("register/1",)
    schemas: tuple[FactSchema, ...] = tuple(REGISTERS.values())

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        del opened
        return ()


READER = RegisterReader()
