"""Stores workers, living and ended: the latest that is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.memory import EndpointInFlight, ExitReason
from bugsly.protocol.safety_net import RecyclerReport
from bugsly_server.clock import Micros
from bugsly_server.model.growth import GrowthJudgement, GrowthVerdict
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.tables import endpoint, release, worker
from bugsly_server.store.records.growth_judgement import judgement_from_json, judgement_to_json

_COUNTS_DECODER = msgspec.json.Decoder(dict[str, int])
_NET_DECODER = msgspec.json.Decoder(RecyclerReport)
_IN_FLIGHT_DECODER = msgspec.json.Decoder(tuple[EndpointInFlight, ...])
INITIAL_JUDGEMENT = GrowthJudgement(
    verdict=GrowthVerdict.EARLY, because="its first samples have just come in"
)
JUDGEMENT_FIELDS = ("judgement", "hits", "judged_requests", "judged_at")
MAX_RECYCLED = 1_000
EXIT_FIELDS = ("ended_at", "exit_reason", "exit_signal", "exit_code", "exit_because")
UNREPORTED_FIELDS = ("id", "project_id", "secret_hash", *JUDGEMENT_FIELDS, *EXIT_FIELDS[2:])
REPORTED_FIELDS = tuple(
    field.name for field in fields(Worker) if field.name not in UNREPORTED_FIELDS
)
MAX_TOKENS_PER_QUERY = 1_000
"""In one query; SQLite takes at most 32,766 values."""
MAX_ENDPOINTS = 1_000
"""Of a project; URL rules are few, and a client that invents them is cut off here."""
MAX_ENDPOINT_LENGTH = 300


def find_by_tokens(
    connection: Connection, project_id: int, tokens: Iterable[str]
) -> dict[str, Worker]:
    """Return the workers of a project that have one of *tokens*, by token."""
    all_tokens, found = list(tokens), {}
    of_project = worker.c.project_id == project_id
    for start in range(0, len(all_tokens), MAX_TOKENS_PER_QUERY):
        has_token = worker.c.token.in_(all_tokens[start : start + MAX_TOKENS_PER_QUERY])
        rows = connection.execute(select(worker).where(of_project, has_token))
        found.update({row.token: _worker(row) for row in rows})
    return found


def get(connection: Connection, project_id: int, worker_id: int) -> Worker | None:
    """Return one worker of a project."""
    query = select(worker).where(worker.c.project_id == project_id, worker.c.id == worker_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _worker(row)


def list_living(connection: Connection, project_id: int) -> list[Worker]:
    """Return the workers of a project that have not ended, silent ones among them, by host."""
    condition = (worker.c.project_id == project_id) & worker.c.ended_at.is_(None)
    order = (worker.c.host, worker.c.machine, worker.c.number, worker.c.started_at)
    return [
        _worker(row) for row in connection.execute(select(worker).where(condition).order_by(*order))
    ]


def list_ended(connection: Connection, project_id: int, since: Micros, limit: int) -> list[Worker]:
    """Return up to *limit* workers of a project that ended after *since*, the latest first."""
    condition = (worker.c.project_id == project_id) & (worker.c.ended_at >= since)
    query = select(worker).where(condition).order_by(worker.c.ended_at.desc()).limit(limit)
    return [_worker(row) for row in connection.execute(query)]


def list_recycled(connection: Connection, project_id: int, since: Micros) -> list[Worker]:
    """Return the workers that were recycled after *since*, the latest `MAX_RECYCLED`."""
    condition = (worker.c.project_id == project_id) & (worker.c.ended_at >= since)
    query = select(worker).where(condition, worker.c.exit_reason == ExitReason.RECYCLED.value)
    latest = query.order_by(worker.c.ended_at.desc()).limit(MAX_RECYCLED)
    return [_worker(row) for row in connection.execute(latest)]


def list_killed(
    connection: Connection,
    project_id: int,
    environment: str,
    exit_reasons: Iterable[ExitReason],
    span: tuple[Micros, Micros],
    limit: int,
) -> list[Worker]:
    """Return up to *limit* workers of an environment that ended so in a span, latest first."""
    condition = (worker.c.project_id == project_id) & (worker.c.environment == environment)
    when = worker.c.ended_at.between(*span)
    reasons = [reason.value for reason in exit_reasons]
    query = select(worker).where(condition, when, worker.c.exit_reason.in_(reasons))
    latest = query.order_by(worker.c.ended_at.desc()).limit(limit)
    return [_worker(row) for row in connection.execute(latest)]


def list_alive_between(
    connection: Connection, project_id: int, since: Micros, until: Micros, limit: int
) -> list[Worker]:
    """Return up to *limit* workers that lived at some moment of a span, the biggest first."""
    condition = (worker.c.project_id == project_id) & (worker.c.started_at < until)
    was_seen = worker.c.seen_at >= since
    query = (
        select(worker).where(condition, was_seen).order_by(worker.c.anonymous.desc()).limit(limit)
    )
    return [_worker(row) for row in connection.execute(query)]


def list_of_release(
    connection: Connection, project_id: int, environment: str, version: str, limit: int
) -> list[Worker]:
    """Return up to *limit* workers of one release, living and ended, the latest first."""
    condition = (worker.c.project_id == project_id) & (worker.c.environment == environment)
    query = select(worker).where(condition, worker.c.release == version)
    latest = query.order_by(worker.c.started_at.desc()).limit(limit)
    return [_worker(row) for row in connection.execute(latest)]


def add(connection: Connection, project_id: int, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Store new workers; *facts* are their fields by token."""
    judgement = judgement_to_json(INITIAL_JUDGEMENT)
    fixed = {"project_id": project_id, "judgement": judgement}
    values = [
        {**_encoded_fields(stated), **fixed, "token": token} for token, stated in facts.items()
    ]
    connection.execute(insert(worker), values)


def update_from_reports(connection: Connection, seen: Iterable[Worker]) -> None:
    """Store what reports change about known workers."""
    _update(
        connection, {one.id: {name: getattr(one, name) for name in REPORTED_FIELDS} for one in seen}
    )


def update_judgements(connection: Connection, judged: Iterable[Worker]) -> None:
    """Store what judging changes about workers."""
    _update(
        connection,
        {one.id: {name: getattr(one, name) for name in JUDGEMENT_FIELDS} for one in judged},
    )


def record_end(connection: Connection, ended: Worker) -> None:
    """Store the end of a worker."""
    _update(connection, {ended.id: {name: getattr(ended, name) for name in EXIT_FIELDS}})


def _update(connection: Connection, facts: Mapping[int, Mapping[str, Any]]) -> None:
    """Store *facts*, by id of the worker and name of the field; all name the same fields."""
    if not facts:
        return
    values = [{**_encoded_fields(stated), "worker_id": key} for key, stated in facts.items()]
    named: dict[str, Any] = {name: bindparam(name) for name in values[0] if name != "worker_id"}
    statement = update(worker).where(worker.c.id == bindparam("worker_id")).values(named)
    connection.execute(statement, values)


def note_release(connection: Connection, project_id: int, version: str, now: Micros) -> None:
    """Remember when a release was first seen."""
    values = {"project_id": project_id, "version": version, "first_seen_at": now}
    connection.execute(upsert(release).values(values).on_conflict_do_nothing())


def list_releases(
    connection: Connection, project_id: int, since: Micros
) -> list[tuple[str, Micros]]:
    """Return the releases first seen after *since*, with the moment."""
    query = select(release.c.version, release.c.first_seen_at).where(
        release.c.project_id == project_id, release.c.first_seen_at >= since
    )
    return [(row.version, row.first_seen_at) for row in connection.execute(query)]


def endpoint_names(connection: Connection, project_id: int) -> dict[int, str]:
    """Return the endpoints of a project by id."""
    query = select(endpoint.c.id, endpoint.c.name).where(endpoint.c.project_id == project_id)
    return {row.id: row.name for row in connection.execute(query)}


def ensure_endpoints(
    connection: Connection, project_id: int, known: Mapping[str, int], names: Iterable[str]
) -> dict[str, int]:
    """Return *known*, ids by name, with *names* added as far as a project may have endpoints."""
    ids = dict(known)
    for name in sorted(names):
        if name not in ids and len(ids) < MAX_ENDPOINTS and len(name) <= MAX_ENDPOINT_LENGTH:
            values = {"project_id": project_id, "name": name}
            made = connection.execute(insert(endpoint).values(values).returning(endpoint.c.id))
            ids[name] = made.scalar_one()
    return ids


def delete_before(connection: Connection, before: Micros) -> int:
    """Delete the workers that were last seen before *before*; return how many."""
    old = or_(worker.c.ended_at < before, worker.c.seen_at < before)
    return connection.execute(delete(worker).where(old)).rowcount


def _encoded_fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return *facts* as the columns hold them."""
    return {name: _encoded_value(name, value) for name, value in facts.items()}


def _encoded_value(name: str, value: Any) -> Any:
    if isinstance(value, GrowthJudgement):
        return judgement_to_json(value)
    if name in {"lost", "facts", "under_way"} or isinstance(value, RecyclerReport):
        return msgspec.json.encode(value).decode()
    return value.value if isinstance(value, ExitReason) else value


def _worker(row: Row[Any]) -> Worker:
    known = dict(row._mapping)
    del known["token"]
    known["judgement"] = judgement_from_json(known["judgement"])
    known["lost"] = _COUNTS_DECODER.decode(known["lost"])
    known["facts"] = _COUNTS_DECODER.decode(known["facts"])
    known["under_way"] = _IN_FLIGHT_DECODER.decode(known["under_way"])
    if known["net"] is not None:
        known["net"] = _NET_DECODER.decode(known["net"])
    if known["exit_reason"] is not None:
        known["exit_reason"] = ExitReason(known["exit_reason"])
    return Worker(**known)
