"""Which register a file belongs to, by the name of its folder or its own. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath

from collectors.register.schemas import REGISTERS


def register_of(name: str) -> str | None:
    """``vendor.csv``, ``vendors.2026.yaml`` and ``vendor/acme.yaml`` are of the register ``vendor``."""
    path = PurePosixPath(name)
    first = path.parts[0] if len(path.parts) > 1 else path.name.split(".", 1)[0]
    plain = first.lower().replace("-", "_")
    for candidate in (plain, plain.removesuffix("s"), f"{plain.removesuffix('ies')}y"):
        if candidate in REGISTERS:
            return candidate
    return None
