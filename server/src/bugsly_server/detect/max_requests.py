"""Computes the max_requests that would keep every worker below the limit of its machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from bugsly_server.clock import DAY, SECOND, Micros
from bugsly_server.detect.proof import pace
from bugsly_server.detect.recycled import start_of
from bugsly_server.detect.trend import median
from bugsly_server.model.growth import Axis
from bugsly_server.model.issue import Finding
from bugsly_server.model.max_requests import MaxRequests, Present
from bugsly_server.model.proof import Lives
from bugsly_server.model.worker import Worker

SPARE = 0.1
"""Part of the limit that stays free: the kernel kills at the limit, not after it."""
SPREAD = 5
"""The jitter is a fifth of max_requests, so that workers do not leave together."""
FEWEST = 20
"""Requests in a life below which restarting is no way to run an application."""
NEEDLESS = 2.0
"""A max_requests that is so many times lower than it has to be is told to be too low."""
_machine = attrgetter("machine")


def advise(lives: Sequence[Worker], gained: float, now: Micros) -> MaxRequests | None:
    """Return what keeps the machine of *lives* that has least room below its limit.

    They are the living and ended workers of one release and environment. *gained* is what one of
    them may have gained with a request; more counts where the lives agree on it. None where
    neither is known, or no limit, or no fresh worker.
    """
    gain = max(gained, _agreed(lives))
    starts = sorted(start for one in lives if (start := start_of(one)) is not None)
    living = sorted((one for one in lives if one.is_alive(now)), key=_machine)
    machines = [list(members) for _, members in groupby(living, key=_machine)]
    limited = [one for one in machines if _newest(one).limit]
    if gain <= 0 or not starts or not limited:
        return None
    return _plan(min(limited, key=_room), gain, median(starts))


def fastest(finding: Finding) -> float:
    """Return what the fastest worker of *finding* gains with a request at most; 0 if unknown."""
    highs = [one.high for one in finding.suspects if one.axis == Axis.REQUESTS and one.total]
    pooled = finding.slope if finding.axis == Axis.REQUESTS and not finding.suspects else 0.0
    return max([pooled, *highs])


def _agreed(lives: Sequence[Worker]) -> float:
    agreed = pace(Lives(release="", workers=tuple(lives), driven=1.0, running=True))
    return 0.0 if agreed is None else agreed.high


def _plan(machine: Sequence[Worker], gain: float, start: float) -> MaxRequests:
    room = _room(machine)
    most = max(0, math.floor((room - start) / gain))
    requests = _rounded(most * SPREAD / (SPREAD + 1))
    if requests < FEWEST:
        requests = 0
    jitter = _rounded(requests / SPREAD)
    facts = max(machine, key=lambda one: one.started_at).facts
    set_to, set_jitter = facts.get("max_requests", 0), facts.get("max_requests_jitter", 0)
    return MaxRequests(
        workers=len(machine),
        limit=_newest(machine).limit,
        room=round(room),
        start=round(start),
        most=most,
        requests=requests,
        jitter=jitter,
        restarts=_restarts(machine, requests, jitter),
        set_to=set_to,
        present=_present(set_to, set_jitter, most, requests),
        set_restarts=_restarts(machine, set_to, set_jitter),
    )


def _present(set_to: int, jitter: int, most: int, requests: int) -> Present:
    if not set_to:
        return Present.UNSET
    if set_to + jitter > most:
        return Present.HIGH
    return Present.RIGHT if set_to * NEEDLESS > requests else Present.LOW


def _newest(machine: Iterable[Worker]) -> Worker:
    return max(machine, key=lambda one: one.seen_at)


def _room(machine: Sequence[Worker]) -> float:
    """Return what each worker of a machine may hold, what else is there staying as it is."""
    newest = _newest(machine)
    others = max(0, newest.used - sum(one.anonymous for one in machine))
    return max(0.0, newest.limit * (1 - SPARE) - others) / len(machine)


def _restarts(machine: Iterable[Worker], requests: int, jitter: int) -> float:
    """Return how many workers of a machine end in a day; Gunicorn's jitter is half on average."""
    rate = sum(one.rate for one in machine)
    return rate * (DAY / SECOND) / (requests + jitter / 2) if requests else 0.0


def _rounded(number: float) -> int:
    """Return *number* rounded down to two digits."""
    whole = math.floor(number)
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return whole // step * step
