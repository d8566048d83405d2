"""The tables. A change here needs a migration in store/migrations; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bugsly_server.store.meta.columns import amount, moment, of_project, text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


project = Table(
    "project",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("slug", String(60), nullable=False, unique=True),
    text("name"),
    text("secrets"),
    moment("created_at"),
)
"""`secrets` are names of keys whose values are not kept of events, one a line."""

key = Table(
    "key",
    METADATA,
    Column("public", String(32), primary_key=True),
    of_project(),
    moment("created_at"),
)

account = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text),
    moment("created_at"),
)

session = Table(
    "session",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    moment("created_at"),
    moment("expires_at"),
)

login_link = Table(
    "login_link",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    moment("expires_at"),
)

token = Table(
    "token",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    text("name"),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    moment("created_at"),
    moment("used_at", nullable=True),
)

worker = Table(
    "worker",
    METADATA,
    Column("id", Integer, primary_key=True),
    of_project(),
    Column("token", String(32), nullable=False),
    text("host"),
    text("machine"),
    amount("pid"),
    amount("parent"),
    amount("number"),
    amount("generation"),
    text("server"),
    text("release"),
    text("environment"),
    text("python"),
    amount("every"),
    moment("started_at"),
    moment("seen_at"),
    amount("samples"),
    amount("anonymous"),
    amount("shared"),
    amount("proportional"),
    amount("peak"),
    amount("requests"),
    amount("in_flight"),
    amount("descriptors"),
    amount("threads"),
    amount("used"),
    amount("limit"),
    amount("oom_kills"),
    Column("rate", Double, nullable=False, server_default="0"),
    Column("lost", Text, nullable=False, server_default="{}"),
    Column("facts", Text, nullable=False, server_default="{}"),
    Column("net", Text),
    Column("under_way", Text, nullable=False, server_default="[]"),
    moment("ended_at", nullable=True),
    Column("exit_reason", String(20)),
    amount("exit_signal"),
    amount("exit_code"),
    text("exit_because"),
    Column("judgement", Text, nullable=False),
    amount("hits"),
    amount("judged_requests"),
    amount("judged_at"),
    UniqueConstraint("project_id", "token"),
    Index(None, "project_id", "ended_at", "seen_at"),
    sqlite_autoincrement=True,
)
"""`judgement` is `model.growth.Judgement` as JSON, `net` is `bugsly.protocol.net.Net`, `under_way`
a list of `bugsly.protocol.memory.UnderWay`: written and read whole, never queried.

An id is never given again, because telemetry may still hold samples under it.
"""

release = Table(
    "release",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("version", String(200), primary_key=True),
    moment("first_seen_at"),
)

endpoint = Table(
    "endpoint",
    METADATA,
    Column("id", Integer, primary_key=True),
    of_project(),
    Column("name", String(300), nullable=False),
    UniqueConstraint("project_id", "name"),
)

issue = Table(
    "issue",
    METADATA,
    Column("id", Integer, primary_key=True),
    of_project(),
    Column("kind", String(10), nullable=False, server_default="leak"),
    Column("fingerprint", String(300), nullable=False),
    text("title"),
    text("endpoint"),
    text("release"),
    text("environment"),
    Column("state", String(20), nullable=False),
    moment("opened_at"),
    moment("changed_at"),
    moment("seen_at"),
    moment("resolved_at", nullable=True),
    moment("snoozed_until", nullable=True),
    Column("finding", Text, nullable=False),
    Column("told", Text),
    Column("proof", Text),
    UniqueConstraint("project_id", "fingerprint"),
    Index(None, "project_id", "state", "seen_at"),
    Index(None, "project_id", "seen_at"),
)
"""Leaks have a `finding`, errors an empty one and a row of `error`. `release` and
`environment` are the latest."""

change = Table(
    "change",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    moment("at"),
    text("because"),
    Column("finding", Text),
    Column("account_id", ForeignKey("account.id")),
)

channel = Table(
    "channel",
    METADATA,
    Column("id", Integer, primary_key=True),
    of_project(),
    Column("kind", String(20), nullable=False),
    text("name"),
    Column("url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    moment("created_at"),
)

delivery = Table(
    "delivery",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("change_id", ForeignKey("change.id"), nullable=False),
    Column("channel_id", ForeignKey("channel.id"), nullable=False),
    Column("state", String(20), nullable=False),
    amount("attempts"),
    moment("due_at"),
    text("problem"),
    moment("sent_at", nullable=True),
    UniqueConstraint("change_id", "channel_id"),
    Index(None, "state", "due_at"),
)

counter = Table(
    "counter",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), primary_key=True),
    amount("amount"),
)
