"""The controls, and each from the law to its proof; statements of a control are signed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from collectors.attestations.accept import FORM as ATTESTATION
from compliance.assessment import Assessment
from compliance.canonical import canonical, format_time
from compliance.errors import InputRefused, NotFound
from compliance.library import Attestation, Library
from web.appending import Arrival
from web.intake import taken_whole
from web.limits import MIB, Sent
from web.pages.control import ControlPage, control_page
from web.pages.frame import Frame
from web.pages.naming import STATUSES, family_title, framework_name, owner_name
from web.pages.visits import Visit, visiting
from web.problems import described

router = APIRouter(tags=["pages"], include_in_schema=False)
Reader = Annotated[Visit, Depends(visiting("engineer", "auditor"))]
Signer = Annotated[Visit, Depends(visiting("attest", "admin"))]


@dataclass(frozen=True)
class ControlRow:
    """One control of a family."""

    id: str
    title: str
    status: str
    cause: str | None
    owner: str
    failing: int
    population: int
    requirements: int
    """Requirements in scope that it answers."""
    tests: str
    """How it is tested, in words."""


@dataclass(frozen=True)
class Family:
    """The controls of one family."""

    id: str
    title: str
    rows: tuple[ControlRow, ...]


@dataclass(frozen=True)
class ControlsPage:
    """Everything that the list shows."""

    frame: Frame
    families: tuple[Family, ...]
    counts: tuple[tuple[str, int], ...]
    """Controls by status, the gravest first."""
    frameworks: tuple[tuple[str, str], ...]
    """``(id, name)`` of those in scope."""


@router.get("/controls", responses=described(401, 403, 422))
def controls(visit: Reader) -> Response:
    """All controls, by family."""
    answers, basis = visit.answers, visit.basis
    return visit.page(
        "controls.html", controls_page(visit.frame, answers.library(basis), answers.assessment(basis))
    )


@router.get("/controls/{control}", responses=described(401, 403, 404, 422))
def control(visit: Reader, control: str) -> Response:
    """One control, from the law to its proof."""
    return visit.page("control.html", _page(visit, control))


@router.post("/controls/{control}/attestations", responses=described(401, 403, 404, 422))
def sign(
    visit: Signer,
    request: Request,
    control: str,
    attestation: Annotated[str, Form()] = "",
    statement: Annotated[str, Form()] = "",
    stated: Annotated[str, Form()] = "",
) -> Response:
    """Sign a statement of a control, in the words that the signer was shown."""
    library = visit.answers.library(visit.basis)
    wanted = _attestation(library, control, attestation)
    if not stated:
        raise InputRefused("Nothing was signed: tick that you state this.", field="stated")
    if statement.split() != wanted.statement.split():
        raise InputRefused(
            "The statement was changed meanwhile; read it again before you sign.", field="statement"
        )
    body = canonical({
        "attestation": wanted.id, "control": wanted.control, "statement": wanted.statement,
        "signed_by": visit.frame.person, "signed_at": format_time(visit.store.clock()),
    })  # fmt: skip
    sent = Sent(body, "", "application/json", visit.store.settings.evidence.max_body_mib * MIB)
    state = request.app.state
    arrival = Arrival(visit.store, state.cleaner, visit.caller, sent, "/attestations", state.intake_threads)
    taken_whole(arrival, ATTESTATION, None)
    return RedirectResponse(f"/controls/{wanted.control}#attestations", status_code=303)


def _attestation(library: Library, control: str, name: str) -> Attestation:
    found = library.attestations.get(name)
    if found is None or found.control != library.control_of(control).id:
        raise NotFound(f"The control {control} has no such statement to sign.", field="attestation")
    return found


def _page(visit: Visit, control: str) -> ControlPage:
    answers, basis = visit.answers, visit.basis
    library, facts = answers.library(basis), answers.facts(basis)
    library.control_of(control)
    lines = visit.remembered.lines(answers, basis)
    return control_page(
        visit.frame, library, answers.assessment(basis), facts, visit.store.derivations, control,
        None if lines is None else lines[control], began=visit.store.log.entry(0).received_at,
    )  # fmt: skip


def controls_page(frame: Frame, library: Library, assessment: Assessment) -> ControlsPage:
    """The page of an assessment."""
    rows: dict[str, list[ControlRow]] = {}
    for one in library.controls:
        rows.setdefault(one.family, []).append(_row(library, assessment, one.id))
    families = [Family(name, family_title(library, name), tuple(found)) for name, found in rows.items()]
    statuses = [result.status for result in assessment.controls.values()]
    return ControlsPage(
        frame=frame, families=tuple(sorted(families, key=lambda family: family.title)),
        counts=tuple((status, statuses.count(status)) for status in STATUSES),
        frameworks=tuple(
            (name, framework_name(name)) for name, result in sorted(assessment.frameworks.items()) if result.in_scope
        ),
    )  # fmt: skip


def _row(library: Library, assessment: Assessment, name: str) -> ControlRow:
    control, result = library.control_of(name), assessment.controls[name]
    return ControlRow(
        id=name, title=control.title, status=result.status, cause=result.cause, owner=owner_name(control.owner),
        failing=result.failing, population=result.population,
        requirements=sum(requirement in assessment.requirements for requirement in control.requirements),
        tests=_tests(len(control.checks), len(control.attestations)),
    )  # fmt: skip


def _tests(checks: int, attestations: int) -> str:
    said = [f"{checks} check{'' if checks == 1 else 's'}"] if checks else []
    said += [f"{attestations} statement{'' if attestations == 1 else 's'}"] if attestations else []
    return ", ".join(said) or "nothing"
