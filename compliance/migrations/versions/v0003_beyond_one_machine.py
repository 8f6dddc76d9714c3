"""Create what PostgreSQL holds of the log's head and of the projections: elsewhere both lie in files.

The head is never removed and never goes back; what is known stays known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("log_head", "log_edge", "log_pending", "log_known")


def upgrade() -> None:
    """Create tables and triggers."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("published", sa.BigInteger, nullable=False),
        sa.Column("published_root", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("base", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "log_edge",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "log_pending",
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    op.create_table("log_known", sa.Column("digest", sa.LargeBinary, primary_key=True))
    op.create_table(
        "projection_generation",
        sa.Column("generation", sa.String, primary_key=True),
        sa.Column("form", sa.BigInteger, nullable=False),
        sa.Column("served", sa.Boolean, nullable=False),
    )
    back = "NEW.size < OLD.size OR NEW.published < OLD.published OR NEW.received_at < OLD.received_at"
    _refuse("log_head", "UPDATE", f" WHEN ({back})")
    _refuse("log_known", "UPDATE", "")
    for table in ("log_head", "log_known"):
        _refuse(table, "DELETE", "")
    for table in TABLES:
        _refuse(table, "TRUNCATE", "")


def downgrade() -> None:
    """Drop the tables; their triggers go with them."""
    if op.get_context().dialect.name == "postgresql":
        for table in (*TABLES, "projection_generation"):
            op.drop_table(table)


def _refuse(table: str, what: str, when: str) -> None:
    each = "STATEMENT" if what == "TRUNCATE" else "ROW"
    op.execute(
        f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} FOR EACH {each}{when}"
        " EXECUTE FUNCTION muniment_refuse()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{what.lower()}")
