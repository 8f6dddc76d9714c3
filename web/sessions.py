"""People: sign-in links and browser sessions. Only hashes of their secrets are kept.

A link is good once (a reusable one until it lapses, for samples); the session it opens lasts half
a working day and is ended by signing out.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col

from compliance.canonical import format_time, micros, sha256_hex
from compliance.errors import InputRefused, Unauthenticated
from compliance.tables import SignInLink, WebSession
from web.caller import ROLES, Caller
from web.ports import StorePort
from web.tokens import record_access

LINK_VALID_FOR = timedelta(hours=1)
SESSION_VALID_FOR = timedelta(hours=12)
SECRET_BYTES = 32


def create_sign_in_link(
    store: StorePort,
    *,
    person: str,
    role: str,
    created_by: str,
    valid_for: timedelta = LINK_VALID_FOR,
    reusable: bool = False,
) -> str:
    """The secret of a new sign-in link: ``/sign-in?link=SECRET``. Raises InputRefused for an unknown role."""
    if role not in ROLES:
        raise InputRefused(f"No role is named {role!r}; there are: {', '.join(ROLES)}.", field="role")
    if not person.strip():
        raise InputRefused("A sign-in link needs the person's name.", field="person")
    expires = store.clock() + valid_for
    people = {"by": created_by, "person": person}
    record_access(store, "link-created", people, {"role": role, "expires_at": format_time(expires)})
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = SignInLink(
        sha256=sha256_hex(secret.encode()), person=person, role=role, reusable=reusable,
        expires_at=micros(expires),
    )  # fmt: skip
    with Session(store.operations) as session:
        session.add(row)
        session.commit()
    return secret


def open_session(store: StorePort, link: str) -> str:
    """Use a link and return the secret of the session it opens. Raises Unauthenticated."""
    now = micros(store.clock())
    with Session(store.operations) as session:
        row = session.get(SignInLink, sha256_hex(link.encode()))
        if row is None or row.expires_at <= now or not _used(session, row, now):
            raise Unauthenticated("This sign-in link is not valid, or no longer; ask for a new one.")
        secret = secrets.token_urlsafe(SECRET_BYTES)
        session.add(WebSession(
            sha256=sha256_hex(secret.encode()), person=row.person, role=row.role,
            csrf=secrets.token_urlsafe(SECRET_BYTES), created_at=now,
            expires_at=micros(store.clock() + SESSION_VALID_FOR),
        ))  # fmt: skip
        session.exec(delete(WebSession).where(col(WebSession.expires_at) <= now))
        session.commit()
    return secret


def _used(session: Session, row: SignInLink, now: int) -> bool:
    """Mark the link as used: one conditional update, so that of two at once one is refused."""
    if row.reusable:
        return True
    unused = (col(SignInLink.sha256) == row.sha256) & col(SignInLink.used_at).is_(None)
    return session.exec(update(SignInLink).where(unused).values(used_at=now)).rowcount == 1


def close_session(store: StorePort, secret: str) -> None:
    """End a session; one that is unknown stays so."""
    with Session(store.operations) as session:
        session.exec(delete(WebSession).where(col(WebSession.sha256) == sha256_hex(secret.encode())))
        session.commit()


def caller_of_session(store: StorePort, secret: str) -> Caller:
    """Who is signed in. Raises Unauthenticated where the session is unknown or over."""
    with Session(store.operations) as session:
        row = session.get(WebSession, sha256_hex(secret.encode()))
    if row is None or row.expires_at <= micros(store.clock()):
        raise Unauthenticated("You are not signed in, or no longer; use a sign-in link.")
    return Caller(
        f"person:{row.person}", ROLES.get(row.role, frozenset()), "session", role=row.role, csrf=row.csrf
    )
