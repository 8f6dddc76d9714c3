"""The scope over HTTP, stated and read; and how controls operated over a period within it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from compliance.answers import Answers
from compliance.canonical import Json, parse_time, strict_json
from compliance.operating import operating
from compliance.scope import StatedScope, append_scope
from compliance.store import ITSELF, Store
from web.access import Caller, needs
from web.limits import sent
from web.problems import described

Reviewer = Annotated[Caller, Depends(needs("auditor", "engineer"))]
Administrator = Annotated[Caller, Depends(needs("admin"))]
STATED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "frameworks": {"type": "array", "items": {"type": "string"}},
                "roles": {"type": "array", "items": {"type": "string"}},
                "elected": {"type": "array", "items": {"type": "string"}},
                "exclusions": {"type": "array", "items": {
                    "type": "object", "required": ["requirement", "reason", "approver"],
                    "properties": {name: {"type": "string"} for name in ("requirement", "reason", "approver")},
                }},
            },
        }}},
    },
}  # fmt: skip

router = APIRouter(prefix="/api/v1", tags=["scope"])


async def stated(request: Request, _caller: Administrator) -> StatedScope:
    """The scope that a body states. Raises InputRefused naming the field."""
    return StatedScope.of(strict_json((await sent(request)).unpacked()))


@router.get("/scope", responses=described(401, 403, 503))
def scope(request: Request, _caller: Reviewer) -> Mapping[str, Json]:
    """The scope in force, the entry that states it, and what it leaves out, each with the reason."""
    answers: Answers = request.app.state.answers
    return answers.scope(answers.basis())


@router.put("/scope", responses=described(401, 403, 413, 422, 503), openapi_extra=STATED)
def state_scope(
    request: Request, caller: Administrator, wanted: Annotated[StatedScope, Depends(stated)]
) -> dict[str, Json]:
    """State the whole scope anew: it stands from the entry that is answered on."""
    answers: Answers = request.app.state.answers
    store: Store = request.app.state.store
    basis = answers.basis()
    checked = wanted.checked(answers.library(basis))
    if checked == StatedScope.of(answers.stated_scope(basis)):
        return {"entry": None, "known_before": True, **checked.as_json()}
    index = append_scope(store.log, checked, who=caller.name, by=ITSELF, clock=store.clock)
    return {"entry": str(index), "known_before": False, **checked.as_json()}


@router.get("/effectiveness", responses=described(401, 403, 404, 422, 503))
def effectiveness(
    request: Request, _caller: Reviewer, start: Annotated[str | None, Query(alias="from")] = None,
    to: str | None = None, framework: str | None = None, control: str | None = None, at: str | None = None,
) -> Mapping[str, Json]:  # fmt: skip
    """How controls and requirements stood over a period: spans, days of each status, deciding entries."""
    answers: Answers = request.app.state.answers
    begin, end, asked = (
        None if text is None else parse_time(text, field=name)
        for name, text in (("from", start), ("to", to), ("at", at))
    )
    basis = answers.basis(at=asked)
    return operating(answers, basis, start=begin, end=end, framework=framework, control=control)
