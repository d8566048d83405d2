"""Looks at the workers of a run through the store of its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bugsly.protocol.memory import ExitReason
from bugsly_server.app import Server
from bugsly_server.clock import Micros
from bugsly_server.detect.max_requests import propose_max_requests
from bugsly_server.detect.worker_growth import MIN_KENDALL_Z, MIN_LAST_HALF_RATIO, judge_worker
from bugsly_server.diagnose.probe_planning import PlannedProbe
from bugsly_server.doctor.run_diagnosis import ExplainedDiagnosis, diagnose_run
from bugsly_server.doctor.run_verdict import ReportedWorker
from bugsly_server.json_views import worker_facts
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.model.probe_correction import subtract_probe_memory
from bugsly_server.model.probe_status import problem_texts
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import probe_requests, projects, workers

MAX_WORKERS = 200
MAX_POINTS = 600
MIN_BYTES_PER_REQUEST = 1_000.0
"""Bytes per request. What grows more slowly would take too long to be sure of at a desk."""
EXIT_TEXTS = {
    ExitReason.TIMEOUT: "was silent for longer than Gunicorn's timeout, and was aborted",
    ExitReason.OUT_OF_MEMORY: "was killed by the kernel for lack of memory",
    ExitReason.KILLED: "was killed",
    ExitReason.CRASHED: "crashed",
    ExitReason.VANISHED: "fell silent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunObservation:
    """What is known of a run at one moment."""

    workers: tuple[ReportedWorker, ...]
    growing: tuple[int, ...]
    has_possible_growth: bool
    """Whether a worker may be growing, for which too little was seen yet."""
    worker_facts: list[dict[str, Any]]
    """Of the living ones, for the table."""
    diagnoses: tuple[ExplainedDiagnosis, ...]
    notes: tuple[str, ...]
    max_requests: MaxRequestsProposal | None
    """What would hold their growth down here."""
    has_pending_probes: bool
    """Whether a worker is being asked for something."""

    @property
    def requests(self) -> int:
        """Return how many requests the workers have reported."""
        return sum(one.requests for one in self.workers)


class RunObserver:
    """Observes a run again and again, and requests probes of its workers that show more.

    Production requests probes at its own pace; nobody wants to wait for that at a desk.
    """

    def __init__(self, server: Server, project: str, started_at: Micros) -> None:
        self._store = server.store
        self._project = project
        self._started_at = started_at
        self._requested: set[PlannedProbe] = set()

    def observe(self, now: Micros) -> RunObservation:
        """Return what is known of the workers that lived since the beginning."""
        with self._store.database.reading() as connection:
            project = projects.by_slug(connection, self._project)
            assert project is not None, "it was made before the server started"
            seen = workers.list_alive_between(
                connection, project.id, self._started_at, now + 1, MAX_WORKERS
            )
            living = workers.list_living(connection, project.id)
            diagnosed = diagnose_run(connection, self._store.telemetry, seen, now)
            has_pending_probes = bool(probe_requests.list_open(connection, project.id))
            problems = probe_requests.latest_problems(connection, [one.id for one in living])
            probe_spans = probe_requests.memory_taking_spans(
                connection, [one.id for one in seen], now
            )
        self._request_probes(diagnosed.probes, living, now)
        ids = [one.id for one in seen]
        points = (
            self._store.telemetry.points(ids, self._started_at, now + 1, MAX_POINTS) if ids else {}
        )
        return RunObservation(
            workers=tuple(_worker_seen(one, points.get(one.id, [])) for one in seen),
            growing=tuple(
                one.pid for one in seen if one.judgement.verdict is GrowthVerdict.GROWING
            ),
            has_possible_growth=any(
                may_grow(subtract_probe_memory(points[one.id], probe_spans[one.id]), one.started_at)
                for one in living
                if one.id in points
            ),
            worker_facts=[worker_facts(one, now) for one in living],
            diagnoses=diagnosed.diagnoses,
            notes=(
                *(note for one in seen if (note := _exit_note(one))),
                *(note for one in living for note in problem_texts(one.pid, problems[one.id])),
            ),
            max_requests=propose_max_requests(seen, 0.0, now),
            has_pending_probes=has_pending_probes,
        )

    def _request_probes(
        self, probes: Sequence[PlannedProbe], living: Sequence[Worker], now: Micros
    ) -> None:
        """Ask for each once."""
        alive = {one.id: one for one in living}
        new = [one for one in probes if one not in self._requested and one.worker_id in alive]
        if not new:
            return
        with self._store.database.writing() as connection:
            for probe in new:
                request = replace(probe.request, by_hand=True)
                if probe_requests.add(connection, alive[probe.worker_id], request, now) is not None:
                    self._requested.add(probe)


def may_grow(points: list[MemoryPoint], started_at: Micros) -> bool:
    """Return whether *points*, the life of one worker in order, may show a leak, if more is seen.

    It is the end that counts: what leaks first fills what the start has left free.
    """
    growth = judge_worker(points, started_at).growth
    if growth is None or growth.axis is not GrowthAxis.REQUESTS:
        return False
    straight = growth.z >= MIN_KENDALL_Z and growth.last > MIN_LAST_HALF_RATIO * growth.slope
    return straight and growth.last >= MIN_BYTES_PER_REQUEST


def _worker_seen(worker: Worker, points: list[MemoryPoint]) -> ReportedWorker:
    first = points[0].last if points else worker.anonymous
    growth = worker.growth
    if growth is not None and growth.axis is GrowthAxis.REQUESTS:
        slope = growth.slope
    else:
        slope = (worker.anonymous - first) / max(worker.requests, 1)
    return ReportedWorker(
        pid=worker.pid,
        requests=worker.requests,
        start_bytes=first,
        end_bytes=worker.anonymous,
        bytes_per_request=round(slope, 1),
    )


def _exit_note(worker: Worker) -> str:
    if worker.exit_reason not in EXIT_TEXTS:
        return ""
    what = EXIT_TEXTS[worker.exit_reason]
    return f"worker {worker.pid} {what} after {worker.requests:,} requests; the run went on"
