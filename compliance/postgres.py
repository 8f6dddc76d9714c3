"""PostgreSQL: its URL, its connections, and what is told when it cannot be used. No message holds a credential."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from compliance.errors import InputRefused, StoreUnavailable

CONNECTS_WITHIN_SECONDS = 10
LOCK_SECONDS = 10
"""How long a statement waits for a lock that another process holds."""
POOLED, AT_MOST_MORE = 10, 40
"""Connections that a process keeps, and opens beyond them while it is busy."""
FIELD = "database_url"
SCHEMES = frozenset({"postgresql", "postgres"})


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL database by its URL; ``str`` of it names no user and no password."""

    url: URL

    @classmethod
    def parse(cls, text: str) -> Postgres:
        """The database of ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``. Raises InputRefused."""
        expected = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        if urlsplit(text).scheme not in SCHEMES:
            raise InputRefused(f"database_url is no URL of PostgreSQL; {expected}.", field=FIELD)
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            url = None
        if url is None or not url.database:
            # Not chained: the original error quotes the URL.
            raise InputRefused(f"database_url cannot be read, or names no database; {expected}.", field=FIELD)
        return cls(url.set(drivername="postgresql+psycopg"))

    def __str__(self) -> str:
        host = self.url.host or self.url.query.get("host") or "the local socket"
        return f"the database {self.url.database} at {host}" + (f":{self.url.port}" if self.url.port else "")

    def __repr__(self) -> str:
        return f"Postgres({self})"

    def engine(self, *, search_path: str | None = None) -> Engine:
        """An engine on it. What the database refuses, but for integrity, is raised as StoreUnavailable."""
        engine = create_engine(
            self.url, pool_pre_ping=True, pool_size=POOLED, max_overflow=AT_MOST_MORE, hide_parameters=True,
            connect_args=self._options(search_path),
        )  # fmt: skip

        @event.listens_for(engine, "connect")
        def _name(_connection: object, record: ConnectionPoolEntry) -> None:
            record.info["postgres"], record.info["pool"] = self, engine.pool

        @event.listens_for(engine, "checkin")
        def _end(_connection: object, record: ConnectionPoolEntry) -> None:
            if record.info.get("pool") is not engine.pool:
                # Disposed of while it was lent: nobody would close it.
                record.close()

        @event.listens_for(engine, "handle_error")
        def _tell(context: ExceptionContext) -> None:
            error = context.original_exception
            if context.is_pre_ping or not isinstance(error, psycopg.Error):
                return
            if not isinstance(error, psycopg.IntegrityError):
                raise StoreUnavailable(self.told(error)) from None

        return engine

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the driver's own, which commits each statement unless told to begin."""
        parts = self.url.translate_connect_args(username="user", database="dbname")
        with self.refusing():
            return psycopg.connect(
                **{**self.url.query, **parts, **self._options(None)},
                autocommit=True,
                cursor_factory=psycopg.Cursor,
            )

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn errors of the database into StoreUnavailable."""
        try:
            yield
        except psycopg.Error as error:
            raise StoreUnavailable(self.told(error)) from None

    def _options(self, search_path: str | None) -> dict[str, Any]:
        # An acknowledged append must be on the disk, whatever the server's or the role's default says.
        options = f"-c lock_timeout={LOCK_SECONDS}s -c synchronous_commit=on -c TimeZone=UTC"
        if search_path is not None:
            options += f" -c search_path={search_path}"
        given = self.url.query.get("options", "")
        return {
            "options": f"{given} {options}".strip(), "application_name": "muniment",
            "connect_timeout": CONNECTS_WITHIN_SECONDS,
        }  # fmt: skip

    def told(self, error: psycopg.Error) -> str:
        """What happened, and what to do."""
        for states, said in _BY_STATE.items():
            if error.sqlstate is not None and error.sqlstate.startswith(states):
                return said.format(where=str(self))
        if error.sqlstate is None:
            text = str(error)
            for part, said in _BY_TEXT.items():
                if part in text:
                    return said.format(where=str(self))
            return _OUT_OF_REACH.format(where=str(self))
        return f"PostgreSQL refused a statement in {self} (SQLSTATE {error.sqlstate}); its log says which."


_OUT_OF_REACH = "PostgreSQL cannot be reached: {where}; check that it runs, and MUNIMENT_DATABASE_URL."
_DENIED = "PostgreSQL does not let this user into {where}: the password, the user or pg_hba.conf is wrong; check MUNIMENT_DATABASE_URL."
_NO_DATABASE = (
    "PostgreSQL runs, but there is no such database: {where}; create it, or check MUNIMENT_DATABASE_URL."
)
_TOO_MANY = "PostgreSQL has no connection left for {where}; raise max_connections, or run fewer processes."
_NO_SCHEMA = (
    "The tables of Muniment are not in {where}; run `muniment init`, or `muniment db upgrade`, first."
)
_READ_ONLY = (
    "{where} is read-only for this user, or is a standby; name the primary and a user that may write."
)
_BY_STATE: dict[tuple[str, ...], str] = {
    ("28",): _DENIED,
    ("3D000",): _NO_DATABASE,
    ("53300",): _TOO_MANY,
    ("53",): "The disk or the memory of {where} is full; nothing was applied. Free space, then try again.",
    ("57",): "PostgreSQL stopped, or cancelled the statement, in {where}; try again.",
    ("55P03",): "Another process holds a lock in {where} for too long; nothing was applied. Try again.",
    ("40",): "Another process wrote to {where} at the same moment; nothing was applied. Try again.",
    ("42P01", "3F000"): _NO_SCHEMA,
    ("42501", "25006"): _READ_ONLY,
    ("08",): _OUT_OF_REACH,
}
"""By the beginning of the SQLSTATE (PostgreSQL's documentation, appendix A); the first that fits."""
_BY_TEXT = {
    "password": _DENIED,
    "pg_hba.conf": _DENIED,
    "authentication failed": _DENIED,
    '" does not exist': _NO_DATABASE,
    "too many": _TOO_MANY,
    "remaining connection slots": _TOO_MANY,
}
"""By what the driver says where a connection was not made: it then knows no SQLSTATE."""


def sentence(text: str) -> str:
    """A sentence with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
