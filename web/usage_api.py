"""Record usage asked in other ways, over HTTP: erasure ledgers, whose records a model used, impact, what is described."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from collectors.model_decisions.accept import ACTIONS
from collectors.pushed import fields
from compliance.answers import Basis
from compliance.canonical import Json, parse_time, strict_json
from compliance.errors import InputRefused
from compliance.usage_answers import UsageAnswers
from web.access import Caller, needs
from web.deciding import decide as recorded
from web.limits import sent
from web.problems import described

DataProtection = Annotated[Caller, Depends(needs("dpo"))]
Reviewer = Annotated[Caller, Depends(needs("auditor", "engineer", "dpo"))]
AT_MOST = 1_000_000
"""People in one question."""


def _body(**properties: Json) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


TEXT: dict[str, Json] = {"type": "string"}
DECISION = _body(model=TEXT, action={"type": "string", "enum": list(ACTIONS)},
                 because=TEXT)  # fmt: skip
PEOPLE = _body(key_space=TEXT, pseudonyms={"type": "array", "items": TEXT}, reason=TEXT)
MODEL = _body(key_space=TEXT, model=TEXT, reason=TEXT)

router = APIRouter(prefix="/api/v1", tags=["record usage"])


async def stated(request: Request, _caller: DataProtection) -> Mapping[str, Json]:
    """The JSON object of a body. Raises InputRefused."""
    value = strict_json((await sent(request)).unpacked())
    if not isinstance(value, dict):
        raise InputRefused("Expected a JSON object.", field="")
    return value


Stated = Annotated[Mapping[str, Any], Depends(stated)]


@router.get("/erasures", responses=described(401, 403, 422, 503))
def erasures(
    request: Request, _caller: Reviewer, at: str | None = None, log_size: int | None = None
) -> dict[str, Json]:
    """Every erasure request that is known: when it was asked for, due and done. Nobody is named."""
    return _usage(request).erasures(_basis(request, at, log_size))


@router.get("/erasures/{request_id}", responses=described(401, 403, 404, 422, 503))
def ledger(
    request: Request,
    caller: DataProtection,
    request_id: str,
    at: str | None = None,
    log_size: int | None = None,
) -> dict[str, Json]:
    """The ledger of one request: each version, feature and model that held the record, and what is left to do."""
    return _usage(request).ledger(_basis(request, at, log_size), request_id, who=caller.name)


@router.post(
    "/erasures/{request_id}/decisions", status_code=201, responses=described(401, 403, 404, 413, 422, 503),
    openapi_extra=DECISION,
)  # fmt: skip
def decide(request: Request, caller: DataProtection, request_id: str, said: Stated) -> dict[str, Json]:
    """Record what was decided about a model that holds the record; it becomes an entry."""
    return recorded(request.app.state.store, request.app.state.answers, request_id, said, who=caller.name)


@router.post("/usage/model", responses=described(401, 403, 404, 413, 422, 503), openapi_extra=MODEL)
def records_of_model(request: Request, caller: DataProtection, said: Stated) -> dict[str, Json]:
    """Which records of a key space a model used, for which purposes."""
    return _usage(request).records_of_model(
        _asked(request, said), fields.text(said, "model"), fields.text(said, "key_space"), who=caller.name,
        reason=fields.text(said, "reason"),
    )  # fmt: skip


@router.post("/usage/touched", responses=described(401, 403, 404, 413, 422, 503), openapi_extra=PEOPLE)
def touched(request: Request, caller: DataProtection, said: Stated) -> dict[str, Json]:
    """Which models used the records of a list of people, such as all who withdrew their consent."""
    fields.texts(said, "pseudonyms")
    people = said["pseudonyms"]
    if len(people) > AT_MOST:
        raise InputRefused(
            f"/pseudonyms has {len(people)} of at most {AT_MOST}; ask in parts.", field="/pseudonyms"
        )
    return _usage(request).touched(
        _asked(request, said),
        fields.text(said, "key_space"),
        people,
        who=caller.name,
        reason=fields.text(said, "reason"),
    )


@router.get("/usage/impact", responses=described(401, 403, 404, 422, 503))
def impact(
    request: Request, _caller: Reviewer, namespace: str, name: str, column: str | None = None, at: str | None = None,
    log_size: int | None = None,
) -> dict[str, Json]:  # fmt: skip
    """Which datasets, columns, jobs, models and features a change of a dataset or column would reach."""
    return _usage(request).impact(_basis(request, at, log_size), namespace, name, column)


@router.get("/usage/described", responses=described(401, 403, 422, 503))
def datasets(
    request: Request, _caller: Reviewer, at: str | None = None, log_size: int | None = None
) -> dict[str, Json]:
    """Which datasets have manifests, contracts, purposes and column lineage, and which have none."""
    return _usage(request).described(_basis(request, at, log_size))


def _usage(request: Request) -> UsageAnswers:
    return UsageAnswers(request.app.state.answers)


def _asked(request: Request, said: Mapping[str, Json]) -> Basis:
    size = said.get("log_size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
        raise InputRefused("/log_size is no whole number.", field="/log_size")
    return _basis(request, fields.optional_text(said, "at"), size)


def _basis(request: Request, at: str | None, log_size: int | None) -> Basis:
    instant: datetime | None = None if at is None else parse_time(at, field="at")
    found: Basis = request.app.state.answers.basis(at=instant, log_size=log_size)
    return found
