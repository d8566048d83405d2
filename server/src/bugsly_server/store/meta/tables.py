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

from bugsly_server.store.meta.columns import (
    amount_column,
    moment_column,
    project_reference,
    text_column,
)

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
    text_column("name"),
    text_column("secrets"),
    moment_column("created_at"),
    Column("silence_minutes", Integer, nullable=False, server_default="10"),
)
"""`secrets` are names of keys whose values are removed from events, one per line. After
`silence_minutes` without a report the app is called silent; after 0, never."""

key = Table(
    "key",
    METADATA,
    Column("public", String(32), primary_key=True),
    project_reference(),
    moment_column("created_at"),
    Column("kind", String(10), nullable=False, server_default="agent"),
    text_column("name"),
    Column("origins", Text, nullable=False, server_default="*"),
    moment_column("ends_at", nullable=True),
    moment_column("used_at", nullable=True),
)
"""`origins` are those of web pages that may send with it, one per line."""

account = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text),
    moment_column("created_at"),
)

session = Table(
    "session",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    moment_column("created_at"),
    moment_column("expires_at"),
)

login_link = Table(
    "login_link",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("account.id")),
    moment_column("expires_at"),
)
"""Without an account it entitles to make the first one."""

token = Table(
    "token",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    text_column("name"),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    moment_column("created_at"),
    moment_column("used_at", nullable=True),
)

worker = Table(
    "worker",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    Column("token", String(32), nullable=False),
    text_column("host"),
    text_column("machine"),
    amount_column("pid"),
    amount_column("parent"),
    amount_column("number"),
    amount_column("generation"),
    text_column("server"),
    text_column("release"),
    text_column("environment"),
    text_column("python"),
    amount_column("every"),
    moment_column("started_at"),
    moment_column("seen_at"),
    amount_column("samples"),
    amount_column("anonymous"),
    amount_column("shared"),
    amount_column("proportional"),
    amount_column("peak"),
    amount_column("requests"),
    amount_column("in_flight"),
    amount_column("descriptors"),
    amount_column("threads"),
    amount_column("used"),
    amount_column("limit"),
    amount_column("oom_kills"),
    Column("rate", Double, nullable=False, server_default="0"),
    Column("lost", Text, nullable=False, server_default="{}"),
    Column("facts", Text, nullable=False, server_default="{}"),
    Column("net", Text),
    Column("under_way", Text, nullable=False, server_default="[]"),
    moment_column("ended_at", nullable=True),
    Column("exit_reason", String(20)),
    amount_column("exit_signal"),
    amount_column("exit_code"),
    text_column("exit_because"),
    Column("judgement", Text, nullable=False),
    amount_column("hits"),
    amount_column("judged_requests"),
    amount_column("judged_at"),
    Column("secret_hash", String(64)),
    UniqueConstraint("project_id", "token"),
    Index(None, "project_id", "ended_at", "seen_at"),
    sqlite_autoincrement=True,
)
"""Written and read whole as JSON, never queried: `judgement` is a record of
`store/records/growth_judgement.py`, `net` a `bugsly.protocol.safety_net.RecyclerReport`,
`under_way` a list of `bugsly.protocol.memory.EndpointInFlight`.

An id is never used again, because telemetry may still hold samples under it.
"""

release = Table(
    "release",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("version", String(200), primary_key=True),
    moment_column("first_seen_at"),
)

environment = Table(
    "environment",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("name", String(200), primary_key=True),
    moment_column("first_seen_at"),
)

endpoint = Table(
    "endpoint",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    Column("name", String(300), nullable=False),
    UniqueConstraint("project_id", "name"),
)

issue = Table(
    "issue",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    Column("kind", String(10), nullable=False, server_default="leak"),
    Column("fingerprint", String(300), nullable=False),
    text_column("title"),
    text_column("endpoint"),
    text_column("release"),
    text_column("environment"),
    Column("state", String(20), nullable=False),
    moment_column("opened_at"),
    moment_column("changed_at"),
    moment_column("seen_at"),
    moment_column("resolved_at", nullable=True),
    moment_column("snoozed_until", nullable=True),
    Column("finding", Text, nullable=False),
    Column("told", Text),
    Column("proof", Text),
    UniqueConstraint("project_id", "fingerprint"),
    Index(None, "project_id", "state", "seen_at"),
    Index(None, "project_id", "seen_at"),
)
"""Leaks have a `finding`, errors an empty one and a row of `error`. `finding`, `told` and `proof`
are records of `store/records/`. `release` and `environment` are the latest."""

change = Table(
    "change",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    moment_column("at"),
    text_column("because"),
    Column("finding", Text),
    Column("account_id", ForeignKey("account.id")),
)

channel = Table(
    "channel",
    METADATA,
    Column("id", Integer, primary_key=True),
    project_reference(),
    Column("kind", String(20), nullable=False),
    text_column("name"),
    Column("url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    moment_column("created_at"),
    amount_column("accepted_at"),
)
"""`accepted_at` is when it last accepted an alert or a test."""

delivery = Table(
    "delivery",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("change_id", ForeignKey("change.id"), nullable=False),
    Column("channel_id", ForeignKey("channel.id"), nullable=False),
    Column("state", String(20), nullable=False),
    amount_column("attempts"),
    moment_column("due_at"),
    text_column("problem"),
    moment_column("sent_at", nullable=True),
    UniqueConstraint("change_id", "channel_id"),
    Index(None, "state", "due_at"),
)

intake = Table(
    "intake",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    amount_column("bytes"),
)
"""Bytes that were kept of what arrived, before compression."""

forgetting = Table(
    "forgetting",
    METADATA,
    Column("horizon", BigInteger, primary_key=True, autoincrement=False),
)
"""One row; see forgetting.py."""

counter = Table(
    "counter",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), primary_key=True),
    amount_column("amount"),
)
