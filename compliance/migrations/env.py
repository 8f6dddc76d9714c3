"""Alembic's entry: migrates the operational tables; the engine is handed in, or made from MUNIMENT_HOME."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine

from compliance.database import sqlite_engine
from compliance.settings import load_settings
from compliance.tables import OPERATIONS


def _engine() -> Engine:
    given: Engine | None = context.config.attributes.get("engine")
    return given if given is not None else sqlite_engine(load_settings().home / "operations.db")


with _engine().connect() as connection:
    context.configure(connection=connection, target_metadata=OPERATIONS, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
