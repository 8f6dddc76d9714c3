"""The simulated clock: the whole process lives at the instants of the story while the sample is built.

The stand-in of AWS stamps what it makes with the time of day, and so does everything else in this process. Moving that
time is what makes the history true in every part; afterwards the machine's own clock goes on from where the story ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

import time_machine

DAYS = 30
"""How long the story is."""


class Story:
    """The instants of the story, told as days and hours from its start."""

    def __init__(self, end: datetime) -> None:
        self.end = end
        self.start = end - timedelta(days=DAYS)

    def at(self, day: int, hour: float = 0.0) -> datetime:
        """An instant of the story: ``day`` 0 is the first; negative days lie before it."""
        return self.start + timedelta(days=day, hours=hour)

    def date(self, day: int) -> str:
        """The date at which a day of the story begins, as versions of datasets are named."""
        return self.at(day).date().isoformat()


class Traveller(Protocol):
    """What is used of time-machine's traveller, whose class bears another name in each major version."""

    def move_to(self, destination: datetime, tick: bool | None = None) -> None:
        """Let it be that instant, and tick on."""
        ...


class SimulatedTime:
    """The time of day of this process, moved along by whoever tells the story; it ticks on between moves."""

    def __init__(self, traveller: Traveller) -> None:
        self._traveller = traveller

    def move_to(self, instant: datetime) -> None:
        """Let it be that instant."""
        self._traveller.move_to(instant, tick=True)


@contextmanager
def simulated_time(start: datetime) -> Iterator[SimulatedTime]:
    """Simulated time from an instant on; the machine's own clock again at the end."""
    with time_machine.travel(start, tick=True) as traveller:
        yield SimulatedTime(traveller)
