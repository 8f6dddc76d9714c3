"""The machine's questions: record usage, findings, status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from compliance.canonical import Json, is_pseudonym, parse_time, strict_json
from compliance.errors import InputRefused
from web.access import Caller, needs
from web.limits import sent
from web.ports import AnswersPort
from web.problems import described

DataProtection = Annotated[Caller, Depends(needs("dpo"))]
Reviewer = Annotated[Caller, Depends(needs("auditor", "engineer"))]
ASKED = ("key_space", "key", "pseudonym", "reason", "from", "to", "at", "log_size")
LONGEST_REASON = 2000
OUTCOMES = ("pass", "fail", "unknown", "excepted")
QUESTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {
            "type": "object", "required": ["key_space", "reason"], "additionalProperties": False,
            "properties": {
                "key_space": {"type": "string"},
                "key": {"type": "string", "description": "The raw record key; either this or pseudonym"},
                "pseudonym": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "reason": {"type": "string", "description": "Why you ask; it is recorded"},
                "from": {"type": "string", "format": "date-time"}, "to": {"type": "string", "format": "date-time"},
                "at": {"type": "string", "format": "date-time"}, "log_size": {"type": "integer", "minimum": 0},
            },
        }}},
    },
}  # fmt: skip

router = APIRouter(prefix="/api/v1", tags=["answers"])


async def question(request: Request, _caller: DataProtection) -> dict[str, Json]:
    """The question of a lookup. Raises InputRefused naming the field; no value is repeated."""
    body = (await sent(request)).unpacked()
    asked = strict_json(body)
    if not isinstance(asked, dict):
        raise InputRefused("Expected a JSON object.", field="")
    unknown = sorted(set(asked) - set(ASKED))
    if unknown:
        message = f"There is no field {unknown[0]!r} in a lookup; there are {', '.join(ASKED)}."
        raise InputRefused(message, field=f"/{unknown[0]}")
    return asked


@router.post("/record-usage", responses=described(401, 403, 404, 413, 422, 503), openapi_extra=QUESTION)
def record_usage(
    request: Request, caller: DataProtection, asked: Annotated[dict[str, Any], Depends(question)]
) -> Mapping[str, Json]:
    """Which models and features used a record, when, for what purpose (CONTRACT section 4)."""
    answers = _answers(request)
    key, pseudonym = _text(asked, "key", required=False), _text(asked, "pseudonym", required=False)
    if (key is None) == (pseudonym is None):
        raise InputRefused("Give either key or pseudonym.", field="/key")
    if pseudonym is not None and not is_pseudonym(pseudonym):
        raise InputRefused("/pseudonym is not 32 lower-case hex digits.", field="/pseudonym")
    basis = answers.basis(at=_time(asked, "at"), log_size=_size(asked))
    return answers.lookup(
        basis, key_space=_required(asked, "key_space"), key=key, pseudonym=pseudonym,
        reason=_reason(asked), who=caller.name, from_=_time(asked, "from"), to=_time(asked, "to"),
    )  # fmt: skip


@router.get("/findings", responses=described(401, 403, 404, 422, 503))
def findings(
    request: Request, _caller: Reviewer, control: str | None = None, outcome: str | None = None,
    at: str | None = None, log_size: int | None = None,
) -> Sequence[Mapping[str, Json]]:  # fmt: skip
    """Resource-level results, in a stated order."""
    if outcome is not None and outcome not in OUTCOMES:
        raise InputRefused(f"There is no such outcome; there are {', '.join(OUTCOMES)}.", field="outcome")
    answers = _answers(request)
    return answers.findings(
        answers.basis(at=_instant(at), log_size=log_size), control=control, outcome=outcome
    )


@router.get("/status", responses=described(401, 403, 404, 422, 503))
def status(
    request: Request, _caller: Reviewer, framework: str | None = None, at: str | None = None,
    log_size: int | None = None,
) -> Mapping[str, Json]:  # fmt: skip
    """Status per requirement and control."""
    answers = _answers(request)
    return answers.status(answers.basis(at=_instant(at), log_size=log_size), framework=framework)


# --- the fields of a question ------------------------------------------------------------------


def _text(asked: Mapping[str, Json], name: str, *, required: bool) -> str | None:
    value = asked.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InputRefused(
            f"/{name} is missing or no text; expected one that is not empty.", field=f"/{name}"
        )
    return value


def _required(asked: Mapping[str, Json], name: str) -> str:
    return _text(asked, name, required=True) or ""


def _reason(asked: Mapping[str, Json]) -> str:
    reason = _required(asked, "reason")
    if len(reason) > LONGEST_REASON:
        raise InputRefused(f"/reason is longer than {LONGEST_REASON} letters.", field="/reason")
    return reason


def _time(asked: Mapping[str, Json], name: str) -> datetime | None:
    value = asked.get(name)
    return None if value is None else parse_time(value, field=f"/{name}")


def _size(asked: Mapping[str, Json]) -> int | None:
    value = asked.get("log_size")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise InputRefused("/log_size is no whole number of zero or more.", field="/log_size")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text, field="at")


def _answers(request: Request) -> AnswersPort:
    answers: AnswersPort = request.app.state.answers
    return answers
