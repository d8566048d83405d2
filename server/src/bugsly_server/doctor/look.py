"""Looks at the workers of a run through the store of its server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bugsly.protocol.memory import ExitReason
from bugsly_server.app import Server
from bugsly_server.clock import Micros
from bugsly_server.doctor.diagnoses import Found, load
from bugsly_server.doctor.verdict import WorkerSeen
from bugsly_server.export import worker_facts
from bugsly_server.model.growth import Axis, Verdict
from bugsly_server.model.series import Point
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers

MOST_WORKERS = 200
POINTS = 600
ENDS = {
    ExitReason.TIMEOUT: "was silent for longer than Gunicorn's timeout, and was aborted",
    ExitReason.OUT_OF_MEMORY: "was killed by the kernel for want of memory",
    ExitReason.KILLED: "was killed",
    ExitReason.CRASHED: "crashed",
    ExitReason.VANISHED: "fell silent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known of a run at one moment."""

    workers: tuple[WorkerSeen, ...]
    growing: tuple[int, ...]
    facts: list[dict[str, Any]]
    """Of the living ones, for the table."""
    found: tuple[Found, ...]
    notes: tuple[str, ...]

    @property
    def requests(self) -> int:
        """Return how many requests the workers have reported."""
        return sum(one.requests for one in self.workers)


def look(server: Server, project: str, begun: Micros, now: Micros) -> Look:
    """Return what is known of the workers that lived after *begun*."""
    with server.store.database.reading() as connection:
        mine = projects.by_slug(connection, project)
        assert mine is not None, "it was made before the server started"
        seen = workers.present(connection, mine.id, begun, now + 1, MOST_WORKERS)
        living = workers.living(connection, mine.id)
        found = load(connection, server.store.telemetry, seen, now)
    ids = [one.id for one in seen]
    points = server.store.telemetry.points(ids, begun, now + 1, POINTS) if ids else {}
    return Look(
        workers=tuple(_seen(one, points.get(one.id, [])) for one in seen),
        growing=tuple(one.pid for one in seen if one.judgement.verdict is Verdict.GROWING),
        facts=[worker_facts(one, now) for one in living],
        found=tuple(found),
        notes=tuple(note for one in seen if (note := _note(one))),
    )


def _seen(worker: Worker, points: list[Point]) -> WorkerSeen:
    first = points[0].last if points else worker.anonymous
    growth = worker.growth
    if growth is not None and growth.axis is Axis.REQUESTS:
        slope = growth.slope
    else:
        slope = (worker.anonymous - first) / max(worker.requests, 1)
    return WorkerSeen(
        pid=worker.pid,
        requests=worker.requests,
        start_bytes=first,
        end_bytes=worker.anonymous,
        bytes_per_request=round(slope, 1),
    )


def _note(worker: Worker) -> str:
    if worker.exit_reason not in ENDS:
        return ""
    what = ENDS[worker.exit_reason]
    return f"worker {worker.pid} {what} after {worker.requests:,} requests; the run went on"
