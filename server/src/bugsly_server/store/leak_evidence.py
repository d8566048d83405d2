"""Collects, from meta and telemetry, the evidence of why workers grow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.clock import DAY, Micros
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.leak_evidence import (
    EndpointResponses,
    LeakEvidence,
    TimeBucket,
    WorkerHistory,
)
from bugsly_server.model.probe_correction import MemoryLevel, ProbeSpan, probe_memory
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import holders, probe_requests, sources, workers
from bugsly_server.store.ports import StoredTimeBucket, Telemetry

MAX_LIVING = 20
MAX_ENDED = 10
ENDED_WINDOW: Micros = 2 * DAY
RESPONSES_WINDOW: Micros = DAY


def of_environment(
    connection: Connection, telemetry: Telemetry, project_id: int, environment: str, now: Micros
) -> LeakEvidence:
    """Return the evidence of an environment: of its living workers, and of the last that ended.

    Of many living workers it takes those that grow, then those with the most memory; of ended ones
    those of a release that still runs, since others say nothing about the running code.
    """
    all_living = workers.list_living(connection, project_id)
    living = [one for one in all_living if one.environment == environment and one.is_alive(now)]
    living.sort(key=_priority, reverse=True)
    running = {one.release for one in living}
    recently_ended = workers.list_ended(connection, project_id, now - ENDED_WINDOW, MAX_ENDED * 4)
    ended = [
        one
        for one in recently_ended
        if one.environment == environment and (one.release in running or not running)
    ]
    return load(connection, telemetry, living[:MAX_LIVING] + ended[:MAX_ENDED], now)


def load(
    connection: Connection, telemetry: Telemetry, selected: Sequence[Worker], now: Micros
) -> LeakEvidence:
    """Return the evidence of *selected*, workers of one project."""
    if not selected:
        return LeakEvidence(histories=(), holders={})
    ids = [one.id for one in selected]
    endpoints = workers.endpoint_names(connection, selected[0].project_id)
    described = holders.descriptions(connection, ids)
    named = holders.names_by_id(connection, ids)
    counted = {key: name for key, name in named.items() if name in described}
    buckets = telemetry.time_buckets(ids)
    results, failed_probes = (
        probe_requests.results(connection, ids),
        probe_requests.failed_probes(connection, ids),
    )
    probe_spans = probe_requests.memory_taking_spans(connection, ids, now)
    return LeakEvidence(
        histories=tuple(
            _worker_history(
                one,
                _without_probe_memory(
                    _named_buckets(buckets[one.id], endpoints, counted), probe_spans[one.id]
                ),
                results[one.id],
                failed_probes[one.id],
            )
            for one in selected
        ),
        holders=described,
        sources=sources.by_file(connection, selected[0].project_id, _deployed_at(selected)),
        responses=_response_bodies(telemetry, selected, endpoints, now),
    )


def _deployed_at(selected: Sequence[Worker]) -> Micros:
    """Return when the first worker of the newest release among *selected* started."""
    newest = max(selected, key=lambda worker: worker.started_at)
    return min(one.started_at for one in selected if one.release == newest.release)


def _worker_history(
    worker: Worker,
    buckets: Iterable[TimeBucket],
    results: Sequence[ProbeResult],
    failed_probes: Collection[str],
) -> WorkerHistory:
    return WorkerHistory(
        worker_id=worker.id,
        pid=worker.pid,
        release=worker.release,
        python=worker.python,
        server=worker.server,
        buckets=tuple(buckets),
        facts=worker.facts,
        allocation_windows=tuple(one.window for one in results if one.window is not None),
        trims=tuple(one.trim for one in results if one.trim is not None),
        heaps=tuple(one.heap for one in results if one.heap is not None and one.heap.requests[1:]),
        fruitless_probes=frozenset(failed_probes),
    )


def _named_buckets(
    stored: Iterable[StoredTimeBucket], endpoints: Mapping[int, str], counted: Mapping[int, str]
) -> list[TimeBucket]:
    """Return *stored* with names; what was never described, or is deleted, is left out."""
    return [
        TimeBucket(
            *one[:8],
            {endpoints[key]: n for key, n in one.served.items() if key in endpoints},
            {endpoints[key]: n for key, n in one.failed.items() if key in endpoints},
            {counted[key]: n for key, n in one.levels.items() if key in counted},
        )
        for one in stored
    ]


def _without_probe_memory(
    buckets: Sequence[TimeBucket], probe_spans: Sequence[ProbeSpan]
) -> list[TimeBucket]:
    """Return *buckets* without the memory that probes added."""
    if not probe_spans:
        return list(buckets)
    corrected = list(buckets)
    for name in ("anonymous", "in_use", "blocks"):
        indexes = [index for index, one in enumerate(buckets) if getattr(one, name)]
        levels = [
            MemoryLevel(buckets[i].at, buckets[i].requests, getattr(buckets[i], name))
            for i in indexes
        ]
        for index, level, added in zip(
            indexes, levels, probe_memory(levels, probe_spans), strict=True
        ):
            change: dict[str, Any] = {name: level.bytes - added}
            corrected[index] = corrected[index]._replace(**change)
    return corrected


def _response_bodies(
    telemetry: Telemetry, selected: Sequence[Worker], endpoints: Mapping[int, str], now: Micros
) -> dict[str, EndpointResponses]:
    since = max(now - RESPONSES_WINDOW, min(one.started_at for one in selected))
    served = telemetry.traffic([one.id for one in selected], since, now + 1)
    return {
        endpoints[key]: EndpointResponses(
            responses=one.requests,
            streamed=one.streamed,
            max_bytes=one.biggest,
            max_whole_bytes=one.whole,
        )
        for key, one in served.items()
        if key in endpoints
    }


def _priority(worker: Worker) -> tuple[bool, int]:
    return worker.judgement.verdict is GrowthVerdict.GROWING, worker.anonymous
