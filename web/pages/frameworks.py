"""The frameworks in scope, and every assessable requirement of one with the controls that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from compliance.assessment import Assessment, RequirementResult
from compliance.canonical import Json
from compliance.errors import NotFound
from compliance.library import Framework, Library, Requirement
from web.pages.frame import Frame
from web.pages.naming import STATUSES, citation, framework_name, natural
from web.pages.strips import FrameworkStrip, framework_strip
from web.pages.visits import Visit, visiting
from web.problems import described

UNANSWERED = "unanswered"

router = APIRouter(tags=["pages"], include_in_schema=False)
Reader = Annotated[Visit, Depends(visiting("engineer", "auditor"))]


@dataclass(frozen=True)
class FrameworksPage:
    """Everything that the page on the scope shows."""

    frame: Frame
    strips: tuple[FrameworkStrip, ...]
    outside: tuple[tuple[str, str], ...]
    """``(name, title)`` of the frameworks of the library that are out of scope."""
    roles: tuple[str, ...]
    elected: tuple[str, ...]
    exclusions: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class RequirementRow:
    """One assessable requirement in scope."""

    id: str
    citation: str
    title: str
    nature: str
    status: str
    """A status, or ``unanswered`` where no control answers it."""
    cause: str | None
    in_part: bool
    controls: tuple[str, ...]


@dataclass(frozen=True)
class FrameworkPage:
    """Everything that the page of one framework shows."""

    frame: Frame
    framework: Framework
    name: str
    strip: FrameworkStrip
    automated: int
    automated_effective: int
    rows: tuple[RequirementRow, ...]
    status: str
    """What the list was narrowed to; empty for all."""
    choices: tuple[tuple[str, int], ...]
    """Each status with its count."""
    outside: tuple[tuple[str, str], ...]
    """``(citation, why)`` of those out of scope."""


@router.get("/frameworks", responses=described(401, 403, 422))
def frameworks(visit: Reader) -> Response:
    """What is in scope, and how each framework stands."""
    answers, basis = visit.answers, visit.basis
    config = answers.facts(basis).config()
    page = frameworks_page(visit.frame, answers.library(basis), answers.assessment(basis), config)
    return visit.page("frameworks.html", page)


@router.get("/frameworks/{framework}", responses=described(401, 403, 404, 422))
def framework(visit: Reader, framework: str, status: str = "") -> Response:
    """One framework, requirement by requirement."""
    answers, basis = visit.answers, visit.basis
    page = framework_page(visit.frame, answers.library(basis), answers.assessment(basis), framework, status)
    return visit.page("framework.html", page)


def frameworks_page(
    frame: Frame, library: Library, assessment: Assessment, config: Mapping[str, Json]
) -> FrameworksPage:
    """The page of an assessment and of the scope in force."""
    scope = config.get("scope") or {}
    found = sorted(assessment.frameworks.items())
    return FrameworksPage(
        frame=frame,
        strips=tuple(framework_strip(library.frameworks[name], result) for name, result in found if result.in_scope),
        outside=tuple((framework_name(name), result.title) for name, result in found if not result.in_scope),
        roles=tuple(scope.get("roles") or ()), elected=tuple(scope.get("elected") or ()),
        exclusions=tuple(scope.get("exclusions") or ()),
    )  # fmt: skip


def framework_page(
    frame: Frame, library: Library, assessment: Assessment, name: str, status: str
) -> FrameworkPage:
    """The page of one framework. Raises NotFound for an unknown one."""
    if name not in library.frameworks:
        raise NotFound(f"No framework is named {name!r}; there are {', '.join(sorted(library.frameworks))}.")
    held, result = library.frameworks[name], assessment.frameworks[name]
    rows = [_row(library.requirements[one.id], one) for one in result.requirements]
    rows.sort(key=lambda row: natural(row.citation))
    counted = [row.status for row in rows]
    return FrameworkPage(
        frame=frame, framework=held, name=framework_name(name), strip=framework_strip(held, result),
        automated=result.automated, automated_effective=result.automated_effective,
        rows=tuple(row for row in rows if status in {"", row.status}), status=status,
        choices=tuple((one, counted.count(one)) for one in (*STATUSES, UNANSWERED)),
        outside=tuple((citation(library.requirements[one.id].citation), one.why) for one in result.out_of_scope),
    )  # fmt: skip


def _row(requirement: Requirement, result: RequirementResult) -> RequirementRow:
    return RequirementRow(
        id=requirement.id, citation=citation(requirement.citation), title=requirement.title,
        nature=(requirement.nature or "").replace("-", " "),
        status=result.status if result.controls else UNANSWERED, cause=result.cause if result.controls else None,
        in_part=result.in_part, controls=result.controls,
    )  # fmt: skip
