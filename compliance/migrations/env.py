"""Alembic's entry: migrates the operational tables; the engine is handed in, or made from the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine, text

from compliance.databases import databases_of
from compliance.settings import load_settings
from compliance.tables import OPERATIONS
from compliance.upgrading import UPGRADING


def _engine() -> Engine:
    given: Engine | None = context.config.attributes.get("engine")
    return given if given is not None else databases_of(load_settings()).operations()


with _engine().connect() as connection:
    context.configure(connection=connection, target_metadata=OPERATIONS, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADING})
        context.run_migrations()
    connection.commit()
