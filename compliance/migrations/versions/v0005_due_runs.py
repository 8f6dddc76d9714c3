"""Let a run be due before somebody takes it, and be due again later after its source throttled it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; on both engines without making the table anew, which would lose its triggers."""
    op.add_column("collection_run", sa.Column("due_at", sa.BigInteger))
    op.add_column("collection_run", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_collection_run_unfinished", "collection_run", ["finished_at", "due_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_collection_run_unfinished", "collection_run")
    op.drop_column("collection_run", "tries")
    op.drop_column("collection_run", "due_at")
