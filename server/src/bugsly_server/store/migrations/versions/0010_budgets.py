"""Environments, the bytes that arrive in a day, and what dead-man alerts need to know."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, with the environments there are, and the columns."""
    op.create_table(
        "environment",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_environment_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_environment")),
    )
    op.create_table(
        "intake",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_intake_project_id")),
        sa.PrimaryKeyConstraint("project_id", "day", name=op.f("pk_intake")),
    )
    for table, at in (("worker", "started_at"), ("issue", "opened_at"), ("health", "0")):
        op.execute(
            "INSERT OR IGNORE INTO environment (project_id, name, first_seen_at)"  # noqa: S608
            f" SELECT project_id, environment, min({at}) FROM {table}"
            " WHERE environment != '' GROUP BY project_id, environment"
        )
    silence = sa.Column("silence_minutes", sa.Integer(), nullable=False, server_default="10")
    op.add_column("project", silence)
    accepted = sa.Column("accepted_at", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("channel", accepted)
    op.execute(
        "UPDATE channel SET accepted_at = coalesce("
        "(SELECT max(sent_at) FROM delivery WHERE channel_id = channel.id), 0)"
    )
