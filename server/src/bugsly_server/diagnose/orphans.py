"""Objects that are alive though nothing leads to them: whose fault that is, and what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bugsly.protocol.evidence import Heap, Orphans, Source
from bugsly_server.diagnose.culprits import find_maker
from bugsly_server.diagnose.driven import even_run, gain, one_to_one
from bugsly_server.diagnose.heap import Walked
from bugsly_server.diagnose.live import moved
from bugsly_server.diagnose.places import site
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.trace import Trace
from bugsly_server.model.units import count, size

MOST = 0.5
"""The part of a growth that objects have to account for to be its cause."""
SINCE_BOOT = 0.5
"""The part of what a life would have left behind at this pace that has to be there still."""
MOST_NAMED = 3
NATIVE_SURE = 0.85
CONCERNED = frozenset({Cause.CYCLES, Cause.NATIVE, Cause.UNKNOWN})


def with_orphans(rest: Diagnosis, one: Walked, sources: Mapping[str, Source]) -> Diagnosis:
    """Return *rest*, a growth without a holder, with the objects that no root leads to.

    With the collector on, such objects may only wait for it. They are leaked references where a
    collection took place and all of the life's are there all the same.
    """
    grown = [
        each
        for each in one.heap.orphans
        if any(
            even_run(one.life, shares, one.heap.requests, each.counts)
            for shares in (rest.shares, ())
        )
    ]
    if rest.cause not in CONCERNED:
        return rest
    if not grown:
        met = f"a walk of the heap met {count(one.heap.objects)} objects, and none that keeps more"
        found = () if rest.holder or one.heap.retainers else (met,)
        return replace(rest, because=(*rest.because, *found))
    told = replace(
        rest,
        because=(_fact(grown, one.heap), *rest.because),
        trace=rest.trace or _trace(grown, one.heap),
    )
    told = _made(told, grown, one, sources)
    if rest.cause is Cause.UNKNOWN and _are_leaked(grown, one):
        return replace(told, cause=Cause.NATIVE, is_leak=True, confidence=NATIVE_SURE)
    return told


def _made(
    rest: Diagnosis, grown: Sequence[Orphans], one: Walked, sources: Mapping[str, Source]
) -> Diagnosis:
    """Return *rest* with the endpoint whose requests make the objects, and the line that does."""
    rest = _driven(rest, grown, one)
    if not rest.endpoint or (rest.site and rest.cause is not Cause.CYCLES):
        return rest
    types = [each.type for each in grown if "." in each.type or not rest.site]
    kinds = [kind.rpartition(".")[2] for kind in types]
    made = (find_maker(kind, rest.endpoint, sources.values()) for kind in kinds)
    found = next((maker for maker in made if maker is not None), None)
    if found is None:
        return rest
    return replace(rest, site=site(found.source, found.line), file=found.source.file)


def _driven(rest: Diagnosis, grown: Sequence[Orphans], one: Walked) -> Diagnosis:
    """Return *rest* with the endpoint each request of which left a whole number of objects.

    That is surer than which requests memory seems to grow with.
    """
    at, gained = one.heap.requests, moved(one.life)
    seen = sum(gain(each.bytes) for each in grown) / gain(at)
    exact = ((each, one_to_one(one.life, at, each.counts)) for each in grown)
    orphans, shares = next(((each, found) for each, found in exact if found), (None, ()))
    if orphans is None or shares[0].endpoint == rest.endpoint:
        return rest
    rarer = shares[0].slope * gain(at) / gain(orphans.counts)
    whole = gained.anonymous / max(1, gained.requests) if gained is not None else 0.0
    weight = rarer * max(seen, whole)
    driver = replace(shares[0], slope=weight, low=weight, high=weight)
    return replace(rest, endpoint=driver.endpoint, shares=(driver,), bytes_per_request=weight)


def _are_leaked(grown: Sequence[Orphans], one: Walked) -> bool:
    """Return whether a collection left these objects alone, which are most of the growth."""
    gained = moved(one.life)
    if gained is None:
        return False
    requests = one.heap.requests
    each = sum(gain(orphans.bytes) for orphans in grown) / gain(requests)
    collected = any(trim.garbage >= 0 for trim in one.life.trims)
    remain = all(
        orphans.counts[0] >= SINCE_BOOT * gain(orphans.counts) / gain(requests) * requests[0]
        for orphans in grown
    )
    return collected and remain and each >= MOST * gained.anonymous / max(1, gained.requests)


def _fact(grown: Sequence[Orphans], heap: Heap) -> str:
    named = [f"{count(one.counts[-1])} × {one.type}" for one in grown[:MOST_NAMED]]
    gained = sum(gain(one.counts) for one in grown)
    over = f"{count(gain(heap.requests))} requests"
    return (
        f"nothing leads to {', '.join(named)} ({size(sum(one.bytes[-1] for one in grown))}), which"
        f" are alive all the same: {count(gained)} more over {over}"
    )


def _trace(grown: Sequence[Orphans], heap: Heap) -> Trace:
    return Trace(
        hops=(),
        requests=heap.requests,
        counts=tuple(map(sum, zip(*(one.counts for one in grown), strict=True))),
        bytes=sum(one.bytes[-1] for one in grown),
        entry=grown[0].type,
        types={one.type: one.counts[-1] for one in grown},
        objects=heap.objects,
        pause=heap.pause,
    )
