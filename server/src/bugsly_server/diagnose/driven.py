"""Which requests drive what a walked heap holds ever more of, and what else says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bugsly_server.diagnose.echoes import SYMPTOMS, are_alike
from bugsly_server.diagnose.gauges import GAUGED
from bugsly_server.diagnose.remainder import moved, stretches
from bugsly_server.diagnose.shares import Stretch, endpoint_of, requests_of, share
from bugsly_server.diagnose.steady import OF_ENTRIES, Course, Run
from bugsly_server.diagnose.tracks import Track
from bugsly_server.model.diagnosis import Share
from bugsly_server.model.dossier import Dossier, Life

SNAPSHOTS = 3
"""Two are no course."""
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
    rates = [
        (later - earlier) / max(1, until - since)
        for (earlier, later), (since, until) in zip(pairwise(held), pairwise(driving), strict=True)
    ]
    if min(rates) <= 0 or min(rates) < EVENLY * max(rates):
        return None
    return Run(Course.STEADY, gain(held), max(1, gain(driving)), held[-1])


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
    def of(cls, dossier: Dossier, growing: Collection[int], tracks: Iterable[Track]) -> Drivers:
        """Return them."""
        lives = [life for life in dossier.lives if life.worker_id in growing]
        gains = [gain for life in lives if (gain := moved(life)) and gain.anonymous > 0]
        requests = sum(gain.requests for gain in gains)
        return cls(
            memory=sum(gain.anonymous for gain in gains) / requests if requests else 0.0,
            shares=share(stretches(lives)),
            workers=tuple(life.worker_id for life in lives),
            steady=tuple(one for one in tracks if one.course is Course.STEADY and one.requests),
        )

    def of_rate(self, each: float) -> list[Driver]:
        """Return what may drive a holder that gains *each* entries with any request, likely first.

        What memory grows with need not be what one holder grows with.
        """
        alike = [one for one in self.steady if are_alike(each, one.entries / one.requests)]
        echo = next((one for one in alike if not _is_left_behind(one)), None)
        symptom = next((one for one in alike if _is_left_behind(one)), None)
        if symptom is not None:
            return [
                Driver(
                    shares=symptom.shares,
                    endpoint=endpoint_of(symptom.shares) or symptom.holder.endpoint,
                    symptom=symptom,
                    echo=echo,
                    workers=symptom.growing,
                )
            ]
        return [
            Driver(
                shares=shares,
                endpoint=endpoint_of(shares),
                symptom=None,
                echo=echo,
                workers=self.workers,
            )
            for shares in (self.shares, ())
        ]


def _is_left_behind(track: Track) -> bool:
    return track.holder.name.startswith(SYMPTOMS) or track.holder.name in GAUGED


def gain(numbers: Sequence[int]) -> int:
    """Return what was gained from the first snapshot to the last."""
    return numbers[-1] - numbers[0]
