"""What a key may send and from where, and what a worker proves its reports with.

The keys of earlier servers are agent keys that pages of any origin may use: nothing stops working.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it."""
    for column in (
        sa.Column("kind", sa.String(10), nullable=False, server_default="agent"),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("origins", sa.Text(), nullable=False, server_default="*"),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("key", column)
    op.add_column("worker", sa.Column("secret_hash", sa.String(64), nullable=True))
