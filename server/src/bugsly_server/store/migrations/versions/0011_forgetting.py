"""The moment that forgetting takes for the present."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make a table for it; the newest arrival is a moment that the clock did reach."""
    op.create_table(
        "forgetting",
        sa.Column("horizon", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("horizon", name=op.f("pk_forgetting")),
    )
    op.execute(
        "INSERT INTO forgetting (horizon) SELECT max(seen_at) FROM"
        " (SELECT seen_at FROM worker UNION ALL SELECT seen_at FROM issue) HAVING count(*) > 0"
    )
