"""What is taken in over HTTP (CONTRACT section 3): each endpoint is its form and its rights."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request

from collectors.attestations.accept import FORM as ATTESTATION
from collectors.consents.accept import FORM as CONSENT
from collectors.contracts.accept import FORM as CONTRACT
from collectors.decisions.accept import Shape, decision_form
from collectors.erasures.accept import FORM as ERASURE
from collectors.exceptions.accept import FORM as EXCEPTION
from collectors.lineage.accept import FORM as LINEAGE
from collectors.purposes.accept import FORM as PURPOSE
from collectors.pushed.accepting import AcceptedEach, Form, Item, accept, accept_each
from compliance.canonical import Json
from compliance.errors import MunimentError
from web.access import Caller, needs
from web.appending import Arrival, outside, receipt, refuse_outside
from web.limits import Sent, sent
from web.problems import described, problem_of

REFUSALS = described(401, 403, 413, 415, 422, 503)
CREATED = 201
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}}, "application/x-ndjson": {"schema": {}}},
    },
}
"""How the OpenAPI document describes a body that the endpoint parses itself."""

router = APIRouter(prefix="/api/v1", tags=["intake"])


def arrives(path: str, *scopes: str) -> Callable[..., Awaitable[Arrival]]:
    """A dependency that gives the body arrived at a path, read only once its sender is known to be allowed."""
    permitted = needs(*scopes)

    async def arrival(request: Request, caller: Caller = Depends(permitted)) -> Arrival:
        state = request.app.state
        body: Sent = await sent(request)
        return Arrival(
            state.store, state.cleaner, caller, body, f"{router.prefix}{path}", state.intake_threads
        )

    return arrival


def arrives_as(path: str, kind: str) -> Callable[..., Awaitable[Arrival]]:
    """The same for one kind of ingested evidence: ``ingest``, or ``ingest:KIND``."""
    return arrives(path, "ingest", f"ingest:{kind}")


P = ParamSpec("P")
R = TypeVar("R")


def in_intake_threads(endpoint: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Run an endpoint in the threads kept for intake, so that pages do not wait for it, nor it for them."""

    @functools.wraps(endpoint)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        arrival = kwargs["arrival"]
        assert isinstance(arrival, Arrival)  # noqa: S101 (every endpoint here takes one)
        call = functools.partial(endpoint, *args, **kwargs)
        return await anyio.to_thread.run_sync(call, limiter=arrival.threads)

    return run


def taken_whole(
    arrival: Arrival, form: Form, kind: str | None, *, only_object: bool = False
) -> dict[str, Json]:
    """Take a body as a whole or not at all. Raises what the table of problems lists."""
    source = None if kind is None else arrival.bound(kind)
    accepted = accept(
        arrival.sent.unpacked(),
        form,
        arrival.cleaner,
        media_type=arrival.sent.media_type,
        only_object=only_object,
    )
    refuse_outside(source, accepted)
    return receipt(arrival.append(accepted), len(accepted.items))


# --- lineage -----------------------------------------------------------------------------------


@router.post("/lineage", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_lineage(arrival: Annotated[Arrival, Depends(arrives_as("/lineage", "lineage"))]) -> dict[str, Json]:
    """Take one OpenLineage RunEvent, JobEvent or DatasetEvent."""
    return taken_whole(arrival, LINEAGE, "lineage", only_object=True)


@router.post("/lineage/batch", responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_lineage_batch(
    arrival: Annotated[Arrival, Depends(arrives_as("/lineage/batch", "lineage"))],
) -> dict[str, Json]:
    """Take a JSON array of OpenLineage events: the good ones are applied, each gets its own result."""
    source = arrival.bound("lineage")

    def permit(item: Item) -> MunimentError | None:
        return outside(source, LINEAGE, item)

    each = accept_each(arrival.sent.unpacked(), LINEAGE, arrival.cleaner, permit)
    index = arrival.append(
        each.accepted, {"left_out": sorted(each.refused)[:LISTED_AT_MOST]} if each.refused else None
    )
    return {"results": _results(each), **receipt(index, len(each.kept))}


LISTED_AT_MOST = 100
"""Positions of refused events that an entry names."""


def _results(each: AcceptedEach) -> list[dict[str, Json]]:
    kept: dict[int, dict[str, Json]] = {number: {"index": number, "status": CREATED} for number in each.kept}
    refused = {number: _refusal(number, error) for number, error in each.refused.items()}
    return [result for _, result in sorted((kept | refused).items())]


def _refusal(number: int, error: MunimentError) -> dict[str, Json]:
    problem = problem_of(error)
    result: dict[str, Json] = {"index": number, "status": problem["status"], "detail": problem["detail"]}
    return result | ({"field": problem["field"]} if error.field else {})


# --- decisions, consents, erasures, contracts, purposes ----------------------------------------


@router.post("/opa/logs", responses=REFUSALS, openapi_extra=BODY)
@router.post("/opa/logs/{partition}", responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_decisions(
    arrival: Annotated[Arrival, Depends(arrives_as("/opa/logs", "decisions"))],
) -> dict[str, Json]:
    """Take a decision-log batch of Open Policy Agent."""
    shape = Shape(**arrival.store.settings.decisions.model_dump())
    source = arrival.bound("decisions")
    accepted = accept(arrival.sent.unpacked(), decision_form(shape), arrival.cleaner)
    refuse_outside(source, accepted)
    stated = shape.as_json()
    index = arrival.append(accepted, {"shape": stated} if stated else None)
    return receipt(index, len(accepted.items))


@router.post("/consents", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_consents(
    arrival: Annotated[Arrival, Depends(arrives_as("/consents", "consents"))],
) -> dict[str, Json]:
    """Take consents given and withdrawn."""
    return taken_whole(arrival, CONSENT, "consents")


@router.post("/erasures", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_erasures(
    arrival: Annotated[Arrival, Depends(arrives_as("/erasures", "erasures"))],
) -> dict[str, Json]:
    """Take deletion-log entries."""
    return taken_whole(arrival, ERASURE, "erasures")


@router.post("/contracts", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_contracts(
    arrival: Annotated[Arrival, Depends(arrives_as("/contracts", "contracts"))],
) -> dict[str, Json]:
    """Take data contracts."""
    return taken_whole(arrival, CONTRACT, "contracts")


@router.post("/purposes", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_purposes(
    arrival: Annotated[Arrival, Depends(arrives_as("/purposes", "purposes"))],
) -> dict[str, Json]:
    """Take entries of the register of processing."""
    return taken_whole(arrival, PURPOSE, "purposes")


# --- attestations and exceptions ---------------------------------------------------------------


@router.post("/attestations", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_attestations(
    arrival: Annotated[Arrival, Depends(arrives("/attestations", "attest"))],
) -> dict[str, Json]:
    """Take statements about controls that people sign."""
    return taken_whole(arrival, ATTESTATION, None)


@router.post("/exceptions", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def post_exceptions(arrival: Annotated[Arrival, Depends(arrives("/exceptions", "admin"))]) -> dict[str, Json]:
    """Take approved exceptions from a check or control."""
    return taken_whole(arrival, EXCEPTION, None)
