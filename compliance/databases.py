"""Which databases a store has: files in its folder, or one database in PostgreSQL for any number of processes."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy import Engine

from compliance.database import sqlite_engine
from compliance.errors import InputRefused, StoreExists
from compliance.generations import GenerationFiles, Generations, GenerationSchemas
from compliance.head import HeadFile
from compliance.head_postgres import PostgresHeadPlace
from compliance.headport import HeadPlace
from compliance.postgres import FIELD, Postgres
from compliance.settings import Settings
from compliance.upgrading import require_newest, upgrade


class Databases(Protocol):
    """The databases of one store."""

    @property
    def head(self) -> HeadPlace:
        """Where the head of the log lies."""
        ...

    def operations(self) -> Engine:
        """An engine on the operational tables; migrations make and change them."""
        ...

    def generations(self) -> Generations:
        """Where the projections lie."""
        ...

    def prepare(self) -> None:
        """Make what a new log needs to be there. Raises StoreExists where a log has its head here already."""
        ...

    def upgrade(self) -> str:
        """Migrate the operational tables to the newest revision, and return its name."""
        ...

    def require_newest(self) -> None:
        """Raises StoreMissing or StoreUnavailable where the tables are not of this program."""
        ...


class DatabaseFiles:
    """The embedded default: SQLite files in the store's folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.head = HeadFile(home / "log" / "head.db")

    def operations(self) -> Engine:
        """``operations.db``."""
        return sqlite_engine(self._home / "operations.db")

    def generations(self) -> Generations:
        """Files below ``projections/``."""
        return GenerationFiles(self._home / "projections")

    def prepare(self) -> None:
        """Nothing: the log's folder says whether there is one."""

    def upgrade(self) -> str:
        """Migrate ``operations.db``."""
        return _upgraded(self.operations())

    def require_newest(self) -> None:
        """Look at ``operations.db``."""
        _required(self.operations())


class DatabaseServer:
    """One database in PostgreSQL."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self.head = PostgresHeadPlace(database)

    def operations(self) -> Engine:
        """The operational tables, in the schema that the user's search path names first."""
        return self._database.engine()

    def generations(self) -> Generations:
        """Schemas beside them."""
        return GenerationSchemas(self._database)

    def prepare(self) -> None:
        """The head's tables. A database holds one log."""
        self.upgrade()
        if self.head.exists():
            message = f"There is the head of a log in {self._database} already; give each store a database of its own."
            raise StoreExists(message)

    def upgrade(self) -> str:
        """Migrate the tables."""
        return _upgraded(self.operations())

    def require_newest(self) -> None:
        """Look at the tables."""
        _required(self.operations())


def _upgraded(engine: Engine) -> str:
    try:
        return upgrade(engine)
    finally:
        engine.dispose()


def _required(engine: Engine) -> None:
    try:
        require_newest(engine)
    finally:
        engine.dispose()


def databases_of(settings: Settings, home: Path | None = None) -> Databases:
    """The databases of the configured store, or of the files of one in another folder. Raises InputRefused."""
    url = _url(settings)
    if url is None or home is not None:
        return DatabaseFiles(home or settings.home)
    return DatabaseServer(Postgres.parse(url.get_secret_value()))


def _url(settings: Settings) -> SecretStr | None:
    if settings.database_url_file is None:
        return settings.database_url
    if settings.database_url is not None:
        raise InputRefused("database_url and database_url_file are both set; set one of them.", field=FIELD)
    try:
        return SecretStr(settings.database_url_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(
            f"database_url_file cannot be read: {error}.", field="database_url_file"
        ) from error
