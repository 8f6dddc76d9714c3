"""The sources: when each last spoke, how completely it was seen, and what is unknown because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from compliance.assessment import Assessment
from compliance.canonical import Json
from compliance.facts import FactBase, ScopeState, SourceState
from compliance.settings import SourceSettings
from web.pages.frame import Frame
from web.pages.naming import CAUSES
from web.pages.visits import Visit, visiting
from web.problems import described

DEFECTS_SHOWN = 200

router = APIRouter(prefix="/sources", tags=["pages"], include_in_schema=False)
Reader = Annotated[Visit, Depends(visiting("engineer", "auditor"))]


@dataclass(frozen=True)
class SourceRow:
    """One configured source."""

    state: SourceState
    css: str
    word: str
    said: str
    """How it stands, in a sentence."""
    schedule: str
    next_run: datetime | None
    whole_at: datetime | None
    """When all that it shows was last seen whole; None where it lists nothing, or never was."""
    scopes: tuple[ScopeState, ...]
    unknown: int
    """Results that are unknown because of it."""
    controls: tuple[str, ...]
    """The controls that they belong to."""


@dataclass(frozen=True)
class Wrong:
    """One thing that was wrong with evidence that was taken nevertheless, and where, the newest first."""

    what: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class SourcesPage:
    """Everything that the page shows."""

    frame: Frame
    headline: str
    rows: tuple[SourceRow, ...]
    defects: tuple[Wrong, ...]


@router.get("", responses=described(401, 403, 422))
def sources(visit: Reader) -> Response:
    """The configured sources."""
    answers, basis = visit.answers, visit.basis
    page = sources_page(
        visit.frame, answers.facts(basis), answers.assessment(basis), visit.store.kind_facts,
        {source.name: source for source in visit.store.settings.sources}, answers.next_runs(),
        answers.defects(last=DEFECTS_SHOWN),
    )  # fmt: skip
    return visit.page("sources.html", page)


def sources_page(
    frame: Frame,
    base: FactBase,
    assessment: Assessment,
    kind_facts: Mapping[str, Sequence[str]],
    settings: Mapping[str, SourceSettings],
    next_runs: Mapping[str, datetime],
    defects: Sequence[Mapping[str, Json]],
) -> SourcesPage:
    """The page of the sources in force at an instant."""
    rows = []
    for state in base.sources():
        scopes = tuple(
            scope
            for fact in kind_facts.get(state.kind, ())
            for scope in base.scopes(fact)
            if scope.source == state.name
        )
        given = settings.get(state.name)
        rows.append(_row(state, scopes, assessment, given, next_runs.get(state.name)))
    rows.sort(key=lambda row: (row.state.cause is None, row.word == "In time", row.state.name))
    ailing = sum(row.state.cause is not None for row in rows)
    return SourcesPage(frame, _headline(ailing, len(rows)), tuple(rows), _wrong(defects))


def _wrong(defects: Sequence[Mapping[str, Json]]) -> tuple[Wrong, ...]:
    found: dict[str, list[str]] = {}
    for defect in defects:
        found.setdefault(defect["what"], []).append(defect["evidence"])
    return tuple(Wrong(what, tuple(evidence)) for what, evidence in found.items())


def _headline(ailing: int, count: int) -> str:
    if not count:
        return "No source is configured"
    if not ailing:
        return f"All {count} sources report" if count > 1 else "The one source reports"
    return f"{ailing} of {count} sources {'does' if ailing == 1 else 'do'} not report as {'it' if ailing == 1 else 'they'} should"


def _row(
    state: SourceState,
    scopes: tuple[ScopeState, ...],
    assessment: Assessment,
    given: SourceSettings | None,
    next_run: datetime | None,
) -> SourceRow:
    css, word, said = _stands(state)
    whole = [scope.seen_whole_at for scope in scopes]
    unknown = [
        finding for control in assessment.controls.values() for check in control.checks for finding in check.told
        if finding.outcome == "unknown" and finding.source == state.name
    ]  # fmt: skip
    return SourceRow(
        state=state, css=css, word=word, said=said,
        schedule=_rhythm(given), next_run=next_run,
        whole_at=min((one for one in whole if one is not None), default=None) if all(whole) else None, scopes=scopes,
        unknown=len(unknown), controls=tuple(sorted({finding.control for finding in unknown})),
    )  # fmt: skip


def _stands(state: SourceState) -> tuple[str, str, str]:
    """Class, word and sentence."""
    if state.cause is not None:
        detail = state.detail or CAUSES[state.cause]
        return ("deficient" if state.cause == "incomplete" else "unknown"), state.cause.capitalize(), detail
    if state.detail:
        return "excepted", "Silence untold", state.detail
    return "effective", "In time", "it reports as expected"


def _rhythm(given: SourceSettings | None) -> str:
    if given is None:
        return "not configured any more"
    if given.schedule:
        return (
            f"every {given.schedule}"
            if given.schedule[:1].isdigit() and " " not in given.schedule
            else given.schedule
        )
    return f"expected every {given.expect_every}" if given.expect_every else "whenever it likes"
