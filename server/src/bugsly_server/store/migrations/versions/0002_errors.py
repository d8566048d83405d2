"""Errors beside the leaks, and the events they are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of errors, and give issues a kind."""
    op.create_table(
        "seen",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "event_id", name=op.f("pk_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "health",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sessions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("errored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("crashed", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_health_project_id")),
        sa.PrimaryKeyConstraint(
            "project_id", "release", "environment", "day", name=op.f("pk_health")
        ),
    )
    op.create_table(
        "error",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("users", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_release", sa.Text(), server_default="", nullable=False),
        sa.Column("resolved_after", sa.String(length=200), nullable=True),
        sa.Column("ignored_until", sa.BigInteger(), nullable=True),
        sa.Column("escalated_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_error_issue_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["issue.id"], name=op.f("fk_error_merged_into")),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("pk_error")),
    )
    op.create_table(
        "grouping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("specimen_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_grouping_issue_id")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_grouping_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping")),
        sa.UniqueConstraint(
            "project_id", "fingerprint", name=op.f("uq_grouping_project_id_fingerprint")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_grouping_issue_id"), "grouping", ["issue_id"], unique=False)
    op.create_table(
        "grouping_hour",
        sa.Column("grouping_id", sa.Integer(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["grouping.id"], name=op.f("fk_grouping_hour_grouping_id")
        ),
        sa.PrimaryKeyConstraint("grouping_id", "hour", name=op.f("pk_grouping_hour")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "specimen",
        sa.Column("grouping_id", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["grouping.id"], name=op.f("fk_specimen_grouping_id")
        ),
        sa.PrimaryKeyConstraint("grouping_id", "latest", name=op.f("pk_specimen")),
    )
    op.create_table(
        "trait",
        sa.Column("grouping_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["grouping.id"], name=op.f("fk_trait_grouping_id")
        ),
        sa.PrimaryKeyConstraint("grouping_id", "kind", "value", name=op.f("pk_trait")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_trait_kind_value"), "trait", ["kind", "value"], unique=False)
    op.create_table(
        "advice",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_advice_issue_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_advice")),
    )
    op.create_index(op.f("ix_advice_at"), "advice", ["at"], unique=False)
    op.create_index(op.f("ix_advice_issue_id"), "advice", ["issue_id"], unique=False)
    op.add_column(
        "issue", sa.Column("kind", sa.String(length=10), server_default="leak", nullable=False)
    )
    op.add_column("issue", sa.Column("endpoint", sa.Text(), server_default="", nullable=False))
    op.add_column("issue", sa.Column("release", sa.Text(), server_default="", nullable=False))
    op.add_column("issue", sa.Column("environment", sa.Text(), server_default="", nullable=False))
    op.create_index(
        op.f("ix_issue_project_id_seen_at"), "issue", ["project_id", "seen_at"], unique=False
    )
    op.create_index(
        op.f("ix_issue_project_id_state_seen_at"),
        "issue",
        ["project_id", "state", "seen_at"],
        unique=False,
    )
    op.add_column("project", sa.Column("secrets", sa.Text(), server_default="", nullable=False))
