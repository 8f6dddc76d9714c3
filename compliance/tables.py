"""SQLModel rows. Operational tables are kept; projection tables can be thrown away and made again.

The two live in databases of their own (SQLite has one writer per file, and intake must not wait
for a projection). Instants are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

OPERATIONS = MetaData()
"""Tokens, sessions, sign-in links and collection runs. Migrated by Alembic."""
PROJECTIONS = MetaData()
"""Everything read out of the log. Never migrated: ``muniment rebuild`` makes them anew."""


class Operational(SQLModel):
    """Base of rows that do not come from the log."""

    metadata = OPERATIONS


class Projected(SQLModel):
    """Base of rows that are read out of the log."""

    metadata = PROJECTIONS


class ApiToken(Operational, table=True):
    """An API token: only its SHA-256 is kept. Scopes are comma-separated."""

    __tablename__ = "api_token"
    id: str = Field(primary_key=True, description="Public name of the token: 12 hex digits")
    sha256: str = Field(unique=True)
    scopes: str
    source: str | None = None
    engagement: str | None = Field(default=None, sa_column=Column(Text))
    created_by: str
    created_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    revoked_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class SignInLink(Operational, table=True):
    """A one-person sign-in link: only the SHA-256 of its secret is kept."""

    __tablename__ = "sign_in_link"
    sha256: str = Field(primary_key=True)
    person: str
    role: str
    reusable: bool = False
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    used_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class WebSession(Operational, table=True):
    """A signed-in browser: only the SHA-256 of its cookie is kept."""

    __tablename__ = "web_session"
    sha256: str = Field(primary_key=True)
    person: str
    role: str
    csrf: str
    created_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class CollectionRun(Operational, table=True):
    """One run of a source in one slot of its schedule, claimed once across processes."""

    __tablename__ = "collection_run"
    __table_args__ = (UniqueConstraint("source", "slot"),)
    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(index=True)
    slot: int = Field(sa_column=Column(BigInteger, nullable=False))
    attempt: int = 0
    lease_until: int | None = Field(default=None, sa_column=Column(BigInteger))
    started_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    finished_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    outcome: str = "due"
    detail: str = ""
    due_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Announced(Operational, table=True):
    """The status of a control that was last announced over the notification channel."""

    __tablename__ = "announced"
    control: str = Field(primary_key=True)
    status: str
    at: int = Field(sa_column=Column(BigInteger, nullable=False))


class Progress(Projected, table=True):
    """How far the projections have read the log, by which program, and which log it was."""

    __tablename__ = "progress"
    id: int = Field(default=1, primary_key=True)
    log_size: int = Field(sa_column=Column(BigInteger, nullable=False))
    program: str
    last_leaf: str = Field(description="SHA-256 of the last entry read: the log that these rows are of")


class EntryRow(Projected, table=True):
    """What is needed of an entry to list it and to find the last one of a kind or source."""

    __tablename__ = "entry"
    log_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str = Field(index=True)
    source: str = Field(index=True)
    instant: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    received_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    media_type: str | None = None
    sha256: str | None = None
    size: int | None = Field(default=None, sa_column=Column(BigInteger))
    sealed: bool = False
    sealed_by: str | None = Field(default=None, index=True, description="Name of the data key")


class FragmentRow(Projected, table=True):
    """What one item said about one resource (``facts.Fragment``)."""

    __tablename__ = "fragment"
    id: int | None = Field(default=None, primary_key=True)
    fact: str = Field(index=True)
    resource: str
    source: str
    scope: str
    part: str
    instant: int = Field(sa_column=Column(BigInteger, nullable=False))
    log_index: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    evidence: str
    value: str = Field(sa_column=Column(Text, nullable=False))
    unseen: str = Field(sa_column=Column(Text, nullable=False))
    dated: bool = False


class ListingRow(Projected, table=True):
    """One run's account of one scope for one fact type (``facts.Listing``)."""

    __tablename__ = "listing"
    id: int | None = Field(default=None, primary_key=True)
    fact: str = Field(index=True)
    source: str
    scope: str
    instant: int = Field(sa_column=Column(BigInteger, nullable=False))
    log_index: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    complete: bool
    items: str = Field(sa_column=Column(Text, nullable=False))
    detail: str
    expected: int | None = Field(default=None, sa_column=Column(BigInteger))
    got: int | None = Field(default=None, sa_column=Column(BigInteger))


class ReceivedRow(Projected, table=True):
    """One thing that happened or was declared (``facts.Received``)."""

    __tablename__ = "received"
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(index=True)
    source: str
    digest: str = Field(sa_column=Column(String(64), nullable=False))
    instant: int = Field(sa_column=Column(BigInteger, nullable=False))
    log_index: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    evidence: str
    value: str = Field(sa_column=Column(Text, nullable=False))


class ManifestRow(Projected, table=True):
    """One membership manifest: which series it belongs to (see ``membership``)."""

    __tablename__ = "manifest"
    log_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    series: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class MemberRow(Projected, table=True):
    """One pseudonym in the manifests of one series from ``since`` until before ``until``; 0: it has not left."""

    __tablename__ = "member"
    __table_args__ = ({"sqlite_with_rowid": False},)
    series: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    pseudonym: bytes = Field(sa_column=Column(LargeBinary(16), primary_key=True, index=True))
    since: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    until: int = Field(sa_column=Column(BigInteger, nullable=False))


class DefectRow(Projected, table=True):
    """Something wrong with what was received that did not keep it from being taken."""

    __tablename__ = "defect"
    id: int | None = Field(default=None, primary_key=True)
    log_index: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    evidence: str
    what: str


class UnreadableRow(Projected, table=True):
    """An entry that could not be read at all: its content is gone, or its reader met what it does not know."""

    __tablename__ = "unreadable"
    log_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str
    source: str
    instant: int = Field(sa_column=Column(BigInteger, nullable=False))
    why: str
    by_index: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, index=True),
        description="Entry by which its content was erased or has expired",
    )


class DifferenceRow(Projected, table=True):
    """A manifest that is kept as its difference to another: without that one nothing is known of it."""

    __tablename__ = "difference"
    log_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    base_index: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


for _table in PROJECTIONS.tables.values():
    for _column in _table.columns:
        if isinstance(_column.type, String):
            # Ordered by bytes on both engines: equal answers are equal bytes.
            _column.type = _column.type.with_variant(String(collation="C"), "postgresql")
