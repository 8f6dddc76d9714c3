"""Collects one Iceberg table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from collectors.iceberg.metadata import read_table
from collectors.lake.collect import Dataset, LakeCollector
from collectors.places import Files


def iceberg_collector(*, files: Files, dataset: Dataset, clock: Callable[[], datetime]) -> LakeCollector:
    """The collector of the Iceberg table in a folder."""
    return LakeCollector(format_="iceberg", files=files, dataset=dataset, reduce=read_table, clock=clock)
