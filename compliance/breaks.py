"""Breaks: where a log goes on as the successor of one that lost entries, and what answers say of it.

A break stands in the log as an entry of kind ``recovery/1`` (``compliance.recovery``). Every answer from
a log with a break says so; record usage lists what was lost as a gap, because nobody can tell any more
whether it spoke of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from compliance.canonical import Json
from compliance.recovery import RECOVERY
from compliance.store import Store


@dataclass(frozen=True)
class Break:
    """One break, as its entry states it."""

    index: int
    """The entry's; the recovered entries lie before it."""
    predecessor: str
    recovered: int
    lost: int
    missing_payloads: int
    keys: bool

    @property
    def incomplete(self) -> bool:
        """Whether evidence is known to be gone."""
        return self.lost > 0 or self.missing_payloads > 0 or not self.keys

    def sentence(self) -> str:
        """What happened, for pages, reports and gaps."""
        begun = f"the log goes on at entry {self.index} as the successor of {self.predecessor}"
        parts = [f"{begun}, of which the first {self.recovered} entries were recovered"]
        if self.lost:
            parts.append(f"{self.lost} later entries are lost")
        if self.missing_payloads:
            parts.append(f"{self.missing_payloads} payloads are missing")
        if not self.keys:
            parts.append("the keys of what was sealed are lost")
        return "; ".join(parts)


def breaks_of(store: Store, log_size: int) -> tuple[Break, ...]:
    """The breaks among the first ``log_size`` entries, in order."""
    with store.projections.connect() as connection:
        rows = connection.execute(
            text("SELECT log_index FROM entry WHERE kind = :kind AND log_index < :size ORDER BY log_index"),
            {"kind": RECOVERY, "size": log_size},
        ).all()
    return tuple(_break(index, store.log.entry(index).detail) for (index,) in rows)


def _break(index: int, detail: Mapping[str, Json]) -> Break:
    return Break(
        index, detail["predecessor"], detail["recovered"], detail["lost"], detail["missing_payloads"],
        detail["keys"],
    )  # fmt: skip


def told(breaks: tuple[Break, ...]) -> dict[str, Json]:
    """The member by which an answer states breaks; none where there is none."""
    return {"breaks": [one.sentence() for one in breaks]} if breaks else {}


def with_gaps(answer: Mapping[str, Json], breaks: tuple[Break, ...]) -> dict[str, Json]:
    """A record-usage answer with what was lost listed as gaps."""
    gaps = [
        {"namespace": "", "name": one.predecessor, "version": None, "why": one.sentence()}
        for one in breaks
        if one.incomplete
    ]
    if not gaps:
        return dict(answer)
    return {**answer, "gaps": [*answer["gaps"], *gaps], "complete": False}
