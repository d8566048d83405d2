"""Looks at the workers of a run through the store of its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bugsly.protocol.memory import ExitReason
from bugsly_server.app import Server
from bugsly_server.clock import Micros
from bugsly_server.detect.growth import LAST_HALF, SURE, judge
from bugsly_server.detect.max_requests import advise
from bugsly_server.diagnose.asking import Wanted
from bugsly_server.doctor.diagnoses import Found, load
from bugsly_server.doctor.verdict import WorkerSeen
from bugsly_server.export import worker_facts
from bugsly_server.model.growth import Axis, Verdict
from bugsly_server.model.max_requests import MaxRequests
from bugsly_server.model.probed import without_probes
from bugsly_server.model.series import Point
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import asks, projects, workers

MOST_WORKERS = 200
POINTS = 600
WORTH_A_LOOK = 1_000.0
"""Bytes per request. What grows more slowly would take too long to be sure of at a desk."""
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
    rises: bool
    """Whether a worker may be growing, for which too little was seen yet."""
    facts: list[dict[str, Any]]
    """Of the living ones, for the table."""
    found: tuple[Found, ...]
    notes: tuple[str, ...]
    limits: MaxRequests | None
    """What would hold their growth down here."""
    waits: bool
    """Whether a worker is being asked for something."""

    @property
    def requests(self) -> int:
        """Return how many requests the workers have reported."""
        return sum(one.requests for one in self.workers)


class Looker:
    """Looks at a run again and again, and asks its workers for what would tell more.

    Production asks at its own pace; at a desk nobody wants to wait for it.
    """

    def __init__(self, server: Server, project: str, begun: Micros) -> None:
        self._store = server.store
        self._project = project
        self._begun = begun
        self._asked: set[Wanted] = set()

    def look(self, now: Micros) -> Look:
        """Return what is known of the workers that lived since the beginning."""
        with self._store.database.reading() as connection:
            mine = projects.by_slug(connection, self._project)
            assert mine is not None, "it was made before the server started"
            seen = workers.present(connection, mine.id, self._begun, now + 1, MOST_WORKERS)
            living = workers.living(connection, mine.id)
            diagnosed = load(connection, self._store.telemetry, seen, now)
            waits = bool(asks.open_(connection, mine.id))
            probed = asks.spans(connection, [one.id for one in seen], now)
        self._ask(diagnosed.wanted, living, now)
        ids = [one.id for one in seen]
        points = self._store.telemetry.points(ids, self._begun, now + 1, POINTS) if ids else {}
        return Look(
            workers=tuple(_seen(one, points.get(one.id, [])) for one in seen),
            growing=tuple(one.pid for one in seen if one.judgement.verdict is Verdict.GROWING),
            rises=any(
                may_grow(without_probes(points[one.id], probed[one.id]), one.started_at)
                for one in living
                if one.id in points
            ),
            facts=[worker_facts(one, now) for one in living],
            found=diagnosed.found,
            notes=tuple(note for one in seen if (note := _note(one))),
            limits=advise(seen, 0.0, now),
            waits=waits,
        )

    def _ask(self, wishes: Sequence[Wanted], living: Sequence[Worker], now: Micros) -> None:
        """Ask for each once."""
        alive = {one.id: one for one in living}
        new = [one for one in wishes if one not in self._asked and one.worker_id in alive]
        if not new:
            return
        with self._store.database.writing() as connection:
            for one in new:
                if asks.add(connection, alive[one.worker_id], one.ask, now) is not None:
                    self._asked.add(one)


def may_grow(points: list[Point], started_at: Micros) -> bool:
    """Return whether *points*, the life of one worker in order, may show a leak, if more is seen.

    It is the end that counts: what leaks first fills what the start has left free.
    """
    growth = judge(points, started_at).growth
    if growth is None or growth.axis is not Axis.REQUESTS:
        return False
    straight = growth.z >= SURE and growth.last > LAST_HALF * growth.slope
    return straight and growth.last >= WORTH_A_LOOK


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
