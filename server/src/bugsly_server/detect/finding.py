"""Decides what a project's workers, taken together, give reason to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect.fleet import catches_up, stands_apart
from bugsly_server.detect.forecast import forecast
from bugsly_server.detect.growth import HITS
from bugsly_server.detect.pool import pool
from bugsly_server.detect.trend import median
from bugsly_server.model.growth import Axis, Growth, Verdict
from bugsly_server.model.issue import Finding, Scope, Suspect
from bugsly_server.model.units import count, size, slope
from bugsly_server.model.worker import Worker

PATIENCE_TIME: Micros = 15 * MINUTE
PATIENCE_REQUESTS = 2_000
"""What a worker has to show before it is called growing with no peer to contradict it. Caches
that fill look the same until they are full, and most are full by then."""
MOST_PEERS = 100
"""More would say the same."""
MOST_POOLED = 50
"""Past lives that count: those of an hour or two, so that what was mended is forgotten then."""
MOST_SUSPECTS = 100


def find(workers: Iterable[Worker], now: Micros) -> list[Finding]:
    """Return at most one finding for each environment among *workers*, living and ended lately."""
    by_environment = sorted(workers, key=lambda worker: worker.environment)
    groups = groupby(by_environment, key=lambda worker: worker.environment)
    found = (_find(Fleet(tuple(members), now), environment) for environment, members in groups)
    return [finding for finding in found if finding is not None]


def fingerprint(environment: str) -> str:
    """Return what identifies growth without a known cause, version 1.

    Equal for every worker, host and release of one environment: a recycled worker that goes on
    growing is the same issue.
    """
    return f"1/growing/{environment}"


def surely_grows(worker: Worker) -> bool:
    """Return whether *worker* was found to grow as often in a row as it takes."""
    return worker.judgement.verdict is Verdict.GROWING and worker.hits >= HITS


@dataclass(frozen=True)
class Fleet:
    """The workers of one environment."""

    workers: tuple[Worker, ...]
    now: Micros

    @cached_property
    def known(self) -> list[Worker]:
        """Return the living workers of which enough was seen."""
        return [one for one in self.workers if one.is_alive(self.now) and one.growth is not None]

    @cached_property
    def growing(self) -> list[Worker]:
        """Return the living workers that grow, fastest first."""
        return sorted(filter(surely_grows, self.known), key=_slope, reverse=True)

    @cached_property
    def alike(self) -> dict[tuple[str, Axis], list[Worker]]:
        """Return the workers that can be compared: same code, same axis; also past lives."""
        groups: dict[tuple[str, Axis], list[Worker]] = {}
        for one in self.workers:
            if one.growth is not None:
                groups.setdefault((one.release, one.growth.axis), []).append(one)
        return {key: group[:: max(1, len(group) // MOST_PEERS)] for key, group in groups.items()}

    @cached_property
    def recycled(self) -> list[Worker]:
        """Return the latest lives of the newest code, if workers go on being replaced."""
        newest = max(self.workers, key=lambda one: one.started_at)
        ended = [one for one in self.workers if one.ended_at and one.release == newest.release]
        latest = sorted(ended, key=lambda one: one.ended_at or 0)[-MOST_POOLED:]
        longest = max((one.age(self.now) for one in latest), default=0)
        return latest if latest and self.now - (latest[-1].ended_at or 0) <= longest else []

    def peers(self, worker: Worker) -> list[Worker]:
        """Return what *worker*, whose growth is known, is compared with."""
        assert worker.growth is not None
        alike = self.alike[worker.release, worker.growth.axis]
        return [one for one in alike if one.id != worker.id]


def _find(fleet: Fleet, environment: str) -> Finding | None:
    growing, known = fleet.growing, fleet.known
    apart = [one for one in growing if stands_apart(one, fleet.peers(one))]
    if apart:
        scope = Scope.ONE if len(apart) == 1 else Scope.SOME
        return _finding(scope, apart, fleet, environment)
    patient = [
        one
        for one in growing
        if _was_watched_long(one, fleet.now) and not catches_up(one, fleet.peers(one))
    ]
    if patient and 2 * len(patient) >= len(known):
        scope = Scope.ALL if len(patient) == len(known) else Scope.SOME
        return _finding(scope, patient, fleet, environment)
    pooled = pool(fleet.recycled)
    return None if pooled is None else _across_restarts(pooled, fleet.recycled, environment)


def _was_watched_long(worker: Worker, now: Micros) -> bool:
    if worker.age(now) < PATIENCE_TIME or worker.growth is None:
        return False
    return worker.growth.axis is Axis.TIME or worker.growth.span >= PATIENCE_REQUESTS


def _slope(worker: Worker) -> float:
    return worker.growth.slope if worker.growth is not None else 0.0


def _finding(scope: Scope, suspects: Sequence[Worker], fleet: Fleet, environment: str) -> Finding:
    fastest = suspects[0]
    chosen = {one.id for one in suspects}
    others = sorted(_slope(one) for one in fleet.peers(fastest) if one.id not in chosen)
    machine = [one for one in suspects if one.machine == fastest.machine]
    axis = fastest.growth.axis if fastest.growth is not None else Axis.REQUESTS
    return Finding(
        fingerprint=fingerprint(environment),
        environment=environment,
        title=_title(scope, suspects, len(fleet.known)),
        scope=scope,
        because=_because(fastest, axis, others),
        suspects=tuple(
            suspect(one, fleet.now, one.growth)
            for one in suspects[:MOST_SUSPECTS]
            if one.growth is not None
        ),
        slope=_slope(fastest),
        axis=axis,
        peers=len(others),
        peer_slope=median(others) if others else 0.0,
        forecast=forecast(machine),
        release=fastest.release,
    )


def _title(scope: Scope, suspects: Sequence[Worker], known: int) -> str:
    if scope is Scope.ONE:
        return f"One worker on {suspects[0].host} grows apart from its peers"
    if scope is Scope.ALL:
        workers = "The only worker grows" if known == 1 else f"All {known} workers grow"
        return f"{workers} with every {_axis(suspects[0])}"
    return f"{len(suspects)} of {known} workers grow with every {_axis(suspects[0])}"


def _axis(worker: Worker) -> str:
    return str(worker.growth.axis) if worker.growth is not None else str(Axis.REQUESTS)


def _because(fastest: Worker, axis: Axis, others: Sequence[float]) -> str:
    own = f"{fastest.name} gained {slope(_slope(fastest), axis)}: {fastest.judgement.because}"
    if not others:
        return own
    peers = "1 peer" if len(others) == 1 else f"{len(others)} peers"
    return f"{own}. The median of its {peers} is {slope(median(others), axis)}"


def suspect(worker: Worker, now: Micros, growth: Growth) -> Suspect:
    """Return *worker* as it is now, with the *growth* that it is suspected for."""
    return Suspect(
        worker_id=worker.id,
        host=worker.host,
        pid=worker.pid,
        age=worker.age(now) / SECOND,
        anonymous=worker.anonymous,
        slope=growth.slope,
        low=growth.low,
        high=growth.high,
        axis=growth.axis,
        total=growth.total,
        requests=worker.requests,
    )


def _across_restarts(pooled: Growth, lives: Sequence[Worker], environment: str) -> Finding:
    return Finding(
        fingerprint=fingerprint(environment),
        environment=environment,
        title="Every worker grows, and restarts hide it",
        scope=Scope.RESTARTS,
        because=(
            f"{len(lives)} lives of workers gained {slope(pooled.slope, pooled.axis)} each, "
            f"{size(pooled.total)} over {count(pooled.span)} requests together"
        ),
        suspects=(),
        slope=pooled.slope,
        axis=pooled.axis,
        peers=len(lives),
        peer_slope=pooled.slope,
        forecast=None,
        release=lives[0].release,
        since=min(one.started_at for one in lives),
    )
