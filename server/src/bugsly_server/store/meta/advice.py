"""What a model answered, by the key of the question."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import Micros
from bugsly_server.store.meta.error_tables import advice

MOST = 1_000
"""Answers; the oldest go first."""


class Kept(NamedTuple):
    """An answer, and what it is about."""

    key: str
    issue_id: int
    subject: str
    """The event, in hexadecimal digits; empty for a leak."""
    at: Micros
    body: bytes


def find(connection: Connection, key: str, issue_id: int, subject: str) -> Kept | None:
    """Return the answer under *key*, else the latest about the same subject."""
    about = and_(advice.c.issue_id == issue_id, advice.c.subject == subject)
    query = select(advice).where(or_(advice.c.key == key, about))
    first = query.order_by((advice.c.key == key).desc(), advice.c.at.desc()).limit(1)
    row = connection.execute(first).one_or_none()
    return None if row is None else Kept(*row)


def keep(connection: Connection, one: Kept) -> None:
    """Store an answer, in the place of an earlier one to the same question."""
    added = upsert(advice).values(one._asdict())
    latest = {name: added.excluded[name] for name in Kept._fields if name != "key"}
    connection.execute(added.on_conflict_do_update(index_elements=["key"], set_=latest))
    beyond = select(advice.c.key).order_by(advice.c.at.desc()).limit(-1).offset(MOST)
    connection.execute(delete(advice).where(advice.c.key.in_(beyond)))


def forget(connection: Connection, before: Micros) -> None:
    """Delete the answers that came before *before*."""
    connection.execute(delete(advice).where(advice.c.at < before))
