"""Record usage, for the data protection officer: the form, the answer, and its copies to take away.

The key goes from the form into the pseudonym and nowhere else: it is in no address, page or error.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from compliance.answers import Basis
from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused, NotFound
from compliance.gaps import FORMULA_STARTS
from web.issuing import statement_pdf
from web.pages.drawing import drawn
from web.pages.frame import Frame
from web.pages.remembered import LookedUp
from web.pages.usage import usage_page, used_by
from web.pages.visits import Visit, foot_of, visiting
from web.pages.way import way_of
from web.problems import described

LONGEST_REASON = 2000

router = APIRouter(prefix="/records", tags=["pages"], include_in_schema=False)
Officer = Annotated[Visit, Depends(visiting("dpo"))]
Field = Annotated[str, Form()]


@dataclass(frozen=True)
class RecordsPage:
    """The form, with what was wrong with the last question, if anything. Never a key."""

    frame: Frame
    key_spaces: tuple[str, ...]
    key_space: str
    reason: str
    wrong: str = ""


@dataclass(frozen=True)
class Asked:
    """The fields of the form."""

    key_space: str
    key: str | None
    pseudonym: str | None
    reason: str
    from_: datetime | None
    to: datetime | None


@router.get("", responses=described(401, 403))
def records(visit: Officer) -> Response:
    """The form."""
    return visit.page("records.html", _form(visit))


@router.post("", responses=described(401, 403, 404, 422))
def look_up(
    visit: Officer,
    key_space: Field = "", key: Field = "", pseudonym: Field = "", reason: Field = "",
    from_: Annotated[str, Form(alias="from")] = "", to: Field = "",
) -> Response:  # fmt: skip
    """Look a record up; the answer is shown under a name of its own, so that loading it again asks nothing."""
    try:
        asked = Asked(
            key_space,
            key or None,
            pseudonym.strip() or None,
            _reason(reason),
            _time(from_, "from"),
            _time(to, "to"),
        )
        answer = visit.answers.lookup(
            visit.basis, key_space=asked.key_space, key=asked.key, pseudonym=asked.pseudonym, reason=asked.reason,
            who=visit.caller.name, from_=asked.from_, to=asked.to,
        )  # fmt: skip
    except (InputRefused, NotFound) as error:
        wrong = replace(
            _form(visit), key_space=key_space, reason=reason[:LONGEST_REASON], wrong=error.message
        )
        return visit.page("records.html", wrong, error.status)
    kept = LookedUp(answer, visit.caller.name, asked.reason, visit.store.clock())
    return RedirectResponse(f"/records/{visit.remembered.keep_answer(kept)}", status_code=303)


@router.post("/statement", responses=described(401, 403, 404))
def statement(visit: Officer, answer: Field = "") -> Response:
    """The answer as a statement, PDF, for a person or an authority."""
    content = statement_pdf(visit.store, _kept(visit, answer).answer)
    return _download(content, "application/pdf", "record-usage.pdf")


@router.post("/answer.json", responses=described(401, 403, 404))
def as_json(visit: Officer, answer: Field = "") -> Response:
    """The answer as the API gives it."""
    content = json.dumps(_kept(visit, answer).answer, indent=2, ensure_ascii=False).encode()
    return _download(content, "application/json", "record-usage.json")


@router.post("/answer.csv", responses=described(401, 403, 404))
def as_csv(visit: Officer, answer: Field = "") -> Response:
    """The uses, one row each."""
    return _download(
        uses_csv(_kept(visit, answer).answer).encode(), "text/csv; charset=utf-8", "record-usage.csv"
    )


@router.get("/{name}", responses=described(401, 403, 404))
def answer(visit: Officer, name: str) -> Response:
    """An answer that was looked up within the last hour, for the person who asked."""
    kept = _kept(visit, name)
    said = kept.answer
    basis = Basis(parse_time(said["as_of"]), said["log_size"], said["library"], said["program"])
    frame = replace(visit.frame, foot=foot_of(visit.store, basis), movable=False)
    way = way_of(said)
    return visit.page(
        "record.html", usage_page(frame, said, name=name, reason=kept.reason, way=way, drawing=drawn(way))
    )


def _kept(visit: Visit, name: str) -> LookedUp:
    return visit.remembered.answer(name, visit.caller.name, visit.store.clock())


def _form(visit: Visit) -> RecordsPage:
    spaces = tuple(sorted(visit.store.key_spaces.key_ids()))
    return RecordsPage(visit.frame, spaces, spaces[0] if spaces else "", "")


def _reason(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise InputRefused(f"The reason is longer than {LONGEST_REASON} letters.", field="reason")
    return reason.strip()


def _time(text: str, field: str) -> datetime | None:
    return parse_time(text, field=field, assume_utc=True) if text else None


COLUMNS = (
    "state", "used_by", "job", "run_id", "purpose", "lawful_basis", "started_at", "ended_at", "certainty", "influence",
    "violations", "path", "evidence",
)  # fmt: skip


def uses_csv(answer: Mapping[str, Json]) -> str:
    """RFC 4180 CSV: one row for each use, each with the values that the answer was computed from."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    basis = {name: answer[name] for name in ("as_of", "log_size", "library", "program", "complete")}
    writer.writerow([*COLUMNS, *basis])
    for use in answer["uses"]:
        row = [
            "violation" if use["violations"] else use["certainty"],
            "; ".join(f"{kind} {name}" for kind, name in used_by(use)), use["job"]["name"] if use["job"] else "",
            use["run_id"], use["purpose"], use["lawful_basis"] or "", use["started_at"], use["ended_at"] or "",
            use["certainty"], use["influence"],
            "; ".join(f"{violation['code']}: {violation['because']}" for violation in use["violations"]),
            " > ".join(use["path"]), " ".join(use["evidence"]),
        ]  # fmt: skip
        writer.writerow([_harmless(cell) for cell in [*row, *basis.values()]])
    return out.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would run as a formula is given a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
