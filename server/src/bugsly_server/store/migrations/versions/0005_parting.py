"""What workers held when they were about to be recycled."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make a table for it."""
    op.create_table(
        "parting",
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["worker.id"],
            name=op.f("fk_parting_worker_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_parting_project_id")),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_parting")),
    )
    op.create_index(op.f("ix_parting_project_id"), "parting", ["project_id"])
