"""A visit of a signed-in person to a page: what they may do, and what the page is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Depends, Request
from starlette.responses import HTMLResponse

from compliance.answers import Answers, Basis
from compliance.breaks import breaks_of
from compliance.canonical import parse_time
from compliance.errors import InputRefused
from compliance.reperforming import gone_sentences
from compliance.store import Store
from web.access import Caller, needs
from web.pages.frame import ROLE_NAMES, Foot, Frame, navigation
from web.pages.remembered import Remembered, remembered_by
from web.rendering import html_page

ASKED = ("at", "log_size", "library")


@dataclass(frozen=True)
class Visit:
    """Who asks, and as of what."""

    caller: Caller
    store: Store
    answers: Answers
    basis: Basis
    frame: Frame
    remembered: Remembered

    def page(self, template: str, view: object, status: int = 200) -> HTMLResponse:
        """The page of a value, for this visit."""
        return html_page(template, view, status)


def visiting(*scopes: str) -> Callable[..., Visit]:
    """A dependency that gives the visit of a person who holds one of the scopes.

    Raises Unauthenticated, Forbidden; InputRefused for an instant or log size that cannot be;
    NotFound for an unknown library.
    """
    permitted = needs(*scopes)

    def visit(
        request: Request,
        caller: Caller = Depends(permitted),
        at: str = "",
        log_size: str = "",
        library: str = "",
    ) -> Visit:
        store: Store = request.app.state.store
        answers: Answers = request.app.state.answers
        remembered = remembered_by(request.app.state)
        basis = (
            remembered.recent(answers)
            if not (at or log_size or library)
            else _asked(answers, at, log_size, library)
        )
        return Visit(caller, store, answers, basis, _frame(request, caller, store, basis), remembered)

    return visit


def _asked(answers: Answers, at: str, log_size: str, library: str) -> Basis:
    """The basis that an address names. A time without a zone is read as UTC, as the form says."""
    instant = parse_time(at, field="at", assume_utc=True) if at else None
    if instant is not None and instant > answers.store.clock():
        raise InputRefused("The instant lies in the future; nothing is known of it yet.", field="at")
    if log_size and not log_size.isdecimal():
        raise InputRefused("log_size is no whole number.", field="log_size")
    return answers.basis(at=instant, log_size=int(log_size) if log_size else None, library=library or None)


def _frame(request: Request, caller: Caller, store: Store, basis: Basis) -> Frame:
    query = [(name, value) for name, value in request.query_params.multi_items() if value]
    return Frame(
        path=request.url.path, person=caller.name.partition(":")[2],
        role=ROLE_NAMES.get(caller.role or "", "Token"), scopes=caller.scopes, csrf=caller.csrf or "",
        navigation=navigation(request.url.path, caller.scopes, caller.role), sample=store.sample,
        foot=foot_of(store, basis), asked=tuple((k, v) for k, v in query if k in ASKED),
        kept=tuple((k, v) for k, v in query if k not in ASKED),
    )  # fmt: skip


def foot_of(store: Store, basis: Basis) -> Foot:
    """The values that an answer was computed from, as a page's foot states them."""
    return Foot(
        as_of=basis.at, log_size=basis.log_size, root=store.log.root(basis.log_size).hex(),
        library=basis.library, program=basis.program, origin=store.log.origin,
        breaks=(
            *(one.sentence() for one in breaks_of(store, basis.log_size)),
            *gone_sentences(store.projections, basis.log_size),
        ),
    )  # fmt: skip
