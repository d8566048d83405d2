"""Which requests drive what a walked heap holds ever more of, and what else says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bugsly_server.diagnose.echoes import are_alike
from bugsly_server.diagnose.gauges import GAUGED
from bugsly_server.diagnose.live import moved
from bugsly_server.diagnose.remainder import stretches
from bugsly_server.diagnose.shares import Stretch, drives, endpoint_of, requests_of, share
from bugsly_server.diagnose.steady import OF_ENTRIES, Course, Run
from bugsly_server.diagnose.tracks import Track
from bugsly_server.model.diagnosis import Share, shows_only
from bugsly_server.model.dossier import Dossier, Life

SNAPSHOTS = 3
"""Two are no course."""
NEARLY = 0.1
"""How far entries per request may lie from a whole number, since samples count the requests."""
EVENLY = 0.5
"""The least that the slowest interval gains per request, of what the fastest does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The requests that drive a growth."""

    shares: tuple[Share, ...]
    endpoint: str
    """The one that drives it, empty where none does."""
    symptom: Track | None
    """What is left behind as often, and was seen to grow for long."""
    echo: Track | None
    """A holder that the census knows, which gains as much with each request."""
    workers: tuple[int, ...]
    """Those that show it."""


def even_run(
    life: Life, shares: Sequence[Share], at: Sequence[int], held: Sequence[int]
) -> Run | None:
    """Return how something grew that held *held* when *life* had answered *at* requests.

    None where it did not gain in every interval, about as much with each request that drives it;
    or too little to tell, or in too few of them. That it goes on has to be known from elsewhere.
    """
    if len(held) < SNAPSHOTS or gain(held) < OF_ENTRIES.grown or gain(at) < OF_ENTRIES.requests:
        return None
    driving = [_driving(life, shares, requests) for requests in at]
    rates = _rates(held, driving)
    if min(rates) <= 0 or min(rates) < EVENLY * max(rates):
        return None
    return Run(Course.STEADY, gain(held), max(1, gain(driving)), held[-1])


def one_to_one(life: Life, at: Sequence[int], held: Sequence[int]) -> tuple[Share, ...]:
    """Return the endpoint each request of which brought as many entries, if there is one such."""
    found = matching(life, at, held)
    return tuple(found) if len(found) == 1 else ()


def matching(life: Life, at: Sequence[int], held: Sequence[int]) -> list[Share]:
    """Return the endpoints each request of which may have brought as many entries.

    Not even a handful of snapshots leave room for chance there; but endpoints that always come
    together cannot be told apart.
    """
    if len(held) < SNAPSHOTS:
        return []
    found = []
    for name in {name for step in life.steps for name in step.served}:
        share = Share(endpoint=name, slope=1.0, low=1.0, high=1.0, part=1.0)
        rates = _rates(held, [_driving(life, (share,), requests) for requests in at])
        if all(is_whole(rate) and round(rate) == round(rates[0]) for rate in rates):
            mean = sum(rates) / len(rates)
            found.append(replace(share, slope=mean, low=min(rates), high=max(rates)))
    return found


def is_whole(each: float) -> bool:
    """Return whether a request brings a whole number of entries, as far as can be told."""
    whole = round(each)
    return whole >= 1 and abs(each - whole) <= NEARLY * whole


def _rates(held: Sequence[int], driving: Sequence[int]) -> list[float]:
    return [
        (later - earlier) / max(1, until - since)
        for (earlier, later), (since, until) in zip(pairwise(held), pairwise(driving), strict=True)
    ]


def _driving(life: Life, shares: Sequence[Share], at: int) -> int:
    """Return how many driving requests *life* had answered when it had answered *at* of all."""
    answered, driving = 0, 0
    for step in life.steps:
        served = requests_of(Stretch(0.0, step.served, step.failed), shares)
        if step.requests >= at:
            part = (at - answered) / max(1, step.requests - answered)
            return driving + round(part * served)
        answered, driving = step.requests, driving + served
    return round(driving * at / max(1, answered))


def memory_gained(dossier: Dossier, growing: Collection[int]) -> float:
    """Return the bytes per request that *growing* workers gained; 0 where none surely grows."""
    lives = [life for life in dossier.lives if life.worker_id in growing]
    moves = [one for life in lives if (one := moved(life)) and one.anonymous > 0]
    requests = sum(one.requests for one in moves)
    return sum(one.anonymous for one in moves) / requests if requests else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers:
    """What is known of all that grows, in memory and by counts."""

    memory: float
    """Bytes per request that growing workers gain; 0 where none surely grows."""
    shares: tuple[Share, ...]
    """Of that growth."""
    workers: tuple[int, ...]
    """The growing ones."""
    steady: tuple[Track, ...]

    @classmethod
    def known(cls, dossier: Dossier, growing: Collection[int], tracks: Iterable[Track]) -> Drivers:
        """Return them."""
        lives = [life for life in dossier.lives if life.worker_id in growing]
        return cls(
            memory=memory_gained(dossier, growing),
            shares=share(stretches(lives)),
            workers=tuple(life.worker_id for life in lives),
            steady=tuple(one for one in tracks if one.course is Course.STEADY),
        )

    def of(self, life: Life, at: Sequence[int], held: Sequence[int]) -> list[Driver]:
        """Return what may drive a holder that held *held* at each of *at* requests, likely first.

        What memory grows with need not be what one holder grows with; and what is left behind is
        counted in bursts, so that the requests which drive that may be the wrong ones.
        """
        left = [one for one in self.steady if _is_left_behind(one)]
        ways = [one_to_one(life, at, held), self.shares, *(one.shares for one in left), ()]
        ways.sort(key=lambda shares: not drives(shares))
        found = [self._driver(life, at, held, shares) for shares in ways]
        return sorted(found, key=lambda one: one.symptom is None)

    def _driver(
        self, life: Life, at: Sequence[int], held: Sequence[int], shares: tuple[Share, ...]
    ) -> Driver:
        """Return what drives a holder where *shares* do."""
        each = gain(held) / max(1, gain([_driving(life, shares, one) for one in at]))
        alike = [one for one in self.steady if are_alike(each, one.per_request(shares))]
        echo = next((one for one in alike if not _is_left_behind(one)), None)
        symptom = next((one for one in alike if _is_left_behind(one)), None)
        endpoint = endpoint_of(shares)
        if symptom is None:
            workers = self.workers
        else:
            endpoint, workers = endpoint or symptom.holder.endpoint, symptom.growing
        return Driver(shares=shares, endpoint=endpoint, symptom=symptom, echo=echo, workers=workers)


def _is_left_behind(track: Track) -> bool:
    return shows_only(track.holder.kind) or track.holder.name in GAUGED


def gain(numbers: Sequence[int]) -> int:
    """Return what was gained from the first snapshot to the last."""
    return numbers[-1] - numbers[0]
