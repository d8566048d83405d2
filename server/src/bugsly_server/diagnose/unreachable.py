"""Adds the objects that are alive although no root leads to them to a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly.protocol.evidence import HeapGrowth, UnreachableObjects
from bugsly_server.diagnose.diagnosis_revisions import (
    with_confidence,
    with_heap_path,
    with_reasons,
)
from bugsly_server.diagnose.heap.heap_attribution import (
    find_one_to_one_endpoint,
    judge_even_growth,
)
from bugsly_server.diagnose.heap.heap_holders import total_gain
from bugsly_server.diagnose.heap.walked_heap import WalkedHeap
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.model.diagnosis import Cause, Diagnosis, EndpointAttribution
from bugsly_server.model.heap_path import HeapPath
from bugsly_server.model.units import count, size

MIN_DECISIVE_PART = 0.5
"""The part of a growth that objects have to account for to be its cause."""
MIN_REMAINING_PART = 0.5
"""The part of the objects created at this pace since the start that must still be alive."""
MAX_NAMED_TYPES = 3
NATIVE_CONFIDENCE = 0.85
CONCERNED_CAUSES = frozenset({Cause.CYCLES, Cause.NATIVE, Cause.UNKNOWN})


def add_unreachable_objects(
    diagnosis: Diagnosis, walked: WalkedHeap, sources: SourceIndex
) -> Diagnosis:
    """Return *diagnosis* with the growing objects that no root leads to.

    While the collector is on, such objects may only be waiting for it. They are leaked references
    where a collection took place and did not free them.
    """
    growing = [
        each
        for each in walked.heap.orphans
        if any(
            judge_even_growth(walked.history, shares, walked.heap.requests, each.counts)
            for shares in (diagnosis.attribution.shares, ())
        )
    ]
    if diagnosis.cause not in CONCERNED_CAUSES:
        return diagnosis
    if not growing:
        reason = (
            f"a walk of the heap met {count(walked.heap.objects)} objects, and none that keeps more"
        )
        found = () if diagnosis.holder is not None or walked.heap.retainers else (reason,)
        return with_reasons(diagnosis, last=found)
    heap_path = diagnosis.evidence.heap_path or _heap_path(growing, walked.heap)
    explained = with_heap_path(
        with_reasons(diagnosis, first=[_reason(growing, walked.heap)]), heap_path
    )
    explained = _with_constructor(explained, growing, walked, sources)
    if diagnosis.cause is Cause.UNKNOWN and _are_leaked(growing, walked):
        leak = replace(explained, cause=Cause.NATIVE, is_leak=True)
        return with_confidence(leak, NATIVE_CONFIDENCE)
    return explained


def _with_constructor(
    diagnosis: Diagnosis,
    growing: Sequence[UnreachableObjects],
    walked: WalkedHeap,
    sources: SourceIndex,
) -> Diagnosis:
    """Return *diagnosis* with the endpoint and the line that create the objects."""
    diagnosis = _with_exact_endpoint(diagnosis, growing, walked)
    endpoint, site = diagnosis.attribution.endpoint, diagnosis.location.site
    if not endpoint or (site and diagnosis.cause is not Cause.CYCLES):
        return diagnosis
    types = [each.type for each in growing if "." in each.type or not site]
    names = [one.rpartition(".")[2] for one in types]
    location = sources.locate_constructor(names, endpoint)
    if location is None:
        return diagnosis
    unread = diagnosis.location.unread_module
    return replace(diagnosis, location=replace(location, unread_module=unread))


def _with_exact_endpoint(
    diagnosis: Diagnosis, growing: Sequence[UnreachableObjects], walked: WalkedHeap
) -> Diagnosis:
    """Return *diagnosis* with the endpoint that leaves a whole number of objects per request.

    That is more certain than the endpoint with which memory seems to grow.
    """
    at_requests, gained = walked.heap.requests, walked.gain
    seen_per_request = sum(total_gain(each.bytes) for each in growing) / total_gain(at_requests)
    exact = (
        (each, find_one_to_one_endpoint(walked.history, at_requests, each.counts))
        for each in growing
    )
    orphans, shares = next(((each, found) for each, found in exact if found), (None, ()))
    if orphans is None or shares[0].endpoint == diagnosis.attribution.endpoint:
        return diagnosis
    requests_per_driven = shares[0].slope * total_gain(at_requests) / total_gain(orphans.counts)
    growth_rate = gained.private_bytes / max(1, gained.requests) if gained is not None else 0.0
    bytes_per_request = requests_per_driven * max(seen_per_request, growth_rate)
    driver = replace(
        shares[0], slope=bytes_per_request, low=bytes_per_request, high=bytes_per_request
    )
    return replace(
        diagnosis,
        attribution=EndpointAttribution(endpoint=driver.endpoint, shares=(driver,)),
        growth=replace(diagnosis.growth, bytes_per_request=bytes_per_request),
    )


def _are_leaked(growing: Sequence[UnreachableObjects], walked: WalkedHeap) -> bool:
    """Return whether a collection did not free these objects, and they are most of the growth."""
    gained = walked.gain
    if gained is None:
        return False
    requests = walked.heap.requests
    bytes_per_request = sum(total_gain(orphans.bytes) for orphans in growing) / total_gain(requests)
    was_collected = any(trim.garbage >= 0 for trim in walked.history.trims)
    are_all_there = all(
        orphans.counts[0]
        >= MIN_REMAINING_PART * total_gain(orphans.counts) / total_gain(requests) * requests[0]
        for orphans in growing
    )
    return (
        was_collected
        and are_all_there
        and bytes_per_request >= MIN_DECISIVE_PART * gained.private_bytes / max(1, gained.requests)
    )


def _reason(growing: Sequence[UnreachableObjects], heap: HeapGrowth) -> str:
    named = [f"{count(one.counts[-1])} × {one.type}" for one in growing[:MAX_NAMED_TYPES]]
    gained = sum(total_gain(one.counts) for one in growing)
    over = f"{count(total_gain(heap.requests))} requests"
    kept = size(sum(one.bytes[-1] for one in growing))
    return (
        f"nothing leads to {', '.join(named)} ({kept}), which are alive all the same:"
        f" {count(gained)} more over {over}"
    )


def _heap_path(growing: Sequence[UnreachableObjects], heap: HeapGrowth) -> HeapPath:
    return HeapPath(
        hops=(),
        requests=heap.requests,
        counts=tuple(map(sum, zip(*(one.counts for one in growing), strict=True))),
        bytes=sum(one.bytes[-1] for one in growing),
        entry=growing[0].type,
        types={one.type: one.counts[-1] for one in growing},
        objects=heap.objects,
        pause=heap.pause,
    )
