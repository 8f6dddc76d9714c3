"""Erasure requests, for the data protection officer: what became of each record, and what is left to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from collectors.model_decisions.accept import ACTIONS
from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused
from compliance.usage_answers import UsageAnswers
from web.deciding import decide
from web.pages.frame import Frame
from web.pages.visits import Visit, visiting
from web.problems import described

STATUS_CLASSES = {
    "erased": "effective",
    "tombstoned": "deficient",
    "still present": "deficient",
    "unknown": "unknown",
}
LONGEST = 2000

router = APIRouter(prefix="/erasures", tags=["pages"], include_in_schema=False)
Officer = Annotated[Visit, Depends(visiting("dpo"))]


@dataclass(frozen=True)
class Request:
    """One request, as the list shows it."""

    request_id: str
    address: str
    key_space: str
    requested: datetime | None
    due: datetime | None
    completed: datetime
    late: bool | None
    datasets: str


@dataclass(frozen=True)
class ErasuresPage:
    """All requests."""

    frame: Frame
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Line:
    """A version, feature or model that held the record."""

    kind: str
    name: str
    state: str
    css: str
    because: str
    decisions: tuple[str, ...]
    evidence: tuple[str, ...]
    open: bool


@dataclass(frozen=True)
class Record:
    """What became of one record of a request."""

    pseudonym: str
    lines: tuple[Line, ...]
    open: int
    gaps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ErasurePage:
    """The ledger of one request."""

    frame: Frame
    request: Request
    records: tuple[Record, ...]
    actions: tuple[str, ...]


@router.get("", responses=described(401, 403))
def erasures(visit: Officer) -> Response:
    """Every request that is known."""
    told = UsageAnswers(visit.answers).erasures(visit.basis)
    return visit.page("erasures.html", ErasuresPage(visit.frame, tuple(map(_request, told["requests"]))))


@router.get("/{request_id}", responses=described(401, 403, 404))
def erasure(visit: Officer, request_id: str) -> Response:
    """The ledger of one request; looking at it is recorded."""
    return visit.page("erasure.html", _ledger(visit, request_id))


@router.post("/{request_id}", responses=described(401, 403, 404, 422))
def decided(
    visit: Officer,
    request_id: str,
    model: Annotated[str, Form()] = "",
    action: Annotated[str, Form()] = "",
    because: Annotated[str, Form()] = "",
) -> Response:
    """Record what was decided about a model."""
    if len(because) > LONGEST:
        raise InputRefused(f"The reason is longer than {LONGEST} letters.", field="because")
    said = {"model": model, "action": action, "because": because.strip()}
    decide(visit.store, visit.answers, request_id, said, who=visit.caller.name)
    return RedirectResponse(f"/erasures/{quote(request_id, safe='')}", status_code=303)


def _ledger(visit: Visit, request_id: str) -> ErasurePage:
    told = UsageAnswers(visit.answers).ledger(visit.basis, request_id, who=visit.caller.name)
    records = tuple(_record(record) for record in told["records"])
    return ErasurePage(visit.frame, _request(told["records"][0]), records, ACTIONS)


def _request(said: Mapping[str, Json]) -> Request:
    named = said["datasets"]
    datasets = "all" if named == "*" else ", ".join(f"{one['namespace']}/{one['name']}" for one in named)
    return Request(
        said["request_id"], f"/erasures/{quote(said['request_id'], safe='')}", said["key_space"],
        _time(said["requested_at"]), _time(said["due"]), parse_time(said["completed_at"]), said["late"], datasets,
    )  # fmt: skip


def _record(said: Mapping[str, Json]) -> Record:
    left = {(one["kind"], one["name"], one["version"]) for one in said["open"]}
    lines = [
        _line("version", f"{one['namespace']}/{one['name']}", one, one["because"], left)
        for one in said["versions"]
    ]
    lines += [_line("feature", one["name"], one, "", left) for one in said["features"]]
    lines += [
        _line("model", one["name"], one, f"for {', '.join(one['purposes'])}", left) for one in said["models"]
    ]
    lines.sort(key=lambda line: not line.open)  # what is left to do first, else as they stand
    gaps = tuple((f"{gap['namespace']}/{gap['name']}".lstrip("/"), gap["why"]) for gap in said["gaps"])
    return Record(said["pseudonym"], tuple(lines), len(said["open"]), gaps)


def _line(
    kind: str, name: str, one: Mapping[str, Json], because: str, left: set[tuple[str, str, str | None]]
) -> Line:
    decisions = tuple(
        f"{item['action']}, by {item['decided_by']} on {item['decided_at'][:10]}: {item['because']}"
        for item in one.get("decisions", ())
    )
    return Line(
        kind, f"{name}@{one['version']}", one["state"], STATUS_CLASSES[one["state"]], because, decisions,
        tuple(one.get("evidence", ())), (kind, name, one["version"]) in left,
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
