"""Which version of a dataset was written last at a moment (CONTRACT section 4, Dataset versions).

Pure. Only ended COMPLETE runs are on a timeline; a running one's end is later than every time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compliance.lineage.records import DatasetName
from compliance.lineage.runs import Run


class Write(NamedTuple):
    """One version as one run wrote it."""

    ended: int
    version: str
    run_id: str


class Timeline:
    """The writes of one dataset, by the end of the writing run.

    Where sources contradict each other on when a writing run ended, each account is a view of its
    own beside the merged one and a look-up unites them: a later end that one source adds must not
    hide what another reports.
    """

    def __init__(self, dataset: DatasetName, writers: Iterable[Run]) -> None:
        complete = [run for run in writers if run.outcome == "COMPLETE"]
        self._views = [_view(dataset, complete, source) for source in (None, *sorted(_dissenters(complete)))]
        self._ends = [[write.ended for write in view] for view in self._views]

    def last(self, limit: int, *, strictly: bool, but: str) -> frozenset[Write]:
        """The writes whose run ended last at or before ``limit`` (``strictly``: before), but for one run's own.

        Of several that ended at the same time, all. Empty if there is none.
        """
        cut = bisect_left if strictly else bisect_right
        found: set[Write] = set()
        for view, ends in zip(self._views, self._ends, strict=True):
            found.update(_last(view, cut(ends, limit), but))
        return frozenset(found)


def _dissenters(runs: Iterable[Run]) -> set[str]:
    return {
        report.source for run in runs for report in run.reports
        if report.ended is not None and report.ended != run.ended
    }  # fmt: skip


def _view(dataset: DatasetName, runs: Iterable[Run], source: str | None) -> list[Write]:
    writes = []
    for run in runs:
        own = [report.ended for report in run.reports if report.source == source and report.ended is not None]
        ended = own[0] if own else run.ended
        writes += [Write(ended, version, run.run_id) for version in run.outputs[dataset]]
    return sorted(writes)


def _last(view: Sequence[Write], stop: int, but: str) -> list[Write]:
    index = stop - 1
    while index >= 0 and view[index].run_id == but:
        index -= 1
    if index < 0:
        return []
    ended, found = view[index].ended, []
    while index >= 0 and view[index].ended == ended:
        found.append(view[index])
        index -= 1
    return [write for write in found if write.run_id != but]


class Intervals:
    """The spans of runs, to find those that share more than an instant with a given one."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = sorted(runs, key=lambda run: (run.started, run.run_id))
        self._starts = [run.started for run in self._runs]
        self._latest: list[int] = []
        for run in self._runs:
            self._latest.append(max(run.ended, self._latest[-1] if self._latest else run.ended))

    def overlapping(self, run: Run) -> set[str]:
        """The other runs that share more than an instant with ``run``."""
        found = set()
        index = bisect_left(self._starts, run.ended) - 1
        while index >= 0 and self._latest[index] > run.started:
            other = self._runs[index]
            if other.run_id != run.run_id and min(other.ended, run.ended) > max(other.started, run.started):
                found.add(other.run_id)
            index -= 1
        return found
