"""What changed between an earlier instant and the one judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from compliance.canonical import Json, parse_time
from compliance.library import Library
from web.pages.frame import Frame
from web.pages.naming import STATUS_OF_OUTCOME
from web.pages.visits import Visit, visiting
from web.problems import described

FINDINGS_SHOWN = 300

router = APIRouter(tags=["pages"], include_in_schema=False)
Reader = Annotated[Visit, Depends(visiting("engineer", "auditor"))]


@dataclass(frozen=True)
class Change:
    """A control whose status differs."""

    control: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangedFinding:
    """A result that differs; None where there was or is none."""

    check: str
    control: str
    resource: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ChangesPage:
    """Everything that the page shows."""

    frame: Frame
    since: datetime
    controls: tuple[Change, ...]
    findings: tuple[ChangedFinding, ...]
    findings_in_all: int


@router.get("/changes", responses=described(401, 403, 422))
def changes(visit: Reader, since: str = "") -> Response:
    """What changed since an instant, by default a day before."""
    earlier = parse_time(since, field="since", assume_utc=True) if since else None
    found = visit.answers.changes(visit.basis, since=earlier)
    return visit.page("changes.html", changes_page(visit.frame, visit.answers.library(visit.basis), found))


def changes_page(frame: Frame, library: Library, found: Mapping[str, Json]) -> ChangesPage:
    """The page of a comparison (``Answers.changes``)."""
    findings = [_finding(library, change) for change in found["findings"]]
    findings.sort(key=lambda one: (_worse(one), one.control, one.check, one.resource))
    return ChangesPage(
        frame,
        parse_time(found["since"]),
        changes_of(library, found),
        tuple(findings[:FINDINGS_SHOWN]),
        len(findings),
    )


def changes_of(library: Library, found: Mapping[str, Json]) -> tuple[Change, ...]:
    """The controls that changed, those that are worse now first."""
    changed = [
        Change(one["control"], library.control_of(one["control"]).title, one["before"], one["after"])
        for one in found["controls"]
    ]
    return tuple(sorted(changed, key=lambda one: (_ORDER[one.after], one.control)))


_ORDER = {"deficient": 0, "unknown": 1, "excepted": 2, "effective": 3}


def _finding(library: Library, change: Mapping[str, Json]) -> ChangedFinding:
    check = change["check"]
    owner = library.checks.get(check) or library.attestations.get(check)
    return ChangedFinding(
        check, owner.control if owner else "", change["resource_id"],
        STATUS_OF_OUTCOME.get(change["before"] or ""), STATUS_OF_OUTCOME.get(change["after"] or ""),
    )  # fmt: skip


def _worse(finding: ChangedFinding) -> int:
    return _ORDER.get(finding.after or "", len(_ORDER))
