"""Says which places of a heap grow with the requests, from two to five snapshots of it.

A place is a suspect only if it gained in every interval, and about as much per request, of all or
of one endpoint; what is filled once or warms up drops out. Where all that grows lies below one
place, that one is told.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.groups import CYCLES, HELD, How, Walked
from bugsly.heap.places import CELL, Place, is_orphaned, name_of, places_of, step_name, types_below
from bugsly.probes.census.path import shortened
from bugsly.protocol.evidence import Hop, Orphans, Retainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bugsly.heap.places import Step, Way
    from bugsly.probes.traffic import Endpoint

EVENLY = 0.3
"""The least that the slowest interval gains per request, of what the fastest does."""
FEW, LITTLE = 8, 8_192
"""Objects, and bytes, that a place has to gain in all."""
MOST_RETAINERS, MOST_ORPHANS, MOST_TYPES = 20, 20, 6
MOST_ENDPOINTS = 8
MOSTLY = 0.7
"""Of what a place retains, the part with which one place below stands for it."""
OURS = "bugsly"


class Snapshot(NamedTuple):
    """One look at the heap, after so many *requests* of the worker."""

    requests: int
    walked: Walked
    served: Mapping[Endpoint, int] = MappingProxyType({})
    """Those of each endpoint."""


def grown(snapshots: Sequence[Snapshot]) -> tuple[Retainer, ...]:
    """Return the places that grew from each of the *snapshots* to the next, heaviest gain first."""
    drivers = _drivers(snapshots)
    looks = [places_of(one.walked) for one in snapshots]
    suspects = [
        place
        for way, place in looks[-1].items()
        if not is_orphaned(way)
        and _is_told(place)
        and _grows([look.get(way) for look in looks], drivers)
    ]
    found = [_retainer(place, looks) for place in suspects]
    found.sort(key=lambda one: one.retained[-1] - one.retained[0], reverse=True)
    return _distinct(found)


def heaviest(snapshot: Snapshot) -> tuple[Retainer, ...]:
    """Return the places that keep most, each where it branches out, heaviest first."""
    look = places_of(snapshot.walked)
    found = [
        place
        for way, place in look.items()
        if not is_orphaned(way) and _is_told(place) and _branches(place)
    ]
    found.sort(key=lambda place: place.retained, reverse=True)
    return _distinct([_retainer(place, [look]) for place in found[: 2 * MOST_RETAINERS]])


def orphans(snapshots: Sequence[Snapshot], *, collected: bool) -> tuple[Orphans, ...]:
    """Return types whose objects grow with the requests though no root leads to them.

    What cycles hold counts only where the collector had its turn before, or never has.
    """
    drivers = _drivers(snapshots)
    looks = [_by_type(one.walked, collected=collected) for one in snapshots]
    found = []
    for kind in looks[-1]:
        series = [look.get(kind, (0, 0)) for look in looks]
        counts, sizes = tuple(one[0] for one in series), tuple(one[1] for one in series)
        if len(snapshots) == 1 or _evenly(counts, drivers, FEW):
            found.append(Orphans(type=kind, counts=counts, bytes=sizes))
    found.sort(key=lambda one: one.bytes[-1] - one.bytes[0] or one.bytes[-1], reverse=True)
    return tuple(found[:MOST_ORPHANS])


def _by_type(walked: Walked, *, collected: bool) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for way, place in places_of(walked).items():
        if len(way) != 2 or way[0].text not in {HELD, CYCLES}:
            continue
        if way[0].text == HELD or collected:
            count, size = found[place.type]
            below = sum(one.shallow for one in place.below())
            found[place.type] = (count + place.count, size + place.shallow + below)
    return dict(found)


def _is_told(place: Place) -> bool:
    """Return whether *place* is worth a word: no cell, no root without entries, nothing of ours."""
    names = [place.root, *(name for step in place.way for name in (step.type, step.name))]
    ours = any(name == OURS or name.startswith(f"{OURS}.") for name in names)
    return (
        not ours and place.type != CELL and (len(place.way) > 1 or place.entries + place.names > 0)
    )


def _drivers(snapshots: Sequence[Snapshot]) -> list[list[int]]:
    """Return what a place may gain with: the requests of all endpoints, and of the busiest ones."""
    first, last = snapshots[0].served, snapshots[-1].served
    busiest = sorted(last, key=lambda name: last[name] - first.get(name, 0), reverse=True)
    of_one = [[one.served.get(name, 0) for one in snapshots] for name in busiest[:MOST_ENDPOINTS]]
    return [[one.requests for one in snapshots], *of_one]


def _grows(series: Sequence[Place | None], drivers: Sequence[Sequence[int]]) -> bool:
    """Return whether a place leads to more each time while there are not more such places."""
    counts = [0 if one is None else one.count for one in series]
    if _evenly(counts, drivers, FEW):
        return False
    holds = [0 if one is None else one.holds for one in series]
    sizes = [0 if one is None else one.shallow for one in series]
    return _evenly(holds, drivers, FEW) or _evenly(sizes, drivers, LITTLE)


def _evenly(counts: Sequence[int], drivers: Sequence[Sequence[int]], least: int) -> bool:
    """Return whether *counts* gained in every interval, about as much per request of a driver."""
    gains = [later - earlier for earlier, later in pairwise(counts)]
    if not gains or sum(gains) < least or min(gains) <= 0:
        return False
    for driver in drivers:
        rates = [
            gained / max(1, until - since)
            for gained, (since, until) in zip(gains, pairwise(driver), strict=True)
        ]
        if min(rates) >= EVENLY * max(rates):
            return True
    return False


def _branches(place: Place) -> bool:
    return not any(one.retained > MOSTLY * place.retained for one in place.children)


def _retainer(place: Place, looks: Sequence[dict[Way, Place]]) -> Retainer:
    series = [look.get(place.way) for look in looks]
    types = sorted(types_below(place).items(), key=lambda one: one[1], reverse=True)
    return Retainer(
        path=shortened(name_of(place.way)),
        hops=tuple(Hop(name=step_name(step), type=_type_of(step)) for step in place.way),
        counts=tuple(0 if one is None else one.holds for one in series),
        retained=tuple(0 if one is None else one.retained for one in series),
        types=dict(types[:MOST_TYPES]),
    )


def _type_of(step: Step) -> str:
    """Return the type of what a step leads to; a call that goes on is none of an object."""
    is_call = step.how is How.ROOT and step.type in {"", "frame"}
    return "call" if is_call else step.type


def _distinct(found: Iterable[Retainer]) -> tuple[Retainer, ...]:
    """Return the first of each path, as many as are worth telling."""
    by_path: dict[str, Retainer] = {}
    for one in found:
        by_path.setdefault(one.path, one)
    return tuple(by_path.values())[:MOST_RETAINERS]
