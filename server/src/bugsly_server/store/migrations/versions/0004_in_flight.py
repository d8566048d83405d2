"""What a worker was answering when it was last heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it."""
    under_way = sa.Column("under_way", sa.Text(), nullable=False, server_default="[]")
    op.add_column("worker", under_way)
