"""Counts how often the safety net stepped in, and says what would have happened without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from operator import attrgetter

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, Micros
from bugsly_server.detect.trend import median
from bugsly_server.model.growth import Axis
from bugsly_server.model.issue import Finding, Issue
from bugsly_server.model.recycled import Recycled
from bugsly_server.model.worker import Worker

WITHIN: Micros = DAY
MOST = 0.5
"""The part of a growth from which workers are said to be recycled for it."""
_machine = attrgetter("machine")


def count_recycled(lives: Sequence[Worker], now: Micros) -> Recycled | None:
    """Return what the safety net did for *lives*, the workers of one environment.

    Living ones and those that ended within a day are to be among them. None where it did nothing.
    """
    machines = [list(members) for _, members in groupby(sorted(lives, key=_machine), _machine)]
    times = sum(max(_heard_of(members, now), _told_by(members, now)) for members in machines)
    if not times:
        return None
    known = [at for members in machines if (at := _full_at(members, now)) is not None]
    return Recycled(at=now, times=times, full_at=min(known, default=None))


def tell_recycled(finding: Finding, lives: Sequence[Worker], now: Micros) -> Finding:
    """Return *finding* with what the safety net did for its environment among *lives*."""
    mine = [one for one in lives if one.environment == finding.environment]
    recycled = count_recycled(mine, now)
    if recycled is None:
        return finding
    diagnosis = finding.diagnosis
    mostly = diagnosis is not None and diagnosis.part >= MOST
    what = (diagnosis.holder or diagnosis.site) if diagnosis is not None and mostly else ""
    return replace(finding, recycled=replace(recycled, what=what))


def awaited_since(issue: Issue | None, lives: Sequence[Worker], since: Micros) -> Micros:
    """Return since when *issue* may become quiet: *since*, or when a worker was last recycled.

    A worker that is recycled young shows no growth any more, and grows all the same.
    """
    if issue is None:
        return since
    mine = [one for one in lives if one.environment == issue.finding.environment]
    gone = [one.ended_at or 0 for one in mine if one.exit_reason is ExitReason.RECYCLED]
    return max([since, *gone])


def start_of(worker: Worker) -> float | None:
    """Return what *worker* held before its first request, by the line that its memory follows."""
    growth = worker.growth
    if growth is None or growth.axis is not Axis.REQUESTS:
        return None
    return max(0.0, worker.anonymous - growth.slope * worker.requests)


def _heard_of(machine: Sequence[Worker], now: Micros) -> int:
    gone = (one for one in machine if one.exit_reason is ExitReason.RECYCLED)
    return sum(now - (one.ended_at or now) < WITHIN for one in gone)


def _told_by(machine: Sequence[Worker], now: Micros) -> int:
    """Return what those that live say: they know also of who went while nobody could hear it."""
    nets = (one.net for one in machine if one.is_alive(now))
    return max((net.recycled_today for net in nets if net is not None), default=0)


def _full_at(machine: Sequence[Worker], now: Micros) -> Micros | None:
    """Return when the limit of *machine* would have been met, had nobody been recycled there.

    At each moment its memory would have been what it was, and what the workers that were gone by
    then had gained since their start. Between two such moments it is a straight line; after the
    last, each living worker goes on to gain what they all gained on average.
    """
    gone = sorted(
        (one for one in machine if one.exit_reason is ExitReason.RECYCLED),
        key=lambda one: one.ended_at or 0,
    )
    starts = sorted(start for one in machine if (start := start_of(one)) is not None)
    newest = max(machine, key=lambda one: one.seen_at)
    if not gone or not starts or not newest.limit:
        return None
    fresh = median(starts)
    spared, met = 0.0, []
    for one in gone:
        met.append((one.seen_at, one.used + spared))
        spared += max(0.0, one.anonymous - fresh)
    met.append((newest.seen_at, newest.used + spared))
    crossed = _crossing(met, newest.limit)
    if crossed is not None:
        return crossed
    living = [one for one in machine if one.ended_at is None]
    gained = spared + sum(max(0.0, one.anonymous - fresh) for one in living)
    speed = len(living) * gained / max(1, sum(one.age(now) for one in (*gone, *living)))
    return newest.seen_at + round((newest.limit - met[-1][1]) / speed) if speed else None


def _crossing(met: Sequence[tuple[Micros, float]], limit: int) -> Micros | None:
    """Return when *met*, moments in order with the memory at each, first reaches *limit*."""
    if met[0][1] >= limit:
        return met[0][0]
    for (before, low), (after, high) in pairwise(met):
        if high >= limit:
            return before + round((after - before) * (limit - low) / (high - low))
    return None
