"""Issuing reports: builds the view, renders it, and appends that it was issued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from compliance.answers import Answers
from compliance.canonical import Json
from compliance.cli.output import require_place, write_file
from compliance.store import Store
from reports.usage_graph import as_graphml, usage_graph
from web.issuing import issue_report, statement_pdf


def write_report(
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    out: Path,
    as_pdf: bool,
    at: datetime | None,
    log_size: int | None,
    library: str | None,
    who: str,
) -> Path:
    """Write the audit report of a framework to a file, and record that it was issued."""
    require_place(out)
    issued = issue_report(
        store, answers, framework, from_=from_, to=to, as_pdf=as_pdf, at=at, log_size=log_size,
        library=library, who=who,
    )  # fmt: skip
    return write_file(out, issued.content)


def write_statement(store: Store, answer: Mapping[str, Json], out: Path) -> Path:
    """Write the record-usage statement of an answer to a file."""
    return write_file(out, statement_pdf(store, answer))


def write_graph(answer: Mapping[str, Json], out: Path) -> Path:
    """Write the paths of an answer's uses to a file, as GraphML."""
    return write_file(out, as_graphml(usage_graph(answer)))
