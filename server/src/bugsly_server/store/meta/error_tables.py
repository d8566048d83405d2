"""The tables of errors, next to those of tables.py; a test compares both with the migrations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bugsly_server.store.meta.tables import METADATA

error = Table(
    "error",
    METADATA,
    Column("issue_id", ForeignKey("issue.id"), primary_key=True),
    Column("place", Text, nullable=False, server_default=""),
    Column("level", String(10), nullable=False),
    Column("count", BigInteger, nullable=False, server_default="0"),
    Column("users", BigInteger, nullable=False, server_default="0"),
    Column("first_release", Text, nullable=False, server_default=""),
    Column("resolved_after", String(200)),
    Column("ignored_until", BigInteger),
    Column("escalated_at", BigInteger, nullable=False, server_default="0"),
    Column("merged_into", ForeignKey("issue.id")),
)
"""`resolved_after` is the release that was the newest when somebody said that the next fixes it;
`ignored_until` a count."""

grouping = Table(
    "grouping",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("issue_id", ForeignKey("issue.id"), nullable=False, index=True),
    Column("fingerprint", String(60), nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("because", Text, nullable=False),
    Column("events", BigInteger, nullable=False, server_default="0"),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("specimen_at", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "fingerprint"),
    sqlite_autoincrement=True,
)
"""One fingerprint; an issue has several when somebody merged it. Events belong to a grouping."""

grouping_hour = Table(
    "grouping_hour",
    METADATA,
    Column("grouping_id", ForeignKey("grouping.id"), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("events", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

trait = Table(
    "trait",
    METADATA,
    Column("grouping_id", ForeignKey("grouping.id"), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Index(None, "kind", "value"),
    sqlite_with_rowid=False,
)
"""The releases, environments and (hashed) users a grouping was seen with."""

specimen = Table(
    "specimen",
    METADATA,
    Column("grouping_id", ForeignKey("grouping.id"), primary_key=True),
    Column("latest", Boolean, primary_key=True),
    Column("event_id", LargeBinary(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""The first event of a grouping and a late one, which outlast the day files."""

seen = Table(
    "seen",
    METADATA,
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("event_id", LargeBinary(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The events that are counted, so that none is counted twice."""

health = Table(
    "health",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("release", String(200), primary_key=True),
    Column("environment", String(200), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("sessions", BigInteger, nullable=False, server_default="0"),
    Column("errored", BigInteger, nullable=False, server_default="0"),
    Column("crashed", BigInteger, nullable=False, server_default="0"),
)
"""Sessions as SDKs count them; crash-free rates are computed from them."""

counted_sessions = Table(
    "counted_sessions",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("entry_id", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
"""The newest entry of the spool whose sessions are in `health`: a batch may be digested again."""

llm_answer = Table(
    "advice",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False, index=True),
    Column("subject", String(32), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""What a model answered about an issue; of an error, `subject` is the event."""
