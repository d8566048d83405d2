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
from tests.support.lives import EARLY, known

from bugsly_server.clock import SECOND, Micros
from bugsly_server.detect.finding import find
from bugsly_server.detect.growth import HITS, is_due, judge
from bugsly_server.detect.lifecycle import next_change
from bugsly_server.model.growth import Judgement, Verdict
from bugsly_server.model.issue import Change, ChangeKind, Issue, State
from bugsly_server.model.worker import Worker
from bugsly_server.pipeline import FIND_EVERY, LOOK_POINTS
from bugsly_server.store.meta.issues import STATE_AFTER
from bugsly_server.store.telemetry.rows import Row, thin

Memory = Callable[[int, float], float]
"""Bytes a worker holds after so many requests and so many seconds."""
Behaviour = Callable[[random.Random], Memory]
"""Makes the memory of one worker, which may draw its own numbers."""


@dataclass(frozen=True)
class Place:
    """One of the fleet's workers: what it does, how busy it is, and when it first starts."""

    behaviour: Behaviour
    rate: float = 20.0
    starts: float = 0.0
    max_requests: int = 0


class Told(NamedTuple):
    """One alert of a simulated fleet."""

    seconds: float
    change: Change


@dataclass
class Life:
    """One simulated worker from its start to its exit."""

    place: Place
    memory: Memory
    worker: Worker
    rows: list[Row] = field(default_factory=list)

    def sample(self, now: Micros, served: int) -> None:
        """Take a sample after *served* more requests."""
        requests = self.worker.requests + served
        seconds = (now - self.worker.started_at) / SECOND
        size = round(self.memory(requests, seconds))
        self.rows.append(Row(self.worker.id, now, requests, size, size, size, 0, 0, 0, 0))
        self.worker = replace(
            self.worker,
            requests=requests,
            anonymous=size,
            seen_at=now,
            samples=len(self.rows),
            rate=requests / seconds if seconds else 0.0,
        )

    def look(self, now: Micros) -> bool:
        """Judge it if it is due; return whether it was."""
        known_of = self.worker
        if not is_due(known_of.requests, known_of.judged_requests, now, known_of.judged_at):
            return False
        points = [row.point for row in thin(self.rows, LOOK_POINTS)]
        judgement = judge(points, known_of.started_at)
        self.worker = replace(
            known_of,
            judgement=judgement,
            hits=min(known_of.hits + 1, HITS) if judgement.verdict is Verdict.GROWING else 0,
            judged_requests=known_of.requests,
            judged_at=now,
        )
        return True


class Fleet:
    """Workers of one project, and the one issue they may lead to."""

    def __init__(self, places: list[Place], seed: int, every: float = 10.0) -> None:
        self._random = random.Random(seed)
        self._every = every
        self._places = places
        self._lives: dict[int, Life] = {}
        self._ended: list[Worker] = []
        self._issue: Issue | None = None
        self._found_at: Micros = 0
        self.told: list[Told] = []
        self.judgements: list[tuple[float, int, Judgement]] = []

    @property
    def workers(self) -> list[Worker]:
        """Return all there were, ended ones too."""
        return [*self._ended, *(life.worker for life in self._lives.values())]

    def run(self, hours: float) -> list[Told]:
        """Let *hours* pass, and return all alerts."""
        now = START
        while now < START + hours * 3600 * SECOND:
            now += round(self._every * SECOND)
            looked = [self._live(number, place, now) for number, place in enumerate(self._places)]
            if any(looked) or now - self._found_at >= FIND_EVERY:
                self._find(now)
        return self.told

    def _live(self, number: int, place: Place, now: Micros) -> bool:
        if (now - START) / SECOND < place.starts:
            return False
        life = self._lives.get(number)
        if life is None:
            life = self._lives[number] = self._start(place, now)
        life.sample(now, self._served(place.rate))
        looked = life.look(now)
        if looked:
            seconds = (now - START) / SECOND
            self.judgements.append((seconds, life.worker.id, life.worker.judgement))
        if 0 < place.max_requests <= life.worker.requests:
            self._ended.append(replace(life.worker, ended_at=now))
            del self._lives[number]
        return looked

    def _start(self, place: Place, now: Micros) -> Life:
        worker_id = len(self._lives) + len(self._ended) + 1
        worker = known(
            worker_id,
            started_at=now - round(self._every * SECOND),
            judged_at=now,
            requests=0,
            samples=0,
            judgement=EARLY,
            every=round(self._every * SECOND),
        )
        return Life(place, place.behaviour(self._random), worker)

    def _served(self, rate: float) -> int:
        mean = rate * self._every
        return max(0, round(self._random.gauss(mean, math.sqrt(mean))))

    def _find(self, now: Micros) -> None:
        self._found_at = now
        living = [life.worker for life in self._lives.values()]
        finding = next(iter(find(living + self._ended[-200:], now)), None)
        change = next_change(self._issue, finding, now, START)
        if change is not None:
            self.told.append(Told((now - START) / SECOND, change))
        self._issue = _after(self._issue, change, now) if change else self._issue
        if finding is not None and self._issue is not None and self._issue.state is State.OPEN:
            self._issue = replace(self._issue, finding=finding, seen_at=now)


def opened_after(told: list[Told]) -> float:
    """Return the seconds until an issue was opened, infinity where none was."""
    return next((one.seconds for one in told if one.change.kind is ChangeKind.OPENED), math.inf)


def _after(issue: Issue | None, change: Change, now: Micros) -> Issue:
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
    told = issue.told if change.finding is None else change.finding.at_least(issue.told)
    return replace(issue, state=state, changed_at=now, told=told)
