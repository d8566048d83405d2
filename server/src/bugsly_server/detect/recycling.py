"""Counts how often workers were recycled, and says what would have happened otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from operator import attrgetter

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, Micros
from bugsly_server.detect.trend_statistics import median
from bugsly_server.model.growth import GrowthAxis
from bugsly_server.model.issue import Finding, Issue
from bugsly_server.model.recycling import RecyclingSummary
from bugsly_server.model.worker import Worker

RECYCLING_PERIOD: Micros = DAY
MIN_BLAMED_PART = 0.5
"""The part of a growth from which workers are said to be recycled for it."""
_machine_of = attrgetter("machine")


def summarise_recycling(lives: Sequence[Worker], now: Micros) -> RecyclingSummary | None:
    """Return what the safety net did for *lives*, the workers of one environment.

    Living ones and those that ended within a day are to be among them. None where it did nothing.
    """
    machines = [
        list(members) for _, members in groupby(sorted(lives, key=_machine_of), _machine_of)
    ]
    times = sum(
        max(_recycled_exits(members, now), _reported_recycled(members, now)) for members in machines
    )
    if not times:
        return None
    known = [at for members in machines if (at := _full_at(members, now)) is not None]
    return RecyclingSummary(at=now, times=times, full_at=min(known, default=None))


def add_recycling(finding: Finding, lives: Sequence[Worker], now: Micros) -> Finding:
    """Return *finding* with what the safety net did for its environment among *lives*."""
    mine = [one for one in lives if one.environment == finding.environment]
    recycling = summarise_recycling(mine, now)
    if recycling is None:
        return finding
    diagnosis = finding.diagnosis
    what = None
    if diagnosis is not None and diagnosis.growth.part >= MIN_BLAMED_PART:
        what = diagnosis.holder_name or diagnosis.location.site
    return replace(finding, recycled=replace(recycling, what=what or ""))


def quiet_from(issue: Issue | None, lives: Sequence[Worker], since: Micros) -> Micros:
    """Return since when *issue* may become quiet: *since*, or when a worker was last recycled.

    A worker that is recycled young shows no growth any more, and grows all the same.
    """
    if issue is None:
        return since
    mine = [one for one in lives if one.environment == issue.finding.environment]
    gone = [one.ended_at or 0 for one in mine if one.exit_reason is ExitReason.RECYCLED]
    return max([since, *gone])


def start_memory(worker: Worker) -> float | None:
    """Return what *worker* held before its first request, by the line that its memory follows."""
    growth = worker.growth
    if growth is None or growth.axis is not GrowthAxis.REQUESTS:
        return None
    return max(0.0, worker.anonymous - growth.slope * worker.requests)


def _recycled_exits(machine: Sequence[Worker], now: Micros) -> int:
    gone = (one for one in machine if one.exit_reason is ExitReason.RECYCLED)
    return sum(now - (one.ended_at or now) < RECYCLING_PERIOD for one in gone)


def _reported_recycled(machine: Sequence[Worker], now: Micros) -> int:
    """Return what living workers report: they also know who left while the server was away."""
    statuses = (one.net for one in machine if one.is_alive(now))
    return max((status.recycled_today for status in statuses if status is not None), default=0)


def _full_at(machine: Sequence[Worker], now: Micros) -> Micros | None:
    """Return when *machine* would have reached its limit if no worker had been recycled there.

    At each moment it would have used what it did use, and what the workers recycled by then had
    gained since their start. Between two such moments that is a straight line; after the last one,
    each living worker keeps growing at the average rate of all.
    """
    recycled = sorted(
        (one for one in machine if one.exit_reason is ExitReason.RECYCLED),
        key=lambda worker: worker.ended_at or 0,
    )
    starts = sorted(start for one in machine if (start := start_memory(one)) is not None)
    newest = max(machine, key=lambda worker: worker.seen_at)
    if not recycled or not starts or not newest.limit:
        return None
    start_level = median(starts)
    spared, levels = 0.0, []
    for worker in recycled:
        levels.append((worker.seen_at, worker.used + spared))
        spared += max(0.0, worker.anonymous - start_level)
    levels.append((newest.seen_at, newest.used + spared))
    crossed = _crossing(levels, newest.limit)
    if crossed is not None:
        return crossed
    living = [one for one in machine if one.ended_at is None]
    gained = spared + sum(max(0.0, one.anonymous - start_level) for one in living)
    speed = len(living) * gained / max(1, sum(one.age(now) for one in (*recycled, *living)))
    return newest.seen_at + round((newest.limit - levels[-1][1]) / speed) if speed else None


def _crossing(levels: Sequence[tuple[Micros, float]], limit: int) -> Micros | None:
    """Return when *levels*, moments in order with the memory at each, first reaches *limit*."""
    if levels[0][1] >= limit:
        return levels[0][0]
    for (before, low), (after, high) in pairwise(levels):
        if high >= limit:
            return before + round((after - before) * (limit - low) / (high - low))
    return None
