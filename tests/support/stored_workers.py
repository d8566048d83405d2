"""Builders of workers as the server knows them, and of the series that they are judged by."""

from collections.abc import Callable
from typing import Any

from tests.support.clock import START

from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.growth import GrowthAxis, GrowthJudgement, GrowthTrend, GrowthVerdict
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.model.worker import Worker

MB = 1_000_000
TOO_EARLY = GrowthJudgement(verdict=GrowthVerdict.EARLY, because="too early")


WORKER_IDENTITY: dict[str, Any] = {
    "project_id": 1,
    "host": "web-1",
    "machine": "0a1b2c3d",
    "parent": 4000,
    "generation": 1,
    "server": "gunicorn 27.0.1 gthread",
    "release": "1.0",
    "environment": "production",
    "python": "3.12.1",
    "every": 10 * SECOND,
}


def stored_worker(worker_id: int = 1, **changes: Any) -> Worker:
    """Return a worker as meta tells of it: an hour old, heard of just now at `START`."""
    fields: dict[str, Any] = {
        **WORKER_IDENTITY,
        "id": worker_id,
        "pid": 4000 + worker_id,
        "number": worker_id,
        "started_at": START - 3600 * SECOND,
        "seen_at": START,
        "samples": 360,
        "anonymous": 100 * MB,
        "shared": 20 * MB,
        "proportional": 110 * MB,
        "peak": 130 * MB,
        "requests": 72_000,
        "in_flight": 0,
        "descriptors": 20,
        "threads": 4,
        "used": 2_000 * MB,
        "limit": 4_000 * MB,
        "oom_kills": 0,
        "rate": 20.0,
        "ended_at": None,
        "exit_reason": None,
        "exit_signal": 0,
        "exit_code": 0,
        "judgement": TOO_EARLY,
        "hits": 0,
        "judged_requests": 0,
        "judged_at": START,
    }
    return Worker(**(fields | changes))


def growth(slope: float = 5_000.0, **changes: Any) -> GrowthTrend:
    fields: dict[str, Any] = {
        "axis": GrowthAxis.REQUESTS,
        "slope": slope,
        "low": slope * 0.9,
        "high": slope * 1.1,
        "z": 5.0,
        "rises": 1.0,
        "last": slope,
        "total": round(slope * 10_000),
        "span": 10_000.0,
    }
    return GrowthTrend(**(fields | changes))


def judgement_of(verdict: GrowthVerdict, slope: float = 5_000.0, **changes: Any) -> GrowthJudgement:
    return GrowthJudgement(
        verdict=verdict, because="it was drawn so", growth=growth(slope, **changes)
    )


def memory_series(
    memory: Callable[[int], float],
    requests: int = 20_000,
    *,
    seconds: float = 1_000,
    samples: int = 200,
    started_at: Micros = START,
) -> list[MemoryPoint]:
    """Draw the life of a worker that holds *memory* bytes after that many requests."""
    points = []
    for number in range(1, samples + 1):
        served = requests * number // samples
        size = round(memory(served))
        at = started_at + round(seconds * number / samples * SECOND)
        points.append(MemoryPoint(at, served, size, size, size))
    return points
