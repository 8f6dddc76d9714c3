"""What goes into a bundle: entries by id, kind, source or period, or those behind findings or a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from compliance.answers import Answers, Basis
from compliance.bundle import Bundle, write_bundle
from compliance.canonical import Json, format_time, micros, parse_evidence_id, parse_time
from compliance.errors import InputRefused, NotFound

JUDGED_BY = ("library/1", "config/1")
"""Kinds whose entries say what was judged by."""
REPORT = "report/1"


@dataclass(frozen=True)
class Wanted:
    """A selection. Ids, findings, control, framework and report add up; kind, source and period narrow.

    With none of the former, all entries are narrowed. The period is of the entries' instants, from
    ``start`` up to, not including, ``end``.
    """

    ids: tuple[str, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    """Pairs of check and resource."""
    control: str | None = None
    framework: str | None = None
    report: int | None = None
    """The entry of a report that was issued: what its findings cited, and itself."""
    kind: str | None = None
    source: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def names_entries(self) -> bool:
        """Whether it says which entries, rather than only narrowing all of them."""
        return bool(self.ids or self.findings or self.control or self.framework) or self.report is not None

    def as_json(self) -> dict[str, Json]:
        """As ``selection.json`` of the bundle states it; what was not asked for is left out."""
        said: dict[str, Json] = {
            "ids": list(self.ids), "findings": [list(pair) for pair in self.findings], "control": self.control,
            "framework": self.framework, "report": self.report, "kind": self.kind, "source": self.source,
            "from": None if self.start is None else format_time(self.start),
            "to": None if self.end is None else format_time(self.end),
        }  # fmt: skip
        return {name: value for name, value in said.items() if value not in (None, [])}


def export(
    answers: Answers,
    basis: Basis,
    wanted: Wanted,
    out: Path,
    more: Mapping[str, bytes] | None = None,
    since: str | None = None,
) -> Bundle:
    """Write a bundle of what is wanted, at the log size of the basis. Raises what ``write_bundle`` does."""
    store = answers.store
    selection = {**basis.as_json(), "origin": store.log.origin, "wanted": wanted.as_json()}
    if not wanted.control and not wanted.framework and not wanted.findings and wanted.report is None:
        # Nothing was judged: equal selections then do not differ by the time of day.
        del selection["as_of"]
    return write_bundle(
        store.log, store.settings.home / "log", out, indexes=select(answers, basis, wanted),
        size=basis.log_size, selection=selection, more=more, since=since,
    )  # fmt: skip


def select(answers: Answers, basis: Basis, wanted: Wanted) -> list[int]:
    """The log indexes of what is wanted, ascending.

    Raises NotFound for a control, finding or report that is not there, InputRefused for what is no
    evidence id.
    """
    named = set(_named(answers, basis, wanted)) if wanted.names_entries() else None
    if named and max(named) >= basis.log_size:
        message = f"There is no entry {max(named)} among the first {basis.log_size}."
        raise NotFound(message, field="id")
    narrowed = _narrowed(answers, basis.log_size, wanted)
    return sorted(narrowed if named is None else named & set(narrowed))


def _named(answers: Answers, basis: Basis, wanted: Wanted) -> Iterator[int]:
    for id_ in wanted.ids:
        yield parse_evidence_id(id_)[0]
    for check, resource in wanted.findings:
        found = [f for f in answers.findings(basis) if (f["check"], f["resource_id"]) == (check, resource)]
        if not found:
            raise NotFound(
                f"The check {check!r} has no finding on {resource!r} as of {format_time(basis.at)}.",
                field="finding",
            )
        yield from _cited(found)
    if wanted.control is not None:
        yield from _cited(answers.findings(basis, control=wanted.control))
    if wanted.framework is not None:
        yield from behind_framework(answers, basis, wanted.framework)
    if wanted.report is not None:
        yield from _behind_report(answers, wanted.report)


def behind_framework(answers: Answers, basis: Basis, framework: str) -> Iterator[int]:
    """The entries that the findings of a framework cite, and the library and configuration judged by."""
    known = sorted(answers.library(basis).frameworks)
    if framework not in known:
        raise NotFound(
            f"No framework is named {framework!r}; there are {', '.join(known)}.", field="framework"
        )
    yield from _cited(findings_of(answers, basis, framework))
    for kind in JUDGED_BY:
        yield from _narrowed(answers, basis.log_size, Wanted(kind=kind))


def findings_of(answers: Answers, basis: Basis, framework: str) -> list[dict[str, Json]]:
    """The findings of the checks that answer a requirement of a framework, in the order of ``findings``."""
    return [
        found
        for found in answers.findings(basis)
        if any(requirement.startswith(f"{framework}:") for requirement in found["requirements"])
    ]


def _behind_report(answers: Answers, index: int) -> Iterator[int]:
    log = answers.store.log
    entry = log.entry(index)
    if entry.kind != REPORT:
        raise InputRefused(
            f"The entry {index} is {entry.kind}, not {REPORT}; name the entry of a report.", field="report"
        )
    said = entry.detail
    basis = answers.basis(at=parse_time(said["as_of"]), log_size=said["log_size"], library=said["library"])
    yield index
    yield from behind_framework(answers, basis, said["framework"])


def _cited(findings: Iterable[Mapping[str, Json]]) -> Iterator[int]:
    for finding in findings:
        for id_ in finding["evidence"]:
            yield parse_evidence_id(id_)[0]


def _narrowed(answers: Answers, size: int, wanted: Wanted) -> list[int]:
    answers.store.projections.catch_up()
    with answers.store.projections.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT log_index FROM entry WHERE log_index < :size"
                " AND (CAST(:kind AS TEXT) IS NULL OR kind = :kind)"
                " AND (CAST(:source AS TEXT) IS NULL OR source = :source)"
                " AND instant >= :start AND instant < :end"
            ),
            {
                "size": size, "kind": wanted.kind, "source": wanted.source,
                "start": -(2**62) if wanted.start is None else micros(wanted.start),
                "end": 2**62 if wanted.end is None else micros(wanted.end),
            },
        )  # fmt: skip
        return [index for (index,) in rows]
