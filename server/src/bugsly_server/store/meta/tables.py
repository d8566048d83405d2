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

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _moment(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _project() -> Column[int]:
    return Column("project_id", ForeignKey("project.id"), nullable=False)


project = Table(
    "project",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("slug", String(60), nullable=False, unique=True),
    _text("name"),
    _text("secrets"),
    _moment("created_at"),
)
"""`secrets` are names of keys whose values are not kept of events, one a line."""

key = Table(
    "key",
    METADATA,
    Column("public", String(32), primary_key=True),
    _project(),
    _moment("created_at"),
)

account = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text),
    _moment("created_at"),
)

session = Table(
    "session",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    _moment("created_at"),
    _moment("expires_at"),
)

login_link = Table(
    "login_link",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    _moment("expires_at"),
)

token = Table(
    "token",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    _text("name"),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    _moment("created_at"),
    _moment("used_at", nullable=True),
)

worker = Table(
    "worker",
    METADATA,
    Column("id", Integer, primary_key=True),
    _project(),
    Column("token", String(32), nullable=False),
    _text("host"),
    _text("machine"),
    _amount("pid"),
    _amount("parent"),
    _amount("number"),
    _amount("generation"),
    _text("server"),
    _text("release"),
    _text("environment"),
    _text("python"),
    _amount("every"),
    _moment("started_at"),
    _moment("seen_at"),
    _amount("samples"),
    _amount("anonymous"),
    _amount("shared"),
    _amount("proportional"),
    _amount("peak"),
    _amount("requests"),
    _amount("in_flight"),
    _amount("descriptors"),
    _amount("threads"),
    _amount("used"),
    _amount("limit"),
    _amount("oom_kills"),
    Column("rate", Double, nullable=False, server_default="0"),
    Column("lost", Text, nullable=False, server_default="{}"),
    Column("facts", Text, nullable=False, server_default="{}"),
    Column("net", Text),
    Column("under_way", Text, nullable=False, server_default="[]"),
    _moment("ended_at", nullable=True),
    Column("exit_reason", String(20)),
    _amount("exit_signal"),
    _amount("exit_code"),
    _text("exit_because"),
    Column("judgement", Text, nullable=False),
    _amount("hits"),
    _amount("judged_requests"),
    _amount("judged_at"),
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
    _moment("first_seen_at"),
)

endpoint = Table(
    "endpoint",
    METADATA,
    Column("id", Integer, primary_key=True),
    _project(),
    Column("name", String(300), nullable=False),
    UniqueConstraint("project_id", "name"),
)

issue = Table(
    "issue",
    METADATA,
    Column("id", Integer, primary_key=True),
    _project(),
    Column("kind", String(10), nullable=False, server_default="leak"),
    Column("fingerprint", String(300), nullable=False),
    _text("title"),
    _text("endpoint"),
    _text("release"),
    _text("environment"),
    Column("state", String(20), nullable=False),
    _moment("opened_at"),
    _moment("changed_at"),
    _moment("seen_at"),
    _moment("resolved_at", nullable=True),
    _moment("snoozed_until", nullable=True),
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
    _moment("at"),
    _text("because"),
    Column("finding", Text),
    Column("account_id", ForeignKey("account.id")),
)

channel = Table(
    "channel",
    METADATA,
    Column("id", Integer, primary_key=True),
    _project(),
    Column("kind", String(20), nullable=False),
    _text("name"),
    Column("url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    _moment("created_at"),
)

delivery = Table(
    "delivery",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("change_id", ForeignKey("change.id"), nullable=False),
    Column("channel_id", ForeignKey("channel.id"), nullable=False),
    Column("state", String(20), nullable=False),
    _amount("attempts"),
    _moment("due_at"),
    _text("problem"),
    _moment("sent_at", nullable=True),
    UniqueConstraint("change_id", "channel_id"),
    Index(None, "state", "due_at"),
)

counter = Table(
    "counter",
    METADATA,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), primary_key=True),
    _amount("amount"),
)
