"""Finds growth among the workers of a project, taken together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect.memory_forecast import forecast_limit
from bugsly_server.detect.peer_comparison import has_levelled_peer, is_outlier
from bugsly_server.detect.pooled_growth import pool_growth
from bugsly_server.detect.trend_statistics import median
from bugsly_server.detect.worker_growth import MIN_HITS
from bugsly_server.fingerprint.growth import growth_fingerprint
from bugsly_server.model.growth import GrowthAxis, GrowthTrend, GrowthVerdict
from bugsly_server.model.issue import Finding, FindingScope, SuspectWorker
from bugsly_server.model.units import count, size, slope
from bugsly_server.model.worker import Worker

MIN_WATCHED_TIME: Micros = 15 * MINUTE
MIN_WATCHED_REQUESTS = 2_000
"""What a worker has to show before it is called growing with no peer to contradict it. Caches
that fill look the same until they are full, and most are full by then."""
MAX_PEERS = 100
"""More would say the same."""
MAX_POOLED_LIVES = 50
"""Ended workers that count: those of an hour or two, after which a fixed leak is forgotten."""
MAX_SUSPECTS = 100


def find_growth(workers: Iterable[Worker], now: Micros) -> list[Finding]:
    """Return at most one finding for each environment among *workers*, living and ended lately."""
    by_environment = sorted(workers, key=lambda worker: worker.environment)
    groups = groupby(by_environment, key=lambda worker: worker.environment)
    found = (
        _find_in_fleet(Fleet(tuple(members), now), environment) for environment, members in groups
    )
    return [finding for finding in found if finding is not None]


def is_surely_growing(worker: Worker) -> bool:
    """Return whether *worker* was found to grow as often in a row as it takes."""
    return worker.judgement.verdict is GrowthVerdict.GROWING and worker.hits >= MIN_HITS


@dataclass(frozen=True)
class Fleet:
    """The workers of one environment."""

    workers: tuple[Worker, ...]
    now: Micros

    @cached_property
    def judged(self) -> list[Worker]:
        """Return the living workers of which enough was seen to judge them."""
        return [one for one in self.workers if one.is_alive(self.now) and one.growth is not None]

    @cached_property
    def growing(self) -> list[Worker]:
        """Return the living workers that grow, fastest first."""
        return sorted(filter(is_surely_growing, self.judged), key=_slope, reverse=True)

    @cached_property
    def comparable(self) -> dict[tuple[str, GrowthAxis], list[Worker]]:
        """Return the workers that can be compared: same code, same axis; also ended ones."""
        groups: dict[tuple[str, GrowthAxis], list[Worker]] = {}
        for worker in self.workers:
            if worker.growth is not None:
                groups.setdefault((worker.release, worker.growth.axis), []).append(worker)
        return {key: group[:: max(1, len(group) // MAX_PEERS)] for key, group in groups.items()}

    @cached_property
    def past_lives(self) -> list[Worker]:
        """Return the latest ended workers of the newest code, if workers are still replaced."""
        newest = max(self.workers, key=lambda worker: worker.started_at)
        ended = [one for one in self.workers if one.ended_at and one.release == newest.release]
        latest = sorted(ended, key=lambda worker: worker.ended_at or 0)[-MAX_POOLED_LIVES:]
        longest = max((one.age(self.now) for one in latest), default=0)
        return latest if latest and self.now - (latest[-1].ended_at or 0) <= longest else []

    def peers(self, worker: Worker) -> list[Worker]:
        """Return what *worker*, whose growth is known, is compared with."""
        assert worker.growth is not None
        alike = self.comparable[worker.release, worker.growth.axis]
        return [one for one in alike if one.id != worker.id]


def _find_in_fleet(fleet: Fleet, environment: str) -> Finding | None:
    growing, judged = fleet.growing, fleet.judged
    outliers = [one for one in growing if is_outlier(one, fleet.peers(one))]
    if outliers:
        scope = FindingScope.ONE if len(outliers) == 1 else FindingScope.SOME
        return _finding(scope, outliers, fleet, environment)
    long_watched = [
        one
        for one in growing
        if _was_watched_long(one, fleet.now) and not has_levelled_peer(one, fleet.peers(one))
    ]
    if long_watched and 2 * len(long_watched) >= len(judged):
        scope = FindingScope.ALL if len(long_watched) == len(judged) else FindingScope.SOME
        return _finding(scope, long_watched, fleet, environment)
    pooled_trend = pool_growth(fleet.past_lives)
    return (
        None
        if pooled_trend is None
        else _finding_across_restarts(pooled_trend, fleet.past_lives, environment)
    )


def _was_watched_long(worker: Worker, now: Micros) -> bool:
    if worker.age(now) < MIN_WATCHED_TIME or worker.growth is None:
        return False
    return worker.growth.axis is GrowthAxis.TIME or worker.growth.span >= MIN_WATCHED_REQUESTS


def _slope(worker: Worker) -> float:
    return worker.growth.slope if worker.growth is not None else 0.0


def _finding(
    scope: FindingScope, suspects: Sequence[Worker], fleet: Fleet, environment: str
) -> Finding:
    fastest = suspects[0]
    chosen = {one.id for one in suspects}
    others = sorted(_slope(one) for one in fleet.peers(fastest) if one.id not in chosen)
    machine = [one for one in suspects if one.machine == fastest.machine]
    axis = fastest.growth.axis if fastest.growth is not None else GrowthAxis.REQUESTS
    return Finding(
        fingerprint=growth_fingerprint(environment),
        environment=environment,
        title=_title(scope, suspects, len(fleet.judged)),
        scope=scope,
        because=_reason(fastest, axis, others),
        suspects=tuple(
            as_suspect(one, fleet.now, one.growth)
            for one in suspects[:MAX_SUSPECTS]
            if one.growth is not None
        ),
        slope=_slope(fastest),
        axis=axis,
        peers=len(others),
        peer_slope=median(others) if others else 0.0,
        forecast=forecast_limit(machine),
        release=fastest.release,
    )


def _title(scope: FindingScope, suspects: Sequence[Worker], judged: int) -> str:
    if scope is FindingScope.ONE:
        return f"One worker on {suspects[0].host} grows apart from its peers"
    if scope is FindingScope.ALL:
        workers = "The only worker grows" if judged == 1 else f"All {judged} workers grow"
        return f"{workers} with every {_axis(suspects[0])}"
    return f"{len(suspects)} of {judged} workers grow with every {_axis(suspects[0])}"


def _axis(worker: Worker) -> str:
    return str(worker.growth.axis) if worker.growth is not None else str(GrowthAxis.REQUESTS)


def _reason(fastest: Worker, axis: GrowthAxis, others: Sequence[float]) -> str:
    own = f"{fastest.name} gained {slope(_slope(fastest), axis)}: {fastest.judgement.because}"
    if not others:
        return own
    peers = "1 peer" if len(others) == 1 else f"{len(others)} peers"
    return f"{own}. The median of its {peers} is {slope(median(others), axis)}"


def as_suspect(worker: Worker, now: Micros, growth: GrowthTrend) -> SuspectWorker:
    """Return *worker* as it is now, with the *growth* that it is suspected for."""
    return SuspectWorker(
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


def _finding_across_restarts(
    pooled_trend: GrowthTrend, lives: Sequence[Worker], environment: str
) -> Finding:
    gain = slope(pooled_trend.slope, pooled_trend.axis)
    return Finding(
        fingerprint=growth_fingerprint(environment),
        environment=environment,
        title="Every worker grows, and restarts hide it",
        scope=FindingScope.RESTARTS,
        because=(
            f"{len(lives)} lives of workers gained {gain} each, "
            f"{size(pooled_trend.total)} over {count(pooled_trend.span)} requests together"
        ),
        suspects=(),
        slope=pooled_trend.slope,
        axis=pooled_trend.axis,
        peers=len(lives),
        peer_slope=pooled_trend.slope,
        forecast=None,
        release=lives[0].release,
        since=min(one.started_at for one in lives),
    )
