"""Signing in with a link, and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from compliance.errors import Unauthenticated
from web.access import COOKIE, Caller, genuine
from web.problems import described
from web.sessions import SESSION_VALID_FOR, close_session, open_session

router = APIRouter(tags=["people"])


@router.get("/sign-in", status_code=303, response_class=RedirectResponse, responses=described(401, 422))
def sign_in(request: Request, link: str = "") -> Response:
    """Use a sign-in link: it opens a session and leads to the dashboard."""
    if "prefetch" in (request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")):
        # A browser or chat that looks ahead must not use up a link that is good once.
        raise Unauthenticated("Open the sign-in link itself.")
    if not link:
        raise Unauthenticated("Open the sign-in link that you were given; `muniment sign-in-link` makes one.")
    secret = open_session(request.app.state.store, link)
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(
        COOKIE, secret, max_age=int(SESSION_VALID_FOR.total_seconds()), httponly=True, samesite="lax",
        secure=request.url.scheme == "https", path="/",
    )  # fmt: skip
    return response


@router.post("/sign-out", status_code=303, response_class=RedirectResponse, responses=described(401, 403))
def sign_out(request: Request, _caller: Annotated[Caller, Depends(genuine)]) -> Response:
    """End the session of this browser."""
    if secret := request.cookies.get(COOKIE):
        close_session(request.app.state.store, secret)
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response
