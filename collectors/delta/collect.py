"""Collects one Delta table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from collectors.delta.log import read_table
from collectors.lake.collect import Dataset, LakeCollector
from collectors.places import Files


def delta_collector(*, files: Files, dataset: Dataset, clock: Callable[[], datetime]) -> LakeCollector:
    """The collector of the Delta table in a folder."""
    return LakeCollector(format_="delta", files=files, dataset=dataset, reduce=read_table, clock=clock)
