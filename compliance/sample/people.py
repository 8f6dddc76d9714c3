"""The bank's customers: who is active on which day, who consents to marketing, who asks to be forgotten.

Everything is worked out from the customer's number, so that every build tells the same story.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

CUSTOMERS = tuple(f"C-{100_001 + number}" for number in range(240))

IN_ORDER = "C-100001"
"""Has cards, never agreed to marketing: every use of this record is in order."""
WITHDRAWN = "C-100042"
"""Withdrew consent to marketing, and was addressed again by a filter that missed it."""
FORGOTTEN = "C-100077"
"""Was erased, and came back with a backup."""
LATE = "C-100130"
"""Was erased, but long after the deadline."""


@dataclass(frozen=True)
class Erasure:
    """A request to be forgotten: the days of the story on which it was made and completed."""

    customer: str
    request: str
    requested: int
    completed: int


ERASURES = (
    Erasure("C-100019", "ER-2107", -9, 1),
    Erasure(FORGOTTEN, "ER-2112", 2, 10),
    Erasure("C-100058", "ER-2115", 4, 12),
    Erasure("C-100203", "ER-2119", 9, 17),
    Erasure(LATE, "ER-2098", -18, 23),
    Erasure("C-100164", "ER-2126", 18, 26),
)

WITHDRAWALS = {"C-100012": 5, WITHDRAWN: 17, "C-100090": 13, "C-100141": 20, "C-100222": 25}
"""Customer → the day on which the consent to marketing was withdrawn."""

_KNOWN_DAYS = {
    IN_ORDER: frozenset({0, 6, 9, 15, 23, 28}),
    WITHDRAWN: frozenset({3, 9, 16, 21, 27}),
    FORGOTTEN: frozenset({1, 2, 7}),
}
"""Days with a card payment of those whom the story is about."""


def card_of(customer: str) -> str:
    """The number under which the card of a customer is known."""
    return f"5210-{customer.removeprefix('C-')}"


def _draw(customer: str, what: str) -> int:
    return zlib.crc32(f"{customer}/{what}".encode())


def erased(customer: str, day: int) -> bool:
    """Whether the customer's erasure was complete by that day."""
    return any(one.customer == customer and one.completed <= day for one in ERASURES)


def customers(day: int) -> list[str]:
    """All customers whose records the bank should hold on a day."""
    return [one for one in CUSTOMERS if not erased(one, day)]


def paying(day: int) -> list[str]:
    """Customers who paid by card on a day."""
    return [one for one in customers(day) if _pays(one, day)]


def _pays(customer: str, day: int) -> bool:
    if customer in _KNOWN_DAYS:
        return day in _KNOWN_DAYS[customer]
    return _draw(customer, f"pays/{day}") % 4 == 0


def agreed(customer: str) -> bool:
    """Whether the customer ever agreed to marketing."""
    if customer in WITHDRAWALS or customer in {FORGOTTEN, LATE}:
        return True
    return customer != IN_ORDER and _draw(customer, "marketing") % 3 == 0


def consenting(day: int) -> list[str]:
    """Customers whose consent to marketing is in force on a day."""
    return [one for one in customers(day) if agreed(one) and WITHDRAWALS.get(one, day + 1) > day]


def asking(day: int) -> list[str]:
    """Customers who wrote to support lately."""
    return [
        one for one in customers(day) if one not in _KNOWN_DAYS and _draw(one, f"ticket/{day // 7}") % 8 == 0
    ]
