"""Asks: the dear probes that workers were asked for, and what they answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, select, update

from bugsly.protocol.evidence import Answer, Ask
from bugsly_server.clock import MINUTE, Micros
from bugsly_server.model.asked import Asked, AskState
from bugsly_server.model.probed import Span
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.evidence_tables import ask
from bugsly_server.store.meta.tables import worker

EXPIRE_AFTER: Micros = 5 * MINUTE
ALONE = ("heap", "window", "trim")
"""Probes that slow a worker down: one worker of a project at a time is asked for one of them."""
MOST_OPEN = 4
"""Of one worker."""
TAKING_MEMORY = ("window", "heap")
"""Probes that need memory of the worker while they last."""
WAITING = (AskState.ASKED, AskState.SENT)
_ANSWER = msgspec.json.Decoder(Answer)
_PARAMETERS = msgspec.json.Decoder(Ask)


def add(connection: Connection, asked: Worker, wanted: Ask, now: Micros) -> Asked | None:
    """Store that *asked* is to be asked for *wanted*, whose id is given here.

    None where it has to wait, because another worker of the project is at such a probe already,
    or this one has been asked for enough, or for the same.
    """
    under_way = open_(connection, asked.project_id)
    mine = [one for one in under_way if one.worker_id == asked.id]
    busy = wanted.probe in ALONE and any(one.ask.probe in ALONE for one in under_way)
    repeated = any(replace(one.ask, id=0) == replace(wanted, id=0) for one in mine)
    if busy or repeated or len(mine) >= MOST_OPEN:
        return None
    values = {
        "project_id": asked.project_id,
        "worker_id": asked.id,
        "probe": wanted.probe,
        "parameters": msgspec.json.encode(replace(wanted, id=0)).decode(),
        "state": AskState.ASKED,
        "asked_at": now,
    }
    key = connection.execute(insert(ask).values(values).returning(ask.c.id)).scalar_one()
    return _asked(connection.execute(_query().where(ask.c.id == key)).one())


def open_(connection: Connection, project_id: int) -> list[Asked]:
    """Return what workers of a project are being asked for, oldest first."""
    mine = (ask.c.project_id == project_id) & ask.c.state.in_(WAITING)
    return [_asked(row) for row in connection.execute(_query().where(mine))]


def waiting(connection: Connection) -> list[Asked]:
    """Return what waits to be sent to any worker, oldest first."""
    unsent = _query().where(ask.c.state == AskState.ASKED)
    return [_asked(row) for row in connection.execute(unsent)]


def sent(connection: Connection, ids: Iterable[int], now: Micros) -> None:
    """Note that the asks of *ids* went out."""
    mine = ask.c.id.in_(list(ids)) & (ask.c.state == AskState.ASKED)
    connection.execute(update(ask).where(mine).values(state=AskState.SENT, sent_at=now))


def expire(connection: Connection, now: Micros) -> int:
    """Give up the asks that were not answered in time; return how many."""
    old = ask.c.state.in_(WAITING) & (ask.c.asked_at <= now - EXPIRE_AFTER)
    return connection.execute(update(ask).where(old).values(state=AskState.EXPIRED)).rowcount


def settle(connection: Connection, worker_id: int, answer: Answer, now: Micros) -> bool:
    """Store the answer to an ask of that worker that is open; return whether there is one."""
    bare = replace(answer, sources=tuple(replace(one, text="") for one in answer.sources))
    mine = (ask.c.id == answer.ask) & (ask.c.worker_id == worker_id) & ask.c.state.in_(WAITING)
    told = {
        "state": AskState.ANSWERED,
        "answered_at": now,
        "answer": msgspec.json.encode(bare).decode(),
    }
    return connection.execute(update(ask).where(mine).values(told)).rowcount > 0


def answers(connection: Connection, worker_ids: Sequence[int]) -> dict[int, list[Answer]]:
    """Return the answers of each worker, in the order in which they came."""
    found: dict[int, list[Answer]] = {worker_id: [] for worker_id in worker_ids}
    query = (
        select(ask.c.worker_id, ask.c.answer)
        .where(ask.c.worker_id.in_(found), ask.c.answer.is_not(None))
        .order_by(ask.c.answered_at, ask.c.id)
    )
    for row in connection.execute(query):
        found[row.worker_id].append(_ANSWER.decode(row.answer))
    return found


def outcome(connection: Connection, ask_id: int) -> tuple[AskState, Answer | None] | None:
    """Return how far one ask has come, with its answer if there is one; None for an unknown."""
    query = select(ask.c.state, ask.c.answer).where(ask.c.id == ask_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return AskState(row.state), None if row.answer is None else _ANSWER.decode(row.answer)


def in_vain(connection: Connection, worker_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the probes that each worker refused, failed at, or did not answer in time."""
    found: dict[int, set[str]] = {worker_id: set() for worker_id in worker_ids}
    settled = ask.c.state.in_((AskState.ANSWERED, AskState.EXPIRED))
    query = select(ask.c.worker_id, ask.c.probe, ask.c.answer).where(
        ask.c.worker_id.in_(found), settled
    )
    for row in connection.execute(query):
        if row.answer is None or _ANSWER.decode(row.answer).problem:
            found[row.worker_id].add(row.probe)
    return found


def spans(connection: Connection, worker_ids: Sequence[int], now: Micros) -> dict[int, list[Span]]:
    """Return when each worker was at what needs memory of its own, up to *now*."""
    found: dict[int, list[Span]] = {worker_id: [] for worker_id in worker_ids}
    query = select(ask.c.worker_id, ask.c.asked_at, ask.c.answered_at).where(
        ask.c.worker_id.in_(found), ask.c.probe.in_(TAKING_MEMORY)
    )
    for row in connection.execute(query):
        end = row.answered_at or min(now, row.asked_at + EXPIRE_AFTER)
        found[row.worker_id].append(Span(row.asked_at, end))
    return found


def past(connection: Connection, project_id: int, since: Micros) -> list[tuple[Asked, Answer]]:
    """Return what a project's workers were asked since *since* and answered, oldest first."""
    mine = (ask.c.project_id == project_id) & (ask.c.answered_at >= since)
    rows = connection.execute(_query().add_columns(ask.c.answer).where(mine)).all()
    return [(_asked(row), _ANSWER.decode(row.answer)) for row in rows]


def _query() -> Select[Any]:
    return (
        select(
            ask.c.id,
            ask.c.project_id,
            ask.c.worker_id,
            ask.c.parameters,
            ask.c.state,
            ask.c.asked_at,
            ask.c.sent_at,
            worker.c.token,
        )
        .select_from(ask.join(worker, ask.c.worker_id == worker.c.id))
        .order_by(ask.c.id)
    )


def _asked(row: Row[Any]) -> Asked:
    return Asked(
        ask=replace(_PARAMETERS.decode(row.parameters), id=row.id),
        project_id=row.project_id,
        worker_id=row.worker_id,
        token=row.token,
        state=AskState(row.state),
        asked_at=row.asked_at,
        sent_at=row.sent_at,
    )
