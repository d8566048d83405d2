"""Stores groupings: the fingerprints of errors, with their counts, tags and specimens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import HOUR, Micros
from bugsly_server.store.compression import compress, decompress
from bugsly_server.store.meta.error_tables import grouping, grouping_hour, seen, specimen, trait

HOURS_A_WEEK = 168
MAX_IDS_PER_QUERY = 500


class Grouping(NamedTuple):
    """One fingerprint, and the issue that it belongs to."""

    id: int
    issue_id: int
    fingerprint: str
    title: str
    because: tuple[str, ...]
    events: int
    first_at: Micros
    last_at: Micros
    specimen_at: Micros
    """When a late event of it was last kept for good."""


class IssueTag(NamedTuple):
    """Something a grouping was seen with: a `release`, an `environment` or a `user`."""

    grouping_id: int
    kind: str
    value: str
    first_at: Micros


class Specimen(NamedTuple):
    """An event that is kept for as long as its grouping."""

    grouping_id: int
    latest: bool
    event_id: bytes
    at: Micros
    body: bytes


def user_tag(user: str) -> str:
    """Return what is stored of a user instead of the name."""
    return blake2b(user.encode(), digest_size=8).hexdigest()


def unseen(connection: Connection, project_id: int, ids: Sequence[bytes]) -> set[bytes]:
    """Return those of *ids* that no counted event has."""
    known: set[bytes] = set()
    for start in range(0, len(ids), MAX_IDS_PER_QUERY):
        chunk = ids[start : start + MAX_IDS_PER_QUERY]
        query = select(seen.c.event_id).where(
            seen.c.project_id == project_id, seen.c.event_id.in_(chunk)
        )
        known.update(connection.execute(query).scalars())
    return set(ids) - known


def mark_seen(connection: Connection, project_id: int, ids: Iterable[bytes], now: Micros) -> None:
    """Note that the events *ids* are counted."""
    rows = [{"project_id": project_id, "event_id": one, "at": now} for one in ids]
    connection.execute(upsert(seen).on_conflict_do_nothing(), rows)


def find(
    connection: Connection, project_id: int, fingerprints: Iterable[str]
) -> dict[str, Grouping]:
    """Return the groupings that have one of *fingerprints*, by it."""
    query = select(grouping).where(
        grouping.c.project_id == project_id, grouping.c.fingerprint.in_(list(fingerprints))
    )
    return {row.fingerprint: _grouping_from_row(row) for row in connection.execute(query)}


def of_issue(connection: Connection, issue_id: int) -> list[Grouping]:
    """Return the groupings of an issue, oldest first."""
    query = select(grouping).where(grouping.c.issue_id == issue_id).order_by(grouping.c.id)
    return [_grouping_from_row(row) for row in connection.execute(query)]


def add(connection: Connection, project_id: int, made: Grouping) -> Grouping:
    """Store a grouping, whose id is not known yet, without events so far."""
    values = made._asdict() | {"project_id": project_id, "because": _encoded(made.because)}
    del values["id"]
    added = insert(grouping).values(values).returning(grouping.c.id)
    return made._replace(id=connection.execute(added).scalar_one())


def move_to_issue(connection: Connection, grouping_ids: Iterable[int], issue_id: int) -> None:
    """Move groupings to another issue."""
    condition = grouping.c.id.in_(list(grouping_ids))
    connection.execute(update(grouping).where(condition).values(issue_id=issue_id))


def count_events(connection: Connection, amounts: Mapping[int, tuple[int, Micros]]) -> None:
    """Add to the count of each grouping; the moment is of its newest event."""
    if not amounts:
        return
    query = (
        update(grouping)
        .where(grouping.c.id == bindparam("key"))
        .values(
            events=grouping.c.events + bindparam("more"),
            last_at=func.max(grouping.c.last_at, bindparam("newest")),
        )
    )
    rows = [{"key": key, "more": more, "newest": at} for key, (more, at) in amounts.items()]
    connection.execute(query, rows)


def count_hours(connection: Connection, amounts: Mapping[tuple[int, int], int]) -> None:
    """Add *amounts*, by grouping and hour since 1970."""
    if not amounts:
        return
    added = upsert(grouping_hour)
    query = added.on_conflict_do_update(
        index_elements=["grouping_id", "hour"],
        set_={"events": grouping_hour.c.events + added.excluded.events},
    )
    rows = [
        {"grouping_id": key, "hour": hour, "events": more} for (key, hour), more in amounts.items()
    ]
    connection.execute(query, rows)


def events_by_hour(
    connection: Connection, issue_ids: Iterable[int], since: Micros
) -> dict[int, dict[int, int]]:
    """Return the counts of each issue by hour since 1970."""
    found: dict[int, dict[int, int]] = {issue_id: {} for issue_id in issue_ids}
    total = func.sum(grouping_hour.c.events).label("total")
    query = (
        select(grouping.c.issue_id, grouping_hour.c.hour, total)
        .join(grouping, grouping.c.id == grouping_hour.c.grouping_id)
        .where(grouping.c.issue_id.in_(list(found)), grouping_hour.c.hour >= since // HOUR)
        .group_by(grouping.c.issue_id, grouping_hour.c.hour)
    )
    for row in connection.execute(query):
        found[row.issue_id][row.hour] = int(row.total)
    return found


def events_in_hour(
    connection: Connection, grouping_ids: Iterable[int], hour: int
) -> dict[int, int]:
    """Return the count of each grouping in one hour."""
    query = select(grouping_hour.c.grouping_id, grouping_hour.c.events).where(
        grouping_hour.c.grouping_id.in_(list(grouping_ids)), grouping_hour.c.hour == hour
    )
    return {row.grouping_id: row.events for row in connection.execute(query)}


def add_tags(connection: Connection, new_tags: Iterable[IssueTag]) -> list[tuple[int, str]]:
    """Store what groupings were seen with; return grouping and kind of each that is new."""
    rows = [one._asdict() for one in new_tags]
    if not rows:
        return []
    added = upsert(trait).on_conflict_do_nothing().returning(trait.c.grouping_id, trait.c.kind)
    return [(row.grouping_id, row.kind) for row in connection.execute(added, rows)]


def count_tags(connection: Connection, project_id: int) -> int:
    """Return how many tags are stored of all groupings of a project."""
    query = select(func.count()).select_from(trait).join(grouping)
    return connection.execute(query.where(grouping.c.project_id == project_id)).scalar_one()


def tags(connection: Connection, issue_id: int, kind: str, limit: int) -> list[tuple[str, Micros]]:
    """Return what an issue was seen with, and since when; newest first."""
    since = func.min(trait.c.first_at).label("since")
    query = (
        select(trait.c.value, since)
        .join(grouping, grouping.c.id == trait.c.grouping_id)
        .where(grouping.c.issue_id == issue_id, trait.c.kind == kind)
        .group_by(trait.c.value)
        .order_by(since.desc())
        .limit(limit)
    )
    return [(row.value, row.since) for row in connection.execute(query)]


def save_specimens(connection: Connection, kept_specimens: Sequence[Specimen]) -> None:
    """Keep events for good: the first of a grouping, and a late one in place of an earlier."""
    if not kept_specimens:
        return
    rows = [one._asdict() | {"body": compress(one.body)} for one in kept_specimens]
    connection.execute(upsert(specimen).prefix_with("OR REPLACE"), rows)
    late = [{"key": one.grouping_id, "moment": one.at} for one in kept_specimens]
    query = update(grouping).where(grouping.c.id == bindparam("key"))
    connection.execute(query.values(specimen_at=bindparam("moment")), late)


def specimens(connection: Connection, issue_id: int) -> list[Specimen]:
    """Return the events of an issue that are kept for good, newest first."""
    query = (
        select(specimen)
        .join(grouping)
        .where(grouping.c.issue_id == issue_id)
        .order_by(specimen.c.at.desc())
    )
    return [
        Specimen(row.grouping_id, row.latest, row.event_id, row.at, decompress(row.body))
        for row in connection.execute(query)
    ]


def delete_before(connection: Connection, events_before: Micros, hours_before: Micros) -> None:
    """Delete ids of events counted before the first moment, and hours before the second."""
    connection.execute(delete(seen).where(seen.c.at < events_before))
    connection.execute(delete(grouping_hour).where(grouping_hour.c.hour < hours_before // HOUR))


def _encoded(because: tuple[str, ...]) -> str:
    return msgspec.json.encode(because).decode()


def _grouping_from_row(row: Any) -> Grouping:
    fields = dict(row._mapping)
    del fields["project_id"]
    fields["because"] = msgspec.json.decode(fields["because"], type=tuple[str, ...])
    return Grouping(**fields)
