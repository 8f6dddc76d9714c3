"""Keep the operational tables append-only where they must be, by triggers on both engines.

A token is never removed, and of its row only the revocation changes, once. A run that has ended
stays as it ended. SQLite needs a guard before INSERT as well, or INSERT OR REPLACE overwrites
silently; PostgreSQL needs one against TRUNCATE, and triggers that a replication role does not skip.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

KEPT = ("api_token", "collection_run")
"""Tables from which nothing is removed."""
FIXED_FIELDS_CHANGE = (
    "OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.id <> OLD.id OR NEW.sha256 <> OLD.sha256"
    " OR NEW.scopes <> OLD.scopes OR NEW.created_by <> OLD.created_by OR NEW.created_at <> OLD.created_at"
    " OR {new_source} OR {new_expiry}"
)
DIFFERS = {"sqlite": "NEW.{0} IS NOT OLD.{0}", "postgresql": "NEW.{0} IS DISTINCT FROM OLD.{0}"}


def upgrade() -> None:
    """Create the triggers."""
    engine = op.get_context().dialect.name
    differs = DIFFERS[engine]
    token = FIXED_FIELDS_CHANGE.format(
        new_source=differs.format("source"), new_expiry=differs.format("expires_at")
    )
    refuse = _refuse_on_sqlite if engine == "sqlite" else _refuse_on_postgresql
    if engine == "postgresql":
        op.execute(
            "CREATE FUNCTION muniment_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION '%: % is refused, the table is append-only', TG_TABLE_NAME, TG_OP"
            " USING ERRCODE = 'restrict_violation'; END $$"
        )
    refuse("api_token", "UPDATE", token)
    refuse("collection_run", "UPDATE", "OLD.finished_at IS NOT NULL")
    for table in KEPT:
        refuse(table, "DELETE", "")
        if engine == "postgresql":
            _keep_from_truncation(table)
    if engine == "sqlite":
        _refuse_replacing("api_token", "id = NEW.id OR sha256 = NEW.sha256")
        _refuse_replacing("collection_run", "id = NEW.id OR (source = NEW.source AND slot = NEW.slot)")


def downgrade() -> None:
    """Drop the triggers."""
    engine = op.get_context().dialect.name
    kinds = ("update", "delete", "insert" if engine == "sqlite" else "truncate")
    for table in KEPT:
        for kind in kinds:
            on = "" if engine == "sqlite" else f" ON {table}"
            op.execute(f"DROP TRIGGER {table}_no_{kind}{on}")
    if engine == "postgresql":
        op.execute("DROP FUNCTION muniment_refuse()")


def _refuse_on_sqlite(table: str, what: str, when: str) -> None:
    condition = f" WHEN {when}" if when else ""
    op.execute(
        f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} FOR EACH ROW{condition}"
        f" BEGIN SELECT RAISE(ABORT, '{table}: {what} is refused, the table is append-only'); END"
    )


def _refuse_replacing(table: str, same: str) -> None:
    found = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 (names of our own)
    op.execute(
        f"CREATE TRIGGER {table}_no_insert BEFORE INSERT ON {table} FOR EACH ROW WHEN EXISTS ({found})"
        f" BEGIN SELECT RAISE(ABORT, '{table}: a row is never replaced'); END"
    )


def _refuse_on_postgresql(table: str, what: str, when: str) -> None:
    condition = f" WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} FOR EACH ROW{condition}"
        " EXECUTE FUNCTION muniment_refuse()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{what.lower()}")


def _keep_from_truncation(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION muniment_refuse()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate")
