"""A holder over the lives of workers: how it grew, and with whose requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.shares import Stretch, joined, requests_of, share
from bugsly_server.diagnose.steady import (
    OF_ENTRIES,
    OF_RARE,
    OF_THINGS,
    Course,
    Least,
    Place,
    Run,
    judge_run,
)
from bugsly_server.model.diagnosis import Share
from bugsly_server.model.dossier import Dossier, Life, Step

WARM_UP = 0.08
"""The part of a life's requests that is left out where it is long enough."""
WARM_REQUESTS = 100
MOST_LIVES = 6
"""Those in which a holder grew most."""
MOST_STRETCHES = 48
"""Of one life: more would not tell more, and take longer."""
RARE = 10
"""Requests to one that drives a holder, from which on it is driven rarely."""
COUNTED = frozenset(
    {"thread", "handler", "receiver", "metric", "subclass", "connection", "survivor", "descriptor"}
    | {"engine", "callback", "outside"}
)
KEYED = frozenset({"dict", "set", "OrderedDict", "defaultdict", "lru_cache", "WeakValueDictionary"})
"""Kinds that keep nothing twice."""
PAIR = ": "


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What is to be said of one holder. Sizes are bytes."""

    holder: Holder
    shares: tuple[Share, ...]
    runs: Mapping[int, Run]
    """By id of the worker."""
    course: Course
    each: float
    """Entries per driving request."""
    gained: Mapping[int, int]
    """Bytes it gained, by id of the worker."""
    whole: Stretch
    """What all lives gained, and what was served meanwhile."""

    @property
    def entries(self) -> int:
        """Return how many entries it gained, in all lives."""
        return sum(run.grown for run in self.runs.values())

    def per_request(self, shares: Sequence[Share]) -> float:
        """Return how many entries it gained with each request that *shares* say drives it."""
        return self.whole.grown / max(1, requests_of(self.whole, shares))

    @property
    def largest(self) -> int:
        """Return what it holds where it holds the most."""
        return max((run.held for run in self.runs.values()), default=0)

    @property
    def is_rare(self) -> bool:
        """Return whether it is driven by one request in so many that it takes long to tell."""
        return sum(run.requests for run in self.runs.values()) * RARE <= sum(
            self.whole.served.values()
        )

    @property
    def is_hint(self) -> bool:
        """Return whether too few requests drove it to tell, each of which added to it."""
        if self.course is not Course.EARLY or self.holder.kind in COUNTED or is_keyed(self.holder):
            return False
        runs = [run for run in self.runs.values() if run.grown >= OF_THINGS.grown]
        return self.is_rare and bool(runs) and all(run.is_whole for run in runs)

    @property
    def growing(self) -> tuple[int, ...]:
        """Return the workers in which it grows steadily."""
        return tuple(one for one, run in self.runs.items() if run.course is Course.STEADY)


def follow(dossier: Dossier, bounds: Mapping[str, int]) -> list[Track]:
    """Return the tracks of all holders, heaviest first; *bounds* are those that the source told."""
    tracks = [
        _track(holder, dossier.lives, bounds.get(name)) for name, holder in dossier.holders.items()
    ]
    return sorted(
        (track for track in tracks if track is not None),
        key=lambda track: (-sum(track.gained.values()), -track.entries, track.holder.name),
    )


def _track(holder: Holder, lives: Sequence[Life], told: int | None) -> Track | None:
    grown = {life.worker_id: _grown(life, holder.name) for life in lives}
    most = sorted(lives, key=lambda life: -grown[life.worker_id])[:MOST_LIVES]
    if not most or grown[most[0].worker_id] < OF_THINGS.grown:
        return None
    stories = {life.worker_id: _story(life, holder.name) for life in most}
    stories = {worker: story for worker, story in stories.items() if story.stretches}
    if not stories:
        return None
    stretches = [one for story in stories.values() for one in story.stretches]
    shares = share(stretches)
    bound = holder.bound if holder.bound is not None else told
    whole, keyed = joined(stretches), is_keyed(holder)
    least = _least(holder, whole, shares, keyed=keyed)
    runs = {
        worker: judge_run(_places(story, shares), bound, keyed=keyed, least=least)
        for worker, story in stories.items()
    }
    return Track(
        holder=holder,
        shares=shares,
        runs=runs,
        course=_together(runs),
        each=_each(runs),
        gained={worker: max(0, run.grown) * holder.entry_bytes for worker, run in runs.items()},
        whole=whole,
    )


def is_keyed(holder: Holder) -> bool:
    """Return whether *holder* keeps nothing twice; of a mapping, an entry is a key and a value."""
    return holder.kind in KEYED or "dict" in holder.kind.lower() or PAIR in holder.entry


def _least(holder: Holder, whole: Stretch, shares: Sequence[Share], *, keyed: bool) -> Least:
    """Return how much has to be seen of *holder* before it is judged."""
    if holder.kind in COUNTED:
        return OF_THINGS
    is_rare = requests_of(whole, shares) * RARE <= whole.requests
    return OF_RARE if is_rare and not keyed else OF_ENTRIES


def _grown(life: Life, name: str) -> int:
    counts = [step.levels[name] for step in life.steps if name in step.levels]
    return counts[-1] - counts[0] if counts else 0


class _Story(NamedTuple):
    first: int
    """The count where the holder is first known."""
    stretches: Sequence[Stretch]
    """What happened from there on."""


def _story(life: Life, name: str) -> _Story:
    steps = _warm(life.steps)
    counted = sum(name in step.levels for step in steps)
    stride, seen = -(-counted // MOST_STRETCHES), 0
    first: int | None = None
    before = 0
    served: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    found: list[Stretch] = []
    for step in steps:
        served.update(step.served)
        failed.update(step.failed)
        count = step.levels.get(name)
        if count is None:
            continue
        seen += 1
        if first is not None and seen % stride and seen < counted:
            continue
        if first is None:
            first = count
        elif served:
            found.append(Stretch(count - before, dict(served), dict(failed)))
        before = count
        served.clear()
        failed.clear()
    return _Story(first or 0, found)


def _warm(steps: Sequence[Step]) -> Sequence[Step]:
    """Return *steps* without those of the warm-up."""
    if not steps:
        return steps
    until = min(WARM_REQUESTS, WARM_UP * steps[-1].requests)
    return [step for step in steps if step.requests > until]


def _places(story: _Story, shares: Sequence[Share]) -> list[Place]:
    places = [Place(0, story.first)]
    for one in story.stretches:
        requests = places[-1].requests + requests_of(one, shares)
        places.append(Place(requests, places[-1].held + round(one.grown)))
    return places


def _together(runs: Mapping[int, Run]) -> Course:
    """Return the course that the lives with the most requests agree on."""
    weights: Counter[Course] = Counter()
    for run in runs.values():
        if run.course not in {Course.EARLY, Course.STILL}:
            weights[run.course] += run.requests
    if not weights:
        courses = {run.course for run in runs.values()}
        return Course.EARLY if Course.EARLY in courses else Course.STILL
    return weights.most_common(1)[0][0]


def _each(runs: Mapping[int, Run]) -> float:
    requests = sum(run.requests for run in runs.values())
    return sum(run.grown for run in runs.values()) / requests if requests else 0.0
