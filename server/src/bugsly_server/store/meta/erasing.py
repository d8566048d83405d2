"""Erases one person from meta: their events, tags and answers, and texts that name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Table,
    and_,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from bugsly_server.model.identity import Identity
from bugsly_server.store.compression import decompress
from bugsly_server.store.meta import error_tables, evidence_tables
from bugsly_server.store.meta.error_tables import error, grouping, llm_answer, specimen, trait
from bugsly_server.store.meta.groupings import user_tag
from bugsly_server.store.meta.tables import (
    METADATA,
    account,
    channel,
    endpoint,
    issue,
    key,
    login_link,
    project,
    session,
    token,
    worker,
)

OPERATORS_TABLES = frozenset({account, channel, key, login_link, project, session, token})
"""What the people who run the server have typed, not what an app has sent."""
IDENTIFYING_COLUMNS = frozenset({"fingerprint", "token", "digest", "key"})
MAX_USERS_PER_QUERY = 500


class ErasedFromMeta(NamedTuple):
    """How many rows were deleted, and how many texts were changed."""

    events: int
    tags: int
    answers: int
    texts: int


def erase(
    connection: Connection, project_id: int, identity: Identity, users: Iterable[str]
) -> ErasedFromMeta:
    """Erase *identity* from what is stored of a project; *users* are names that events gave it."""
    assert evidence_tables.source.name in METADATA.tables, "the tables of evidence are known"
    assert error_tables.error.name in METADATA.tables, "and those of errors"
    specimen_users = _erase_specimens(connection, project_id, identity)
    tags = _erase_users(connection, project_id, {identity.text, *users, *specimen_users})
    answers = _erase_answers(connection, project_id, identity)
    texts = 0
    for table in METADATA.sorted_tables:
        if table not in OPERATORS_TABLES and identity.is_distinctive:
            texts += _erase_texts(connection, table, project_id, identity)
    return ErasedFromMeta(len(specimen_users), tags, answers, texts)


def _erase_specimens(connection: Connection, project_id: int, identity: Identity) -> list[str]:
    """Delete the events that are kept for good; return how each names its user."""
    keys: Select[Any] = (
        select(*specimen.primary_key).join(grouping).where(grouping.c.project_id == project_id)
    )
    users = []
    for row in connection.execute(keys).all():
        found = connection.execute(select(specimen.c.body).where(_is_row(specimen, row)))
        body = decompress(found.scalar_one())
        if identity.is_in_payload(body):
            users.append(identity.user_in(body) or identity.text)
            connection.execute(delete(specimen).where(_is_row(specimen, row)))
    return users


def _erase_users(connection: Connection, project_id: int, users: Iterable[str]) -> int:
    """Delete the tags of *users*, and count them out; return how many tags there were."""
    hashes = [user_tag(user) for user in users]
    of_project = select(grouping.c.id).where(grouping.c.project_id == project_id)
    found: Counter[int] = Counter()
    for start in range(0, len(hashes), MAX_USERS_PER_QUERY):
        is_user = trait.c.value.in_(hashes[start : start + MAX_USERS_PER_QUERY])
        condition = and_(trait.c.kind == "user", is_user, trait.c.grouping_id.in_(of_project))
        deleted = connection.execute(delete(trait).where(condition).returning(trait.c.grouping_id))
        found.update(row.grouping_id for row in deleted)
    for grouping_id, amount in found.items():
        issue_id = select(grouping.c.issue_id).where(grouping.c.id == grouping_id)
        users_left = func.max(0, error.c.users - amount)
        of_issue = error.c.issue_id == issue_id.scalar_subquery()
        connection.execute(update(error).where(of_issue).values(users=users_left))
    return found.total()


def _erase_answers(connection: Connection, project_id: int, identity: Identity) -> int:
    """Delete what a model answered about this person."""
    query = select(llm_answer).where(_of_project(llm_answer, project_id))
    found = [row for row in connection.execute(query) if identity.is_in_payload(row.body)]
    for row in found:
        connection.execute(delete(llm_answer).where(_is_row(llm_answer, row)))
    return len(found)


def _erase_texts(connection: Connection, table: Table, project_id: int, identity: Identity) -> int:
    """Change the texts that name this person, and delete the rows that are known by them."""
    columns = [one for one in table.c if isinstance(one.type, String)]
    texts = [one for one in columns if one.name not in IDENTIFYING_COLUMNS]
    if not texts:
        return 0
    named = or_(*(_may_name(one, identity) for one in texts))
    changed = 0
    for row in connection.execute(select(table).where(_of_project(table, project_id), named)).all():
        hits = {
            one.name: identity.erased_from(text)
            for one in texts
            if (text := row._mapping[one]) is not None and identity.is_in(text)
        }
        if hits:
            _change(connection, table, row, hits)
            changed += 1
    return changed


def _change(connection: Connection, table: Table, row: Row[Any], hits: dict[str, str]) -> None:
    """Change *hits* in *row*, or delete it where a hit is part of its key."""
    if hits.keys() & {one.name for one in table.primary_key} or table is endpoint:
        connection.execute(delete(table).where(_is_row(table, row)))
    else:
        connection.execute(update(table).where(_is_row(table, row)).values(hits))


def _may_name(column: Column[Any], identity: Identity) -> ColumnElement[bool]:
    return or_(*(column.icontains(one, autoescape=True) for one in identity.spellings))


def _is_row(table: Table, row: Row[Any]) -> ColumnElement[bool]:
    return and_(*(one == row._mapping[one] for one in table.primary_key))


def _of_project(table: Table, project_id: int) -> ColumnElement[bool]:
    """Return the condition that a row of *table* belongs to a project; some are of none."""
    if "project_id" in table.c:
        return table.c.project_id == project_id
    for name, owner in (("issue_id", issue), ("grouping_id", grouping), ("worker_id", worker)):
        if name in table.c:
            return table.c[name].in_(select(owner.c.id).where(owner.c.project_id == project_id))
    if "change_id" not in table.c:
        return false()
    changes = METADATA.tables["change"]
    of_issue = _of_project(changes, project_id)
    return table.c.change_id.in_(select(changes.c.id).where(of_issue))


def grouping_ids(connection: Connection, project_id: int) -> frozenset[int]:
    """Return the ids of the groupings of a project, under which its events are stored."""
    query = select(grouping.c.id).where(grouping.c.project_id == project_id)
    return frozenset(connection.execute(query).scalars())
