"""The safety net of a worker, and the proof that a leak was fixed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for both."""
    op.add_column("issue", sa.Column("proof", sa.Text(), nullable=True))
    op.add_column("worker", sa.Column("net", sa.Text(), nullable=True))
    because = sa.Column("exit_because", sa.Text(), nullable=False, server_default="")
    op.add_column("worker", because)
