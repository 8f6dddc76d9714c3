"""What the benchmarks share: a clock, medians and percentiles, and the rows in which they are printed."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from compliance.cli.composition import create_store
from compliance.settings import EvidenceSettings, KeySpaceSettings, Settings
from compliance.store import Store

T = TypeVar("T")
SECRET = "00112233445566778899aabbccddeeff"  # noqa: S105 (an example, of nothing)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """The seconds that a call took, and what it returned."""
    started = time.perf_counter()
    value = call()
    return time.perf_counter() - started, value


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest time that is not exceeded by that share of them."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(name: str, times: Sequence[float], beside: Sequence[float] | None = None) -> str:
    """One row: median and 99th percentile in milliseconds, and the ratio of medians to a peer's."""
    median = statistics.median(times)
    line = f"{name:<44}median {median * 1e3:9.2f} ms   p99 {percentile(times, 0.99) * 1e3:9.2f} ms"
    return line if beside is None else f"{line}   x {median / statistics.median(beside):7.1f}"


def rate(name: str, count: int, seconds: float, what: str, beside: float | None = None) -> str:
    """One row: so many a second, and how many times a peer's rate that is."""
    line = f"{name:<44}{count / seconds:12,.0f} {what}/s"
    return line if beside is None else f"{line}   x {count / seconds / beside:7.3f}"


@contextmanager
def fresh_store(clock: Callable[[], datetime] = lambda: NOW) -> Iterator[Store]:
    """A new store in a temporary folder that goes with the block."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            home=Path(folder) / "var", evidence=EvidenceSettings(origin="benchmark.example/log"),
            key_spaces={"customer": KeySpaceSettings(secret=SECRET)},
        )  # fmt: skip
        store = create_store(settings, clock)
        try:
            yield store
        finally:
            store.close()
