"""Let a token be bound to an engagement, which never changes once the token is made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_CHANGES = {
    "sqlite": "NEW.engagement IS NOT OLD.engagement",
    "postgresql": "NEW.engagement IS DISTINCT FROM OLD.engagement",
}


def upgrade() -> None:
    """Add the column, and the trigger that keeps it."""
    engine = op.get_context().dialect.name
    op.add_column("api_token", sa.Column("engagement", sa.Text, nullable=True))
    begin = f"CREATE TRIGGER api_token_engagement BEFORE UPDATE ON api_token FOR EACH ROW WHEN ({_CHANGES[engine]})"
    if engine == "sqlite":
        said = "api_token: UPDATE is refused, the table is append-only"
        op.execute(f"{begin} BEGIN SELECT RAISE(ABORT, '{said}'); END")
    else:
        op.execute(f"{begin} EXECUTE FUNCTION muniment_refuse()")
        op.execute("ALTER TABLE api_token ENABLE ALWAYS TRIGGER api_token_engagement")


def downgrade() -> None:
    """Drop both."""
    engine = op.get_context().dialect.name
    op.execute("DROP TRIGGER api_token_engagement" + ("" if engine == "sqlite" else " ON api_token"))
    op.drop_column("api_token", "engagement")
