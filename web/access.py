"""Who may do what, as types in a route's signature: ``Annotated[Caller, Depends(needs("auditor"))]``.

A bearer token and a signed-in browser are alike; a browser's writes also need proof that the form
is ours (its origin, and a token of the session).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from compliance.errors import Forbidden, Unauthenticated
from web.caller import INGESTED, ROLES, SCOPES, UNBOUND, UNSEALING, Caller
from web.ports import StorePort
from web.sessions import caller_of_session, close_session, create_sign_in_link, open_session
from web.tokens import CreatedToken, caller_of_token, create_token, list_tokens, revoke_token

COOKIE = "muniment_session"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPE = "application/x-www-form-urlencoded"


def identified(request: Request) -> Caller:
    """Who calls: by ``Authorization: Bearer``, else by the session's cookie. Raises Unauthenticated."""
    caller = _identified(request)
    request.state.account = caller.name  # what is refused from here on is counted as theirs
    return caller


def _identified(request: Request) -> Caller:
    store: StorePort = request.app.state.store
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("Expected `Authorization: Bearer TOKEN`.", field="Authorization")
        return caller_of_token(store, token.strip())
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise Unauthenticated(
            "Send `Authorization: Bearer TOKEN`, or sign in with a link.", field="Authorization"
        )
    return caller_of_session(store, cookie)


def maybe_identified(request: Request) -> Caller | None:
    """Who calls, or None for nobody known: for pages that differ for those who are signed in."""
    try:
        return identified(request)
    except Unauthenticated:
        return None


def needs(*scopes: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency that gives the caller if one of the scopes is held.

    Raises Unauthenticated, Forbidden; for a browser's write also Forbidden without proof of origin.
    """

    async def permitted(request: Request, caller: Annotated[Caller, Depends(identified)]) -> Caller:
        caller.require(*scopes)
        await refuse_forged(request, caller)
        return caller

    return permitted


async def genuine(request: Request, caller: Annotated[Caller, Depends(identified)]) -> Caller:
    """The caller, whatever they may do, of a request that no other site's page has made."""
    await refuse_forged(request, caller)
    return caller


def needs_ingest(kind: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency for writing one kind of evidence: ``ingest``, or ``ingest:KIND``."""
    return needs("ingest", f"ingest:{kind}")


# --- forged requests ---------------------------------------------------------------------------


async def refuse_forged(request: Request, caller: Caller) -> None:
    """Refuse a browser's write that another site's page may have made. Raises Forbidden.

    A bearer token is sent by no browser on its own, so it needs no such proof.
    """
    if caller.via == "token" or request.method in SAFE_METHODS:
        return
    if not _same_origin(request):
        raise Forbidden("This request comes from another site's page.", field="Origin")
    proof = request.headers.get(CSRF_HEADER) or await _proof_in_form(request)
    if not caller.csrf or not secrets.compare_digest(proof.encode(), caller.csrf.encode()):
        raise Forbidden("The form is not one of this session; load the page again.", field=CSRF_FIELD)


def _same_origin(request: Request) -> bool:
    stated = request.headers.get("sec-fetch-site")
    if stated is not None:
        return stated == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


async def _proof_in_form(request: Request) -> str:
    if not request.headers.get("content-type", "").startswith(FORM_TYPE):
        return ""
    form = await request.form()
    proof = form.get(CSRF_FIELD)
    return proof if isinstance(proof, str) else ""


__all__ = [
    "COOKIE", "CSRF_FIELD", "CSRF_HEADER", "INGESTED", "ROLES", "SCOPES", "UNBOUND", "UNSEALING", "Caller",
    "CreatedToken", "close_session", "create_sign_in_link", "create_token", "genuine", "identified", "list_tokens",
    "maybe_identified", "needs", "needs_ingest", "open_session", "refuse_forged", "revoke_token",
]  # fmt: skip
