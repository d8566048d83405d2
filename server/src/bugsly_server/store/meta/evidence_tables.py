"""The tables of evidence, next to those of tables.py; a test compares both with migrations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bugsly_server.store.meta.columns import (
    moment_column,
    project_reference,
    text_column,
    worker_reference,
)
from bugsly_server.store.meta.tables import METADATA

holder = Table(
    "holder",
    METADATA,
    Column("id", Integer, primary_key=True),
    worker_reference(),
    Column("name", String(300), nullable=False),
    Column("description", Text),
    moment_column("first_at"),
    moment_column("seen_at"),
    UniqueConstraint("worker_id", "name"),
    sqlite_autoincrement=True,
)
"""`description` is `bugsly.protocol.evidence.Holder` as JSON; absent while it was only counted."""

source = Table(
    "source",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    Column("file", String(500), nullable=False),
    text_column("module"),
    text_column("text"),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("digest", String(64), nullable=False),
    Column("edited", Boolean, nullable=False),
    text_column("problem"),
    Column("views", Text, nullable=False, server_default="{}"),
    moment_column("seen_at"),
    UniqueConstraint("project_id", "file"),
)

probe_request = Table(
    "ask",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    worker_reference(),
    Column("probe", String(20), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", String(20), nullable=False),
    moment_column("asked_at"),
    moment_column("sent_at", nullable=True),
    moment_column("answered_at", nullable=True),
    Column("answer", Text),
    Index(None, "project_id", "state"),
    Index(None, "worker_id"),
    sqlite_autoincrement=True,
)
"""`answer` is `bugsly.protocol.evidence.ProbeResult` as JSON, its sources without their text."""

final_snapshot = Table(
    "parting",
    METADATA,
    Column("worker_id", ForeignKey("worker.id", ondelete="CASCADE"), primary_key=True),
    project_reference(),
    Column("answer", Text, nullable=False),
    Index(None, "project_id"),
)
"""`answer` is `bugsly.protocol.evidence.ProbeResult` as JSON: the heap of a worker that was about
to be recycled, or why there is none."""
