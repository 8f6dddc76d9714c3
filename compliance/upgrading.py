"""Migrations of the operational tables, and the refusal of tables that are older or newer than this program."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from compliance.errors import InputRefused, StoreMissing, StoreUnavailable

UPGRADING = 0x4D55_4E49_0004
"""Key of the advisory lock: of two processes that migrate at once, one waits."""


def upgrade(engine: Engine) -> str:
    """Migrate the operational tables to the newest revision, and return its name.

    Raises StoreUnavailable where a newer program made them, InputRefused where the database cannot hold text.
    """
    _refuse_encoding(engine)
    current, known = revisions(engine)
    if current is not None and current not in known:
        raise StoreUnavailable(_newer(current, known[0]))
    command.upgrade(_alembic(engine), "head")
    return known[0]


def require_newest(engine: Engine) -> None:
    """Raises StoreMissing without tables, StoreUnavailable where they are older or newer than this program."""
    current, known = revisions(engine)
    if current is None:
        raise StoreMissing(
            "The operations database has no tables: `muniment db upgrade` makes them, and nothing of the log is lost;"
            " for a new store run `muniment init`. If this is the wrong database, see MUNIMENT_DATABASE_URL."
        )
    if current not in known:
        raise StoreUnavailable(_newer(current, known[0]))
    if current != known[0]:
        message = f"The operations database is at revision {current}, this program needs {known[0]}; run `muniment db upgrade`."
        raise StoreUnavailable(message)


def revisions(engine: Engine) -> tuple[str | None, tuple[str, ...]]:
    """The revision of a database, None where it has no tables, and all that this program knows, newest first."""
    script = ScriptDirectory.from_config(_alembic(engine))
    known = tuple(revision.revision for revision in script.walk_revisions())
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision(), known


def _newer(current: str, newest: str) -> str:
    return (
        f"The operations database is at revision {current}, which is newer than {newest}, the newest that this"
        " program knows; run the newer Muniment that made it."
    )


def _refuse_encoding(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            encoding = connection.execute(text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            message = (
                f"The database is encoded in {encoding}; expected UTF8. Create one with ENCODING 'UTF8'."
            )
            raise InputRefused(message, field="database_url")


def _alembic(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    return config
