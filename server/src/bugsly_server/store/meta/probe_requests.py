"""Stores requests for expensive probes, and their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, select, update

from bugsly.protocol.evidence import ProbeRequest, ProbeResult
from bugsly_server.clock import MAX_DISORDER, MINUTE, Micros
from bugsly_server.model.probe_correction import ProbeSpan
from bugsly_server.model.probe_status import ProbeRequestState, ProbeRequestStatus
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.evidence_tables import probe_request
from bugsly_server.store.meta.tables import worker

EXPIRE_AFTER: Micros = 5 * MINUTE
EXCLUSIVE_PROBES = ("heap", "window", "trim")
"""Probes that slow a worker down: only one worker of a project runs one at a time."""
MAX_OPEN_PER_WORKER = 4
"""Of one worker."""
MEMORY_TAKING_PROBES = ("window", "heap")
"""Probes that take memory of the worker while they run."""
OPEN_STATES = (ProbeRequestState.ASKED, ProbeRequestState.SENT)
_RESULT_DECODER = msgspec.json.Decoder(ProbeResult)
_REQUEST_DECODER = msgspec.json.Decoder(ProbeRequest)


def add(
    connection: Connection, target: Worker, request: ProbeRequest, now: Micros
) -> ProbeRequestStatus | None:
    """Store *request* for *target* and return it with its id.

    None where it may not be sent now: another worker of the project is running such a probe, or
    this one has had enough requests, or the same one.
    """
    open_requests = list_open(connection, target.project_id)
    requests_to_target = [one for one in open_requests if one.worker_id == target.id]
    is_busy = request.probe in EXCLUSIVE_PROBES and any(
        one.request.probe in EXCLUSIVE_PROBES for one in open_requests
    )
    is_repeated = any(
        replace(one.request, id=0, by_hand=False) == replace(request, id=0, by_hand=False)
        for one in requests_to_target
    )
    if is_busy or is_repeated or len(requests_to_target) >= MAX_OPEN_PER_WORKER:
        return None
    values = {
        "project_id": target.project_id,
        "worker_id": target.id,
        "probe": request.probe,
        "parameters": msgspec.json.encode(replace(request, id=0)).decode(),
        "state": ProbeRequestState.ASKED,
        "asked_at": now,
    }
    key = connection.execute(
        insert(probe_request).values(values).returning(probe_request.c.id)
    ).scalar_one()
    return _status_from_row(connection.execute(_query().where(probe_request.c.id == key)).one())


def list_open(connection: Connection, project_id: int) -> list[ProbeRequestStatus]:
    """Return the open requests of a project, oldest first."""
    condition = (probe_request.c.project_id == project_id) & probe_request.c.state.in_(OPEN_STATES)
    return [_status_from_row(row) for row in connection.execute(_query().where(condition))]


def list_unsent(connection: Connection) -> list[ProbeRequestStatus]:
    """Return the requests that are not sent yet, oldest first."""
    unsent = _query().where(probe_request.c.state == ProbeRequestState.ASKED)
    return [_status_from_row(row) for row in connection.execute(unsent)]


def mark_sent(connection: Connection, ids: Iterable[int], now: Micros) -> None:
    """Note that the requests *ids* were sent."""
    condition = probe_request.c.id.in_(list(ids)) & (
        probe_request.c.state == ProbeRequestState.ASKED
    )
    connection.execute(
        update(probe_request).where(condition).values(state=ProbeRequestState.SENT, sent_at=now)
    )


def expire(connection: Connection, now: Micros) -> int:
    """Give up the requests that had no result in time; return how many."""
    is_recent = probe_request.c.asked_at.between(now - EXPIRE_AFTER + 1, now + MAX_DISORDER)
    old = probe_request.c.state.in_(OPEN_STATES) & ~is_recent
    return connection.execute(
        update(probe_request).where(old).values(state=ProbeRequestState.EXPIRED)
    ).rowcount


def save_result(connection: Connection, worker_id: int, result: ProbeResult, now: Micros) -> bool:
    """Store the result of an open request of that worker; return whether there is one."""
    without_text = replace(result, sources=tuple(replace(one, text="") for one in result.sources))
    condition = (
        (probe_request.c.id == result.ask)
        & (probe_request.c.worker_id == worker_id)
        & probe_request.c.state.in_(OPEN_STATES)
    )
    values = {
        "state": ProbeRequestState.ANSWERED,
        "answered_at": now,
        "answer": msgspec.json.encode(without_text).decode(),
    }
    return connection.execute(update(probe_request).where(condition).values(values)).rowcount > 0


def results(connection: Connection, worker_ids: Sequence[int]) -> dict[int, list[ProbeResult]]:
    """Return the results of each worker, in the order in which they arrived."""
    found: dict[int, list[ProbeResult]] = {worker_id: [] for worker_id in worker_ids}
    query = (
        select(probe_request.c.worker_id, probe_request.c.answer)
        .where(probe_request.c.worker_id.in_(found), probe_request.c.answer.is_not(None))
        .order_by(probe_request.c.answered_at, probe_request.c.id)
    )
    for row in connection.execute(query):
        found[row.worker_id].append(_RESULT_DECODER.decode(row.answer))
    return found


def state_and_result(
    connection: Connection, request_id: int
) -> tuple[ProbeRequestState, ProbeResult | None] | None:
    """Return the status of a request, with its result if there is one; None for an unknown id."""
    query = select(probe_request.c.state, probe_request.c.answer).where(
        probe_request.c.id == request_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return ProbeRequestState(row.state), None if row.answer is None else _RESULT_DECODER.decode(
        row.answer
    )


def failed_probes(connection: Connection, worker_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the probes that each worker refused, or that failed or had no result in time."""
    found: dict[int, set[str]] = {worker_id: set() for worker_id in worker_ids}
    settled = probe_request.c.state.in_((ProbeRequestState.ANSWERED, ProbeRequestState.EXPIRED))
    query = select(probe_request.c.worker_id, probe_request.c.probe, probe_request.c.answer).where(
        probe_request.c.worker_id.in_(found), settled
    )
    for row in connection.execute(query):
        if row.answer is None or _RESULT_DECODER.decode(row.answer).problem:
            found[row.worker_id].add(row.probe)
    return found


def latest_problems(connection: Connection, worker_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return, by probe, why the latest request to each worker had no result, where that is so."""
    found: dict[int, dict[str, str]] = {worker_id: {} for worker_id in worker_ids}
    answered = (
        select(probe_request.c.worker_id, probe_request.c.probe, probe_request.c.answer)
        .where(probe_request.c.worker_id.in_(found), probe_request.c.answer.is_not(None))
        .order_by(probe_request.c.answered_at, probe_request.c.id)
    )
    for row in connection.execute(answered):
        problem = _RESULT_DECODER.decode(row.answer).problem
        if problem:
            found[row.worker_id][row.probe] = problem
        else:
            found[row.worker_id].pop(row.probe, None)
    return found


def memory_taking_spans(
    connection: Connection, worker_ids: Sequence[int], now: Micros
) -> dict[int, list[ProbeSpan]]:
    """Return when each worker ran probes that take memory, up to *now*."""
    found: dict[int, list[ProbeSpan]] = {worker_id: [] for worker_id in worker_ids}
    query = select(
        probe_request.c.worker_id, probe_request.c.asked_at, probe_request.c.answered_at
    ).where(probe_request.c.worker_id.in_(found), probe_request.c.probe.in_(MEMORY_TAKING_PROBES))
    for row in connection.execute(query):
        end = row.answered_at or min(now, row.asked_at + EXPIRE_AFTER)
        found[row.worker_id].append(ProbeSpan(row.asked_at, end))
    return found


def list_answered_since(
    connection: Connection, project_id: int, since: Micros
) -> list[tuple[ProbeRequestStatus, ProbeResult]]:
    """Return the requests of a project since *since* that have a result, oldest first."""
    condition = (probe_request.c.project_id == project_id) & (probe_request.c.answered_at >= since)
    rows = connection.execute(_query().add_columns(probe_request.c.answer).where(condition)).all()
    return [(_status_from_row(row), _RESULT_DECODER.decode(row.answer)) for row in rows]


def _query() -> Select[Any]:
    return (
        select(
            probe_request.c.id,
            probe_request.c.project_id,
            probe_request.c.worker_id,
            probe_request.c.parameters,
            probe_request.c.state,
            probe_request.c.asked_at,
            probe_request.c.sent_at,
            worker.c.token,
            worker.c.secret_hash,
        )
        .select_from(probe_request.join(worker, probe_request.c.worker_id == worker.c.id))
        .order_by(probe_request.c.id)
    )


def _status_from_row(row: Row[Any]) -> ProbeRequestStatus:
    return ProbeRequestStatus(
        request=replace(_REQUEST_DECODER.decode(row.parameters), id=row.id),
        project_id=row.project_id,
        worker_id=row.worker_id,
        token=row.token,
        secret_hash=row.secret_hash,
        state=ProbeRequestState(row.state),
        asked_at=row.asked_at,
        sent_at=row.sent_at,
    )
