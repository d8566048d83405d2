"""Whole fleets over hours: memory as a behaviour makes it, judged and told as the server does.

Only the store is missing. Looks, findings and the life of the issue follow the same schedule as
in `pipeline.py`, and the series is thinned as telemetry thins it.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tests.support.clock import START
from tests.support.stored_workers import TOO_EARLY, stored_worker

from bugsly_server.clock import SECOND, Micros
from bugsly_server.detect.growth_detection import find_growth
from bugsly_server.detect.leak_lifecycle import next_leak_change
from bugsly_server.detect.worker_growth import MIN_HITS, is_due, judge_worker
from bugsly_server.detection_schedule import DETECTION_INTERVAL
from bugsly_server.model.growth import GrowthJudgement, GrowthVerdict
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.leak_issues import STATE_AFTER
from bugsly_server.store.telemetry.sample_rows import SampleRow, downsample
from bugsly_server.worker_judging import MAX_TREND_POINTS

MemoryCurve = Callable[[int, float], float]
"""Bytes a worker holds after so many requests and so many seconds."""
Behaviour = Callable[[random.Random], MemoryCurve]
"""Makes the memory of one worker, which may draw its own numbers."""


@dataclass(frozen=True)
class WorkerPlan:
    """One of the fleet's workers: what it does, how busy it is, and when it first starts."""

    behaviour: Behaviour
    rate: float = 20.0
    starts: float = 0.0
    max_requests: int = 0


class SimulatedAlert(NamedTuple):
    """One alert of a simulated fleet."""

    seconds: float
    change: IssueChange


@dataclass
class WorkerRun:
    """One simulated worker from its start to its exit."""

    plan: WorkerPlan
    memory: MemoryCurve
    worker: Worker
    rows: list[SampleRow] = field(default_factory=list)

    def sample(self, now: Micros, served: int) -> None:
        """Take a sample after *served* more requests."""
        requests = self.worker.requests + served
        seconds = (now - self.worker.started_at) / SECOND
        size = round(self.memory(requests, seconds))
        self.rows.append(SampleRow(self.worker.id, now, requests, size, size, size, 0, 0, 0, 0))
        self.worker = replace(
            self.worker,
            requests=requests,
            anonymous=size,
            seen_at=now,
            samples=len(self.rows),
            rate=requests / seconds if seconds else 0.0,
        )

    def judge_if_due(self, now: Micros) -> bool:
        """Judge it if it is due; return whether it was."""
        worker = self.worker
        if not is_due(worker.requests, worker.judged_requests, now, worker.judged_at):
            return False
        points = [row.point for row in downsample(self.rows, MAX_TREND_POINTS)]
        judgement = judge_worker(points, worker.started_at)
        self.worker = replace(
            worker,
            judgement=judgement,
            hits=min(worker.hits + 1, MIN_HITS)
            if judgement.verdict is GrowthVerdict.GROWING
            else 0,
            judged_requests=worker.requests,
            judged_at=now,
        )
        return True


class SimulatedFleet:
    """Workers of one project, and the one issue they may lead to."""

    def __init__(self, plans: list[WorkerPlan], seed: int, sample_seconds: float = 10.0) -> None:
        self._random = random.Random(seed)
        self._sample_seconds = sample_seconds
        self._plans = plans
        self._runs: dict[int, WorkerRun] = {}
        self._ended: list[Worker] = []
        self._issue: Issue | None = None
        self._found_at: Micros = 0
        self.alerts: list[SimulatedAlert] = []
        self.judgements: list[tuple[float, int, GrowthJudgement]] = []

    @property
    def workers(self) -> list[Worker]:
        """Return all there were, ended ones too."""
        return [*self._ended, *(life.worker for life in self._runs.values())]

    def run(self, hours: float) -> list[SimulatedAlert]:
        """Let *hours* pass, and return all alerts."""
        now = START
        while now < START + hours * 3600 * SECOND:
            now += round(self._sample_seconds * SECOND)
            judged = [
                self._advance_worker(number, plan, now) for number, plan in enumerate(self._plans)
            ]
            if any(judged) or now - self._found_at >= DETECTION_INTERVAL:
                self._find(now)
        return self.alerts

    def _advance_worker(self, number: int, plan: WorkerPlan, now: Micros) -> bool:
        if (now - START) / SECOND < plan.starts:
            return False
        run = self._runs.get(number)
        if run is None:
            run = self._runs[number] = self._start(plan, now)
        run.sample(now, self._draw_served(plan.rate))
        was_judged = run.judge_if_due(now)
        if was_judged:
            seconds = (now - START) / SECOND
            self.judgements.append((seconds, run.worker.id, run.worker.judgement))
        if 0 < plan.max_requests <= run.worker.requests:
            self._ended.append(replace(run.worker, ended_at=now))
            del self._runs[number]
        return was_judged

    def _start(self, plan: WorkerPlan, now: Micros) -> WorkerRun:
        worker_id = len(self._runs) + len(self._ended) + 1
        worker = stored_worker(
            worker_id,
            started_at=now - round(self._sample_seconds * SECOND),
            judged_at=now,
            requests=0,
            samples=0,
            judgement=TOO_EARLY,
            every=round(self._sample_seconds * SECOND),
        )
        return WorkerRun(plan, plan.behaviour(self._random), worker)

    def _draw_served(self, rate: float) -> int:
        mean = rate * self._sample_seconds
        return max(0, round(self._random.gauss(mean, math.sqrt(mean))))

    def _find(self, now: Micros) -> None:
        self._found_at = now
        living = [life.worker for life in self._runs.values()]
        finding = next(iter(find_growth(living + self._ended[-200:], now)), None)
        change = next_leak_change(self._issue, finding, now, START)
        if change is not None:
            self.alerts.append(SimulatedAlert((now - START) / SECOND, change))
        self._issue = _issue_after(self._issue, change, now) if change else self._issue
        if finding is not None and self._issue is not None and self._issue.state is IssueState.OPEN:
            self._issue = replace(self._issue, finding=finding, seen_at=now)


def opened_after(alerts: list[SimulatedAlert]) -> float:
    """Return the seconds until an issue was opened, infinity where none was."""
    return next(
        (one.seconds for one in alerts if one.change.kind is IssueChangeKind.OPENED), math.inf
    )


def _issue_after(issue: Issue | None, change: IssueChange, now: Micros) -> Issue:
    state = STATE_AFTER[change.kind]
    if issue is None:
        assert change.finding is not None
        return Issue(
            id=1,
            project_id=1,
            fingerprint=change.finding.fingerprint,
            title=change.finding.title,
            state=state,
            opened_at=now,
            changed_at=now,
            seen_at=now,
            resolved_at=None,
            snoozed_until=None,
            finding=change.finding,
        )
    reported = (
        issue.reported if change.finding is None else change.finding.no_milder_than(issue.reported)
    )
    return replace(issue, state=state, changed_at=now, reported=reported)
