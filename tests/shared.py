"""Where the material shared between checkouts lies, if it is present beside this one."""

from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared"
SHARED: Path | None = _BESIDE if _BESIDE.is_dir() else None
"""The folder, or None in a clone without it: what needs it is skipped."""
