"""Audit reports: one of a framework over a period is made here, and those issued before are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused, NotFound
from web.issuing import DEFAULT_PERIOD, issue_report
from web.pages.frame import Frame
from web.pages.naming import framework_name
from web.pages.visits import Visit, visiting
from web.problems import described

LISTED = 50

router = APIRouter(prefix="/reports", tags=["pages"], include_in_schema=False)
Auditor = Annotated[Visit, Depends(visiting("auditor"))]


@dataclass(frozen=True)
class Issued:
    """One report that was issued."""

    id: str
    name: str
    first: datetime
    last: datetime
    """The last moment of its period."""
    as_of: datetime
    log_size: int
    sha256: str
    format: str


@dataclass(frozen=True)
class ReportsPage:
    """Everything that the page shows, and what was wrong with the last call, if anything."""

    frame: Frame
    frameworks: tuple[tuple[str, str], ...]
    framework: str
    first: str
    """First and last day as the form has them: ``2026-11-23``."""
    last: str
    issued: tuple[Issued, ...]
    wrong: str = ""


@router.get("", responses=described(401, 403, 422))
def reports(visit: Auditor, framework: str = "") -> Response:
    """The form, and the reports issued."""
    return visit.page("reports.html", replace(_page(visit), framework=framework))


@router.post("", responses=described(401, 403, 404, 422, 503))
def make(
    visit: Auditor, framework: Annotated[str, Form()] = "", first: Annotated[str, Form()] = "",
    last: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Make a report, record that it was issued, and send it."""
    try:
        made = issue_report(
            visit.store, visit.answers, framework, from_=_day(first, "from"), to=_day(last, "to"), as_pdf=True,
            who=visit.caller.name,
        )  # fmt: skip
    except (InputRefused, NotFound) as error:
        wrong = replace(_page(visit), framework=framework, first=first, last=last, wrong=error.message)
        return visit.page("reports.html", wrong, error.status)
    headers = {
        "Content-Disposition": f'attachment; filename="{framework}-audit-report.pdf"',
        "X-Content-SHA256": made.sha256, "X-Evidence-Id": made.evidence,
    }  # fmt: skip
    return Response(made.content, media_type="application/pdf", headers=headers)


def _day(text: str, field: str) -> datetime | None:
    return parse_time(text, field=field, assume_utc=True) if text else None


def _page(visit: Visit) -> ReportsPage:
    frameworks = visit.answers.assessment(visit.basis).frameworks
    at, log = visit.basis.at, visit.store.log
    rows = visit.answers.entries(kind="report/1", last=LISTED, before=visit.basis.log_size)
    return ReportsPage(
        frame=visit.frame,
        frameworks=tuple((name, framework_name(name)) for name, result in sorted(frameworks.items()) if result.in_scope),
        framework="", first=f"{at - DEFAULT_PERIOD + timedelta(days=1):%Y-%m-%d}", last=f"{at:%Y-%m-%d}",
        issued=issued_of([(row["id"], log.entry(int(row["id"])).detail) for row in reversed(rows)]),
    )  # fmt: skip


def issued_of(entries: Sequence[tuple[str, Mapping[str, Json]]]) -> tuple[Issued, ...]:
    """The reports that entries of kind ``report/1`` state, in the order given."""
    return tuple(
        Issued(
            id=name, name=framework_name(said["framework"]), first=parse_time(said["from"]),
            last=parse_time(said["to"]) - timedelta(microseconds=1), as_of=parse_time(said["as_of"]),
            log_size=said["log_size"], sha256=said["sha256"], format=said["format"],
        )
        for name, said in entries
        if "framework" in said
    )  # fmt: skip
