"""Holding a listing against a second account of the same population, and listing again where it moved."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sized
from typing import TypeAlias, TypeVar

from collectors.coverage import Tally
from compliance.evidence import Response

ATTEMPTS = 3
"""How often a listing is tried whose population moves meanwhile."""
Found = TypeVar("Found", bound="Sized | int")
Step: TypeAlias = Generator[Response, None, "Found | None"]
"""Yields answers and returns what they list, a collection or a number; None where they could not say."""


def reconciled(
    tally: Tally, noun: str, listing: Callable[[str], Step[Found]], control: Callable[[str], Step[Found]]
) -> Generator[Response, None, Found | None]:
    """List, then ask for the control total; where the two differ, list again, at most three times.

    ``listing`` and ``control`` get the moment that makes their requests unlike those of the first
    attempt. A population that never stands still leaves a gap in the tally.
    """
    for attempt in range(1, ATTEMPTS + 1):
        found = yield from listing("" if attempt == 1 else f"again {attempt}")
        if found is None:
            return None
        again = yield from control("after" if attempt == 1 else f"after {attempt}")
        tally.total_before = count(found)
        if again is None:
            return found
        tally.total_after = count(again)
        if again == found:
            return found
    tally.gap(
        f"{tally.total_before} {noun} were listed and {tally.total_after}, not all the same, counted after"
    )
    return found


def count(found: Sized | int) -> int:
    """How many there are."""
    return found if isinstance(found, int) else len(found)
