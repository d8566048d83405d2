"""Computes the max_requests that would keep every worker below the limit of its machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from bugsly_server.clock import DAY, SECOND, Micros
from bugsly_server.detect.fix_proof import measure_growth_rate
from bugsly_server.detect.recycling import start_memory
from bugsly_server.detect.trend_statistics import median
from bugsly_server.model.fix_proof import ReleaseWorkers
from bugsly_server.model.growth import GrowthAxis
from bugsly_server.model.issue import Finding
from bugsly_server.model.max_requests import MaxRequestsProposal, SettingVerdict
from bugsly_server.model.worker import Worker

SPARE_PART = 0.1
"""Part of the limit that stays free: the kernel kills at the limit, not after it."""
JITTER_DIVISOR = 5
"""The jitter is a fifth of max_requests, so that workers do not leave together."""
MIN_REQUESTS_PER_LIFE = 20
"""Requests in a life below which restarting is no way to run an application."""
TOO_LOW_FACTOR = 2.0
"""A max_requests that is so many times lower than it has to be is reported as too low."""
_machine_of = attrgetter("machine")


def propose_max_requests(
    lives: Sequence[Worker], bytes_per_request: float, now: Micros
) -> MaxRequestsProposal | None:
    """Return what keeps the machine with the least room below its limit.

    *lives* are the living and ended workers of one release and environment. *bytes_per_request* is
    what a request may add to one of them; a higher rate that they agree on counts instead. None
    where neither is known, or no machine has a limit, or no worker's start is known.
    """
    gain = max(bytes_per_request, _agreed_rate(lives))
    starts = sorted(start for one in lives if (start := start_memory(one)) is not None)
    living = sorted((one for one in lives if one.is_alive(now)), key=_machine_of)
    machines = [list(members) for _, members in groupby(living, key=_machine_of)]
    limited = [one for one in machines if _last_seen(one).limit]
    if gain <= 0 or not starts or not limited:
        return None
    return _propose(min(limited, key=_room_per_worker), gain, median(starts))


def max_bytes_per_request(finding: Finding) -> float:
    """Return what the fastest worker of *finding* gains with a request at most; 0 if unknown."""
    highs = [one.high for one in finding.suspects if one.axis == GrowthAxis.REQUESTS and one.total]
    pooled = finding.slope if finding.axis == GrowthAxis.REQUESTS and not finding.suspects else 0.0
    return max([pooled, *highs])


def _agreed_rate(lives: Sequence[Worker]) -> float:
    agreed = measure_growth_rate(
        ReleaseWorkers(release="", workers=tuple(lives), driving_part=1.0, is_running=True)
    )
    return 0.0 if agreed is None else agreed.high


def _propose(machine: Sequence[Worker], gain: float, start: float) -> MaxRequestsProposal:
    room = _room_per_worker(machine)
    max_requests = max(0, math.floor((room - start) / gain))
    requests = _round_down(max_requests * JITTER_DIVISOR / (JITTER_DIVISOR + 1))
    if requests < MIN_REQUESTS_PER_LIFE:
        requests = 0
    jitter = _round_down(requests / JITTER_DIVISOR)
    facts = max(machine, key=lambda worker: worker.started_at).facts
    set_to, set_jitter = facts.get("max_requests", 0), facts.get("max_requests_jitter", 0)
    return MaxRequestsProposal(
        workers=len(machine),
        limit=_last_seen(machine).limit,
        room=round(room),
        start=round(start),
        most=max_requests,
        requests=requests,
        jitter=jitter,
        restarts=_restarts(machine, requests, jitter),
        set_to=set_to,
        present=_judge_setting(set_to, set_jitter, max_requests, requests),
        set_restarts=_restarts(machine, set_to, set_jitter),
    )


def _judge_setting(set_to: int, jitter: int, max_requests: int, requests: int) -> SettingVerdict:
    if not set_to:
        return SettingVerdict.UNSET
    if set_to + jitter > max_requests:
        return SettingVerdict.HIGH
    return SettingVerdict.RIGHT if set_to * TOO_LOW_FACTOR > requests else SettingVerdict.LOW


def _last_seen(machine: Iterable[Worker]) -> Worker:
    return max(machine, key=lambda worker: worker.seen_at)


def _room_per_worker(machine: Sequence[Worker]) -> float:
    """Return what each worker of a machine may hold, what else is there staying as it is."""
    newest = _last_seen(machine)
    others = max(0, newest.used - sum(one.anonymous for one in machine))
    return max(0.0, newest.limit * (1 - SPARE_PART) - others) / len(machine)


def _restarts(machine: Iterable[Worker], requests: int, jitter: int) -> float:
    """Return how many workers of a machine end in a day; Gunicorn's jitter is half on average."""
    rate = sum(one.rate for one in machine)
    return rate * (DAY / SECOND) / (requests + jitter / 2) if requests else 0.0


def _round_down(number: float) -> int:
    """Return *number* rounded down to two digits."""
    whole = math.floor(number)
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return whole // step * step
