"""Issuing reports: builds the view, renders it, and appends that it was issued."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from compliance.answers import Answers
from compliance.canonical import Json
from compliance.cli.output import require_place, write_file
from compliance.errors import InputRefused
from compliance.store import Store
from reports.usage_graph import as_graphml, usage_graph
from reports.usage_prov import as_prov_json, as_prov_n, usage_prov
from web.issuing import issue_oscal, issue_report, statement_pdf
from web.pages.records import uses_csv


def write_report(
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    out: Path,
    form: str,
    at: datetime | None,
    log_size: int | None,
    library: str | None,
    who: str,
) -> Path:
    """Write the audit report of a framework to a file, and record that it was issued."""
    require_place(out)
    if form == "oscal":
        issued = issue_oscal(
            store, answers, framework, from_=from_, to=to, at=at, log_size=log_size, library=library, who=who
        )
    else:
        issued = issue_report(
            store, answers, framework, from_=from_, to=to, as_pdf=form == "pdf", at=at, log_size=log_size,
            library=library, who=who,
        )  # fmt: skip
    return write_file(out, issued.content)


def write_statement(store: Store, answer: Mapping[str, Json], out: Path) -> Path:
    """Write the record-usage statement of an answer to a file."""
    return write_file(out, statement_pdf(store, answer))


EXPORTS: Mapping[str, Callable[[Mapping[str, Json]], bytes]] = {
    ".prov.json": lambda answer: as_prov_json(usage_prov(answer)),
    ".provn": lambda answer: as_prov_n(usage_prov(answer)),
    ".graphml": lambda answer: as_graphml(usage_graph(answer)),
    ".csv": lambda answer: uses_csv(answer).encode(),
    ".json": lambda answer: json.dumps(answer, indent=2, ensure_ascii=False).encode(),
}
"""What an answer about a record is written as, by how the file's name ends; the first that fits."""


def export_as(out: Path) -> Callable[[Mapping[str, Json]], bytes]:
    """How an answer is written to a file of this name. Raises InputRefused listing the endings."""
    for ending, form in EXPORTS.items():
        if out.name.lower().endswith(ending):
            return form
    message = f"{out.name} ends in none of {', '.join(EXPORTS)}; by that the form is chosen."
    raise InputRefused(message, field="--export")


def write_export(answer: Mapping[str, Json], out: Path) -> Path:
    """Write an answer to a file, in the form that the end of its name says."""
    return write_file(out, export_as(out)(answer))
