"""Up to which entry of the spool the sessions of each project are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make a table for it."""
    op.create_table(
        "counted_sessions",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_counted_sessions_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_counted_sessions")),
    )
