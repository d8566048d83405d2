"""Alert channels, and the deliveries of alerts through them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from bugsly_server.clock import HOUR, Micros
from bugsly_server.model.outage import MIN_FAILED_ATTEMPTS, ChannelFailure
from bugsly_server.store.meta.tables import channel, delivery

MAX_PAUSE: Micros = 6 * HOUR
"""Longer than any delivery waits; one that is due later was noted before the clock was set back."""


class DeliveryState(StrEnum):
    """How far a delivery got."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Given up."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts of a project go. *url* contains secrets: never show it whole."""

    id: int
    project_id: int
    kind: str
    name: str
    url: str
    enabled: bool
    created_at: Micros
    accepted_at: Micros = 0
    """When it last accepted an alert or a test; 0 for never."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert, to be sent through one channel."""

    id: int
    change_id: int
    channel_id: int
    state: DeliveryState
    attempts: int
    due_at: Micros
    problem: str
    sent_at: Micros | None


def list_all(connection: Connection, project_id: int) -> list[Channel]:
    """Return the channels of a project."""
    query = select(channel).where(channel.c.project_id == project_id).order_by(channel.c.id)
    return [Channel(**row._mapping) for row in connection.execute(query)]


def get(connection: Connection, channel_id: int) -> Channel | None:
    """Return one channel."""
    row = connection.execute(select(channel).where(channel.c.id == channel_id)).one_or_none()
    return None if row is None else Channel(**row._mapping)


def add(
    connection: Connection, project_id: int, kind: str, name: str, url: str, now: Micros
) -> int:
    """Store a channel and return its id."""
    values = {"kind": kind, "name": name, "url": url, "enabled": True, "created_at": now}
    made = insert(channel).values(project_id=project_id, **values).returning(channel.c.id)
    return int(connection.execute(made).scalar_one())


def remove(connection: Connection, project_id: int, channel_id: int) -> None:
    """Delete a channel and its deliveries."""
    connection.execute(delete(delivery).where(delivery.c.channel_id == channel_id))
    condition = (channel.c.id == channel_id) & (channel.c.project_id == project_id)
    connection.execute(delete(channel).where(condition))


def enqueue(
    connection: Connection,
    project_id: int,
    change_id: int,
    now: Micros,
    *,
    except_channel: int | None = None,
) -> int:
    """Enqueue the alert of a change for every enabled channel but one; return how many."""
    enabled = [
        one for one in list_all(connection, project_id) if one.enabled and one.id != except_channel
    ]
    values = [
        {
            "change_id": change_id,
            "channel_id": one.id,
            "state": DeliveryState.WAITING,
            "due_at": now,
        }
        for one in enabled
    ]
    if values:
        connection.execute(insert(delivery), values)
    return len(values)


def list_due(connection: Connection, now: Micros, limit: int) -> list[Delivery]:
    """Return up to *limit* deliveries to attempt now, one per channel, the most overdue first."""
    order = (delivery.c.due_at, delivery.c.id)
    place = func.row_number().over(partition_by=delivery.c.channel_id, order_by=order)
    is_due = ~delivery.c.due_at.between(now + 1, now + MAX_PAUSE)
    waiting = (delivery.c.state == DeliveryState.WAITING) & is_due
    ranked = select(delivery, place.label("place")).where(waiting).subquery()
    columns = [ranked.c[column.name] for column in delivery.c]
    first = select(*columns).where(ranked.c.place == 1)
    query = first.order_by(ranked.c.due_at, ranked.c.id).limit(limit)
    return [_delivery_from_row(row._mapping) for row in connection.execute(query)]


def next_due_at(connection: Connection) -> Micros | None:
    """Return when the next delivery is to be attempted."""
    query = select(func.min(delivery.c.due_at)).where(delivery.c.state == DeliveryState.WAITING)
    found: Micros | None = connection.execute(query).scalar_one()
    return found


def save_attempt(connection: Connection, attempted: Delivery) -> None:
    """Store the outcome of an attempt."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == attempted.id)
        .values(
            state=attempted.state,
            attempts=attempted.attempts,
            due_at=attempted.due_at,
            problem=attempted.problem,
            sent_at=attempted.sent_at,
        )
    )
    if attempted.sent_at is not None:
        note_accepted(connection, attempted.channel_id, attempted.sent_at)


def note_accepted(connection: Connection, channel_id: int, now: Micros) -> None:
    """Note that a channel accepted something."""
    connection.execute(update(channel).where(channel.c.id == channel_id).values(accepted_at=now))


def list_failing(connection: Connection, project_id: int) -> list[ChannelFailure]:
    """Return the channels of a project that have accepted nothing since they failed."""
    since_accepted = delivery.c.due_at > channel.c.accepted_at
    gave_up = (delivery.c.state == DeliveryState.FAILED) & since_accepted
    keeps_failing = (delivery.c.state == DeliveryState.WAITING) & (
        delivery.c.attempts >= MIN_FAILED_ATTEMPTS
    )
    query = (
        select(channel.c.id, channel.c.name, delivery.c.attempts, delivery.c.problem)
        .join(delivery, delivery.c.channel_id == channel.c.id)
        .where(channel.c.project_id == project_id, channel.c.enabled, or_(gave_up, keeps_failing))
        .order_by(delivery.c.id)
    )
    return list({row.id: ChannelFailure(*row) for row in connection.execute(query)}.values())


def latest_attempted(connection: Connection, channel_id: int) -> Delivery | None:
    """Return the newest delivery of a channel that was attempted."""
    tried = (delivery.c.channel_id == channel_id) & (delivery.c.attempts > 0)
    query = select(delivery).where(tried).order_by(delivery.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _delivery_from_row(row._mapping)


def of_change(connection: Connection, change_id: int) -> list[Delivery]:
    """Return the deliveries of a change's alert."""
    query = select(delivery).where(delivery.c.change_id == change_id)
    return [_delivery_from_row(row._mapping) for row in connection.execute(query)]


def _delivery_from_row(row: object) -> Delivery:
    fields = dict(row)  # type: ignore[call-overload]
    return Delivery(**{**fields, "state": DeliveryState(fields["state"])})
