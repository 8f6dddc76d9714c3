"""API tokens: made, looked up and revoked. Only the SHA-256 of a token is ever kept.

Each creation and revocation is an entry of the log before it takes effect, so that there is no
token that the evidence does not know of.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from compliance.canonical import Json, canonical, format_time, from_micros, micros, sha256_hex
from compliance.errors import InputRefused, NotFound, Unauthenticated
from compliance.evidence import CollectorName, Observation
from compliance.tables import ApiToken
from web.caller import Caller, checked_scopes
from web.engagements import SCOPE, Engagement
from web.ports import StorePort

ACCESS = CollectorName("muniment-access", "1")
SECRET_BYTES = 32
PREFIX = "mnm_"
"""Lets secret scanners find a token that was committed by mistake."""


@dataclass(frozen=True)
class CreatedToken:
    """A new token. ``token`` is shown once and kept nowhere."""

    id: str
    token: str
    warnings: tuple[str, ...] = ()


def create_token(
    store: StorePort,
    *,
    scopes: Sequence[str],
    created_by: str,
    source: str | None = None,
    engagement: Engagement | None = None,
    valid_for: timedelta | None = None,
) -> CreatedToken:
    """Make a token. Raises InputRefused for an unknown scope, or a source that is not configured.

    One that is bound to an engagement reads the log and the entries of its scope, and nothing else.
    """
    held = checked_scopes(scopes)
    if engagement is not None and (held != ("auditor",) or source is not None):
        raise InputRefused(
            "A token of an engagement has the scope auditor alone, and no source.", field="scope"
        )
    _require_source(store, source)
    now = store.clock()
    token, name = PREFIX + secrets.token_urlsafe(SECRET_BYTES), secrets.token_hex(6)
    expires = None if valid_for is None else now + valid_for
    record_access(store, "token-created", {"by": created_by}, {
        "token": name, "scopes": list(held), "source": source,
        "expires_at": None if expires is None else format_time(expires),
        **({} if engagement is None else {"engagement": engagement.as_json()}),
    })  # fmt: skip
    row = ApiToken(
        id=name, sha256=sha256_hex(token.encode()), scopes=",".join(held), source=source, created_by=created_by,
        engagement=None if engagement is None else canonical(engagement.as_json()).decode(),
        created_at=micros(now), expires_at=None if expires is None else micros(expires),
    )  # fmt: skip
    with Session(store.operations) as session:
        session.add(row)
        session.commit()
    return CreatedToken(name, token, tuple(_warnings(store, held, source)))


def revoke_token(store: StorePort, token_id: str, *, revoked_by: str) -> None:
    """End a token by its id. Raises NotFound; one that was revoked before stays as it is."""
    with Session(store.operations) as session:
        row = session.get(ApiToken, token_id)
        if row is None:
            raise NotFound(f"There is no token {token_id!r}.", field="id")
        if row.revoked_at is None:
            record_access(store, "token-revoked", {"by": revoked_by}, {"token": token_id})
            row.revoked_at = micros(store.clock())
            session.add(row)
            session.commit()


def list_tokens(store: StorePort) -> list[dict[str, Json]]:
    """Every token that was made, oldest first, without anything secret."""
    with Session(store.operations) as session:
        rows = session.exec(select(ApiToken).order_by(col(ApiToken.created_at), col(ApiToken.id))).all()
    return [
        {
            "id": row.id, "scopes": row.scopes.split(","), "source": row.source, "created_by": row.created_by,
            "created_at": _time(row.created_at), "expires_at": _time(row.expires_at),
            "revoked_at": _time(row.revoked_at),
        }
        for row in rows
    ]  # fmt: skip


def caller_of_token(store: StorePort, token: str) -> Caller:
    """Who presents the token. Raises Unauthenticated where it is unknown, revoked or lapsed."""
    with Session(store.operations) as session:
        row = session.exec(select(ApiToken).where(ApiToken.sha256 == sha256_hex(token.encode()))).first()
    if row is None:
        raise Unauthenticated("The token is not known here; make one with `muniment token create`.")
    if row.revoked_at is not None:
        raise Unauthenticated(f"The token {row.id} was revoked.")
    if row.expires_at is not None and row.expires_at <= micros(store.clock()):
        raise Unauthenticated(f"The token {row.id} lapsed on {_time(row.expires_at)}.")
    engagement = Engagement.from_text(row.engagement)
    scopes = frozenset(row.scopes.split(",")) if engagement is None else frozenset({SCOPE})
    return Caller(f"token:{row.id}", scopes, "token", source=row.source, engagement=engagement)


def _require_source(store: StorePort, source: str | None) -> None:
    if source is not None and store.settings.source(source) is None:
        known = ", ".join(item.name for item in store.settings.sources) or "none"
        raise InputRefused(f"No source is named {source!r}; configured are: {known}.", field="source")


def _warnings(store: StorePort, scopes: Sequence[str], source: str | None) -> list[str]:
    said = []
    if "ingest" in scopes:
        said.append(
            "the scope ingest lets its holder write every kind of evidence, consents and erasures included:"
            " who is judged must not write their own acquittal; narrow it, such as ingest:lineage"
        )
    bound = None if source is None else store.settings.source(source)
    if bound is not None and bound.kind != "push":
        said.append(f"the source {bound.name} is of kind {bound.kind}, which is collected, not pushed")
    return said


def record_access(store: StorePort, action: str, people: dict[str, Json], plain: dict[str, Json]) -> None:
    """Append an ``access`` entry; what names a person is in its sealed payload alone."""
    detail = {"action": action, **plain}
    body = canonical({**detail, **people})
    store.log.append([Observation("access/1", "muniment", ACCESS, body, detail=detail, sealed=True)])


def _time(value: int | None) -> str | None:
    return None if value is None else format_time(from_micros(value))
