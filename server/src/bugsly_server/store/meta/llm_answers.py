"""Stores the answers of a model, by the key of the question."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import Micros
from bugsly_server.store.meta.error_tables import llm_answer

MAX_ANSWERS = 1_000
"""Beyond that, the oldest are deleted."""


class StoredLlmAnswer(NamedTuple):
    """An answer, and what it is about."""

    key: str
    issue_id: int
    subject: str
    """The id of an error's event, in hexadecimal digits; empty for a leak."""
    at: Micros
    body: bytes


def find(connection: Connection, key: str, issue_id: int, subject: str) -> StoredLlmAnswer | None:
    """Return the answer under *key*, else the latest about the same subject."""
    about = and_(llm_answer.c.issue_id == issue_id, llm_answer.c.subject == subject)
    query = select(llm_answer).where(or_(llm_answer.c.key == key, about))
    first = query.order_by((llm_answer.c.key == key).desc(), llm_answer.c.at.desc()).limit(1)
    row = connection.execute(first).one_or_none()
    return None if row is None else StoredLlmAnswer(*row)


def save(connection: Connection, answer: StoredLlmAnswer) -> None:
    """Store an answer in place of an earlier one to the same question."""
    added = upsert(llm_answer).values(answer._asdict())
    latest = {name: added.excluded[name] for name in StoredLlmAnswer._fields if name != "key"}
    connection.execute(added.on_conflict_do_update(index_elements=["key"], set_=latest))
    excess = select(llm_answer.c.key).order_by(llm_answer.c.at.desc()).limit(-1).offset(MAX_ANSWERS)
    connection.execute(delete(llm_answer).where(llm_answer.c.key.in_(excess)))


def delete_before(connection: Connection, before: Micros) -> None:
    """Delete the answers that came before *before*."""
    connection.execute(delete(llm_answer).where(llm_answer.c.at < before))
