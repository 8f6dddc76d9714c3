"""Which version of a dataset was written last at a moment (CONTRACT section 4, Dataset versions).

Pure. Only ended COMPLETE runs are on a timeline; a running one's end is later than every time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compliance.lineage.events import NEVER
from compliance.lineage.records import DatasetName
from compliance.lineage.runs import Run


class Write(NamedTuple):
    """One version as one run wrote it."""

    ended: int
    version: str
    run_id: str


class Timeline:
    """The writes of one dataset, by the end of the writing run.

    Where sources contradict each other on when a run ended, each of its ends may be the right one: what
    might have been the last write by some combination of them counts, so that no source's word on an
    end takes a version away.
    """

    def __init__(self, dataset: DatasetName, writers: Iterable[Run]) -> None:
        complete = [run for run in writers if run.outcome == "COMPLETE"]
        self._contested = [_Contested(dataset, run) for run in complete if len(run.ends) > 1]
        self._writes = sorted(
            Write(run.ended, version, run.run_id)
            for run in complete if len(run.ends) == 1
            for version in run.outputs[dataset]
        )  # fmt: skip
        self._ends = [write.ended for write in self._writes]

    def last(self, limit: int, *, strictly: bool, but: str) -> tuple[frozenset[Write], bool]:
        """The writes whose run may have ended last at or before ``limit`` (``strictly``: before), but for one run's.

        Of several that ended at the same time, all. Beside them, whether any run had written by then for
        certain; where none had, what was there before the first write counts too.
        """
        in_time = limit - 1 if strictly else limit
        found = _last(self._writes, bisect_right(self._ends, in_time), but)
        if not self._contested:
            return frozenset(found), bool(found)
        others = [one for one in self._contested if one.run_id != but]
        certain = [one.ends[0] for one in others if one.ends[-1] <= in_time]
        certain += [write.ended for write in found[:1]]
        # A run ended last if no other one must have ended after it, by any of its ends.
        latest = max(certain, default=NEVER)
        return frozenset(
            write for write in (*found, *(w for one in others for w in one.writes(in_time)))
            if write.ended >= latest
        ), bool(certain)  # fmt: skip


class _Contested:
    """A run on whose end its sources disagree."""

    def __init__(self, dataset: DatasetName, run: Run) -> None:
        self.run_id = run.run_id
        self.ends = run.ends
        self._versions = run.outputs[dataset]

    def writes(self, in_time: int) -> list[Write]:
        """Its writes at the latest of its ends that is in time."""
        past = [end for end in self.ends if end <= in_time]
        return [Write(past[-1], version, self.run_id) for version in self._versions] if past else []


def _last(writes: Sequence[Write], stop: int, but: str) -> list[Write]:
    index = stop - 1
    while index >= 0 and writes[index].run_id == but:
        index -= 1
    if index < 0:
        return []
    ended, found = writes[index].ended, []
    while index >= 0 and writes[index].ended == ended:
        found.append(writes[index])
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
