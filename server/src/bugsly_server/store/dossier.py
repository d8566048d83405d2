"""Puts together, out of meta and telemetry, all that is known of why workers grow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from bugsly.protocol.evidence import Answer
from bugsly_server.clock import DAY, Micros
from bugsly_server.model.dossier import Body, Dossier, Life, Step
from bugsly_server.model.growth import Verdict
from bugsly_server.model.probed import Level, Span, added_by_probes
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import asks, holders, sources, workers
from bugsly_server.store.ports import StoredStep, Telemetry

MOST_LIVING = 20
MOST_ENDED = 10
ENDED_SINCE: Micros = 2 * DAY
BODIES_SINCE: Micros = DAY


def of_environment(
    connection: Connection, telemetry: Telemetry, project_id: int, environment: str, now: Micros
) -> Dossier:
    """Return the dossier of a project and environment: its living workers and the last to end.

    Of many living workers it takes those that grow, and then those with the most memory; of ended
    ones those whose release still runs, for others say nothing of the code that does.
    """
    every = workers.living(connection, project_id)
    living = [one for one in every if one.environment == environment and one.is_alive(now)]
    living.sort(key=_weight, reverse=True)
    running = {one.release for one in living}
    past = workers.ended(connection, project_id, now - ENDED_SINCE, MOST_ENDED * 4)
    ended = [
        one
        for one in past
        if one.environment == environment and (one.release in running or not running)
    ]
    return load(connection, telemetry, living[:MOST_LIVING] + ended[:MOST_ENDED], now)


def load(
    connection: Connection, telemetry: Telemetry, lives: Sequence[Worker], now: Micros
) -> Dossier:
    """Return the dossier of *lives*, which are workers of one project."""
    if not lives:
        return Dossier(lives=(), holders={})
    ids = [one.id for one in lives]
    endpoints = workers.endpoint_names(connection, lives[0].project_id)
    described = holders.known(connection, ids)
    named = holders.names(connection, ids)
    counted = {key: name for key, name in named.items() if name in described}
    steps = telemetry.steps(ids)
    answers, in_vain = asks.answers(connection, ids), asks.in_vain(connection, ids)
    probed = asks.spans(connection, ids, now)
    return Dossier(
        lives=tuple(
            _life(
                one,
                _without_probes(_steps(steps[one.id], endpoints, counted), probed[one.id]),
                answers[one.id],
                in_vain[one.id],
            )
            for one in lives
        ),
        holders=described,
        sources=sources.known(connection, lives[0].project_id, _deployed_at(lives)),
        bodies=_bodies(telemetry, lives, endpoints, now),
    )


def _deployed_at(lives: Sequence[Worker]) -> Micros:
    """Return when the first worker of the newest release among *lives* started."""
    newest = max(lives, key=lambda one: one.started_at)
    return min(one.started_at for one in lives if one.release == newest.release)


def _life(
    worker: Worker, steps: Iterable[Step], answers: Sequence[Answer], in_vain: Collection[str]
) -> Life:
    return Life(
        worker_id=worker.id,
        pid=worker.pid,
        release=worker.release,
        python=worker.python,
        server=worker.server,
        steps=tuple(steps),
        facts=worker.facts,
        windows=tuple(one.window for one in answers if one.window is not None),
        trims=tuple(one.trim for one in answers if one.trim is not None),
        heaps=tuple(one.heap for one in answers if one.heap is not None and one.heap.requests[1:]),
        in_vain=frozenset(in_vain),
    )


def _steps(
    stored: Iterable[StoredStep], endpoints: Mapping[int, str], counted: Mapping[int, str]
) -> list[Step]:
    """Return *stored* with names; what was never described, or is forgotten, is left out."""
    return [
        Step(
            *one[:8],
            {endpoints[key]: n for key, n in one.served.items() if key in endpoints},
            {endpoints[key]: n for key, n in one.failed.items() if key in endpoints},
            {counted[key]: n for key, n in one.levels.items() if key in counted},
        )
        for one in stored
    ]


def _without_probes(steps: Sequence[Step], probed: Sequence[Span]) -> list[Step]:
    """Return *steps* with what probes added to their sizes taken out."""
    if not probed:
        return list(steps)
    found = list(steps)
    for name in ("anonymous", "in_use", "blocks"):
        told = [index for index, one in enumerate(steps) if getattr(one, name)]
        levels = [Level(steps[i].at, steps[i].requests, getattr(steps[i], name)) for i in told]
        for index, level, added in zip(told, levels, added_by_probes(levels, probed), strict=True):
            spared: dict[str, Any] = {name: level.bytes - added}
            found[index] = found[index]._replace(**spared)
    return found


def _bodies(
    telemetry: Telemetry, lives: Sequence[Worker], endpoints: Mapping[int, str], now: Micros
) -> dict[str, Body]:
    since = max(now - BODIES_SINCE, min(one.started_at for one in lives))
    served = telemetry.traffic([one.id for one in lives], since, now + 1)
    return {
        endpoints[key]: Body(
            responses=one.requests, streamed=one.streamed, biggest=one.biggest, whole=one.whole
        )
        for key, one in served.items()
        if key in endpoints
    }


def _weight(worker: Worker) -> tuple[bool, int]:
    return worker.judgement.verdict is Verdict.GROWING, worker.anonymous
