"""The dashboard: which controls are broken or cannot be judged, the gravest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from compliance.assessment import Assessment
from compliance.canonical import Json
from compliance.gaps import Gap, gaps_of
from compliance.library import Library
from web.pages.changes import Change, changes_of
from web.pages.frame import Frame
from web.pages.naming import family_title, framework_name, in_words, owner_name, requirement_name, sentence
from web.pages.strips import FrameworkStrip, framework_strip
from web.pages.visits import Visit, visiting
from web.problems import described

CHIPS_SHOWN = 4
CHANGES_SHOWN = 8
GAP_STATUSES = ("deficient", "unknown")

router = APIRouter(tags=["pages"], include_in_schema=False)
Reader = Annotated[Visit, Depends(visiting("engineer", "auditor"))]


@dataclass(frozen=True)
class GapRow:
    """One gap as a row shows it."""

    gap: Gap
    owner: str
    since: datetime | None
    """Since when it stands, at the earliest since the log began; None where that is not worked out yet."""
    stands_for: timedelta | None
    ever: bool
    """Whether it was never otherwise since the log began."""
    chips: tuple[str, ...]
    """The first requirements in scope that it breaks, as they are named."""
    more_chips: tuple[str, ...]
    more_findings: int


@dataclass(frozen=True)
class Filters:
    """What the list was narrowed to, and what it can be narrowed to."""

    framework: str
    family: str
    status: str
    frameworks: tuple[tuple[str, str], ...]
    """``(id, name)`` of those in scope."""
    families: tuple[tuple[str, str], ...]
    statuses: tuple[str, ...] = GAP_STATUSES

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.framework or self.family or self.status)


@dataclass(frozen=True)
class GapsPage:
    """Everything that the dashboard shows."""

    frame: Frame
    headline: str
    lead: str
    strips: tuple[FrameworkStrip, ...]
    rows: tuple[GapRow, ...]
    gaps_in_all: int
    filters: Filters
    changed: tuple[Change, ...]
    changed_in_all: int
    since_known: bool
    """Whether it is worked out since when each gap stands."""


@router.get("/", responses=described(401, 403, 422))
def dashboard(visit: Reader, framework: str = "", family: str = "", status: str = "") -> Response:
    """The dashboard of control gaps; a data protection officer is led to the records."""
    if visit.caller.role == "dpo":
        return RedirectResponse("/records", status_code=303)
    answers, basis = visit.answers, visit.basis
    library, assessment = answers.library(basis), answers.assessment(basis)
    lines = visit.remembered.lines(answers, basis)
    return visit.page("gaps.html", gaps_page(
        visit.frame, library, assessment, {} if lines is None else {name: line[-1].start for name, line in lines.items() if line},
        answers.changes(basis), (framework, family, status), since_known=lines is not None,
        began=visit.store.log.entry(0).received_at,
    ))  # fmt: skip


@router.get("/gaps.csv", responses=described(401, 403, 422))
def gaps_csv(visit: Reader) -> Response:
    """All gaps as CSV, each with the values that it was computed from."""
    headers = {"Content-Disposition": 'attachment; filename="gaps.csv"'}
    return Response(
        visit.answers.gaps_csv(visit.basis), media_type="text/csv; charset=utf-8", headers=headers
    )


def gaps_page(
    frame: Frame,
    library: Library,
    assessment: Assessment,
    since: Mapping[str, datetime],
    changes: Mapping[str, Json],
    narrowed: tuple[str, str, str],
    *,
    since_known: bool,
    began: datetime,
) -> GapsPage:
    """The page of an assessment and of what changed since the day before; the log began at ``began``."""
    gaps = gaps_of(library, assessment, since.get)
    filters = _filters(library, assessment, narrowed)
    changed = changes_of(library, changes)
    return GapsPage(
        frame=frame, headline=_headline(gaps, len(assessment.controls)), lead=_lead(gaps, changes),
        strips=tuple(
            framework_strip(library.frameworks[name], result)
            for name, result in sorted(assessment.frameworks.items())
            if result.in_scope
        ),
        rows=tuple(_row(gap, assessment, began) for gap in gaps if _wanted(filters)(gap)), gaps_in_all=len(gaps),
        filters=filters, changed=changed[:CHANGES_SHOWN], changed_in_all=len(changed), since_known=since_known,
    )  # fmt: skip


def _headline(gaps: Sequence[Gap], controls: int) -> str:
    if not gaps:
        return f"All {controls} controls are in order"
    return "One control needs attention" if len(gaps) == 1 else f"{len(gaps)} controls need attention"


def _lead(gaps: Sequence[Gap], changes: Mapping[str, Json]) -> str:
    broken, blind = (sum(gap.status == status for gap in gaps) for status in GAP_STATUSES)
    new = sum(change["after"] in GAP_STATUSES for change in changes["controls"])
    said = f"{_many(broken)} {'is' if broken == 1 else 'are'} broken, {_many(blind)} cannot be judged"
    return f"{sentence(said)} {sentence(f'{_many(new)} started in the last day')}"


def _many(count: int) -> str:
    return in_words(count) if count else "none"


def _filters(library: Library, assessment: Assessment, narrowed: tuple[str, str, str]) -> Filters:
    framework, family, status = narrowed
    inside = [name for name, result in sorted(assessment.frameworks.items()) if result.in_scope]
    families = sorted(
        {(c.family, family_title(library, c.family)) for c in library.controls}, key=lambda one: one[1]
    )
    return Filters(
        framework=framework, family=family, status=status,
        frameworks=tuple((name, framework_name(name)) for name in inside), families=tuple(families),
    )  # fmt: skip


def _wanted(filters: Filters) -> Callable[[Gap], bool]:
    def wanted(gap: Gap) -> bool:
        answers = not filters.framework or any(
            r.startswith(f"{filters.framework}:") for r in gap.requirements
        )
        return answers and filters.family in {"", gap.family} and filters.status in {"", gap.status}

    return wanted


def _row(gap: Gap, assessment: Assessment, began: datetime) -> GapRow:
    since = None if gap.since is None else max(gap.since, began)
    breaks = [requirement_name(name) for name in gap.requirements if name in assessment.requirements]
    return GapRow(
        gap=gap, owner=owner_name(gap.owner), since=since, stands_for=None if since is None else assessment.at - since,
        ever=since is not None and since <= began,
        chips=tuple(breaks[:CHIPS_SHOWN]), more_chips=tuple(breaks[CHIPS_SHOWN:]),
        more_findings=max(len(gap.findings) - 1, 0),
    )  # fmt: skip
