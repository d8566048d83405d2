"""The proof that a leak was fixed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for proofs."""
    op.add_column("issue", sa.Column("proof", sa.Text(), nullable=True))
