"""Whether a holder goes on growing: steadily, up to a bound, or ever slower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Least(NamedTuple):
    """How much has to be seen before a growth is judged."""

    grown: int
    requests: int


OF_ENTRIES = Least(32, 150)
OF_RARE = Least(32, 40)
"""Entries that one request in ten brings, or fewer: many more were answered meanwhile."""
OF_THINGS = Least(12, 40)
"""Threads, connections and the like are made by few requests, and stay by accident even less."""
STEADY = 0.8
"""Growth of the second half beside that of the first."""
QUARTER = 0.5
"""Growth of the weakest quarter beside that of the mean one."""
STAIR = 1 / 8
"""The part of a life for which a count may stand still between two readings of it."""
NEW_EACH_TIME = 0.97
"""Entries per request, from which on every request is said to bring new ones."""
SIGMAS = 3.0
NEAR_BOUND = 1.05


class Course(StrEnum):
    """How a holder grows."""

    EARLY = "early"
    STEADY = "steady"
    FILLING = "filling"
    """It slows down, or may well do so: it meets things it has met before."""
    BOUNDED = "bounded"
    STILL = "still"


class Place(NamedTuple):
    """What a holder held after so many requests of those that drive it."""

    requests: int
    held: int


class Run(NamedTuple):
    """A holder's growth over a life."""

    course: Course
    grown: int
    requests: int
    held: int
    """At the end."""

    @property
    def each(self) -> float:
        """Return entries per request."""
        return self.grown / self.requests if self.requests else 0.0

    @property
    def is_whole(self) -> bool:
        """Return whether every request brings new entries, and the same number of them."""
        return self.grown > 0 and self.each / math.ceil(self.each) >= NEW_EACH_TIME


def judge_run(
    places: Sequence[Place],
    bound: int | None = None,
    *,
    keyed: bool = False,
    least: Least = OF_ENTRIES,
) -> Run:
    """Return how a holder grows that held what *places* say, in order.

    A *keyed* one keeps nothing twice: where its keys come from a finite stock, it slows down the
    nearer it comes to having met them all. Below *least* it is too early.
    """
    if len(places) < 2:
        return Run(Course.EARLY, 0, 0, places[-1].held if places else 0)
    first, last = places[0], places[-1]
    run = Run(Course.STILL, last.held - first.held, last.requests - first.requests, last.held)
    course = _course(_without_stairs(places), run, bound, keyed=keyed, least=least)
    return run._replace(course=course)


def _without_stairs(places: Sequence[Place]) -> list[Place]:
    """Return *places* without those that only repeat the count before, for a short stretch.

    What is dear to count is not counted in every sample; in between the last count is told again.
    """
    short = (places[-1].requests - places[0].requests) * STAIR
    kept = [places[0]]
    risen = places[0]
    for place in places[1:-1]:
        if place.held != risen.held:
            risen = place
        elif place.requests - risen.requests < short:
            continue
        kept.append(place)
    return [*kept, places[-1]]


def _course(
    places: Sequence[Place], run: Run, bound: int | None, *, keyed: bool, least: Least
) -> Course:
    if bound is not None and run.held <= bound * NEAR_BOUND:
        return Course.BOUNDED
    if run.requests < least.requests:
        return Course.EARLY
    if run.grown < least.grown:
        return Course.STILL if run.requests > least.requests * least.grown else Course.EARLY
    quarters = [_grown_between(places, part / 4, (part + 1) / 4) for part in range(4)]
    early, late = sum(quarters[:2]), sum(quarters[2:])
    if early <= 0 or late / early < STEADY or min(quarters) < QUARTER * run.grown / 4:
        return Course.FILLING if late < early else Course.EARLY
    return Course.FILLING if keyed and _may_saturate(run, late / early) else Course.STEADY


def _grown_between(places: Sequence[Place], begin: float, end: float) -> float:
    first, last = places[0].requests, places[-1].requests
    low, high = (first + part * (last - first) for part in (begin, end))
    return _at(places, high) - _at(places, low)


def _at(places: Sequence[Place], requests: float) -> float:
    """Return the count after *requests*, between two places by a straight line."""
    before = places[0]
    for place in places:
        if place.requests >= requests:
            width = place.requests - before.requests
            if width <= 0:
                return float(place.held)
            part = (requests - before.requests) / width
            return before.held + part * (place.held - before.held)
        before = place
    return float(places[-1].held)


def _may_saturate(run: Run, ratio: float) -> bool:
    """Return whether a finite stock of keys explains the growth as well as an endless one.

    With a stock of N keys drawn at random, the share of new ones after x draws is
    (1 - exp(-u)) / u with u = x / N, and the second half brings exp(-u / 2) of the first.
    """
    if run.is_whole:
        return False
    new = run.each / math.ceil(run.each)
    doubt = ratio * math.sqrt(4 / run.grown)
    return abs(ratio - 1) > abs(ratio - math.exp(-_turns(new) / 2)) or (
        1 - math.exp(-_turns(new) / 2) < SIGMAS * doubt
    )


def _turns(new: float) -> float:
    """Return u with (1 - exp(-u)) / u = *new*."""
    low, high = 1e-6, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - math.exp(-middle)) / middle > new else (low, middle)
    return low
