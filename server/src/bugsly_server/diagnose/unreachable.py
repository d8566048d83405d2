"""Adds the objects that are alive although no root leads to them to a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly.protocol.evidence import HeapGrowth, UnreachableObjects
from bugsly_server.diagnose.heap.heap_attribution import GrowingUnreachable
from bugsly_server.diagnose.heap.heap_holders import total_gain
from bugsly_server.diagnose.heap.walked_heap import WalkedHeap
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.source_analysis.source_locations import locate_constructor
from bugsly_server.model.diagnosis import Cause, Diagnosis, EndpointAttribution, SourceLocation
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
    if diagnosis.cause not in CONCERNED_CAUSES:
        return diagnosis
    drivers = {diagnosis.attribution.shares, ()}
    growing = [one for one in walked.unreachable if drivers & one.even_with]
    evidence = diagnosis.evidence
    if not growing:
        return replace(
            diagnosis,
            evidence=replace(
                evidence, reasons=(*evidence.reasons, *_reasons_against(diagnosis, walked.heap))
            ),
        )
    objects = [one.objects for one in growing]
    is_leaked = diagnosis.cause is Cause.UNKNOWN and _are_leaked(objects, walked)
    explained = replace(
        _with_exact_endpoint(diagnosis, growing, walked),
        cause=Cause.NATIVE if is_leaked else diagnosis.cause,
        is_leak=is_leaked or diagnosis.is_leak,
        evidence=replace(
            evidence,
            confidence=NATIVE_CONFIDENCE if is_leaked else evidence.confidence,
            reasons=(_reason(objects, walked.heap), *evidence.reasons),
            heap_path=evidence.heap_path or _heap_path(objects, walked.heap),
        ),
    )
    return replace(explained, location=_constructor_location(explained, objects, sources))


def _reasons_against(diagnosis: Diagnosis, heap: HeapGrowth) -> tuple[str, ...]:
    """Return what speaks against objects that nothing leads to, where none grew."""
    if diagnosis.holder is not None or heap.retainers:
        return ()
    return (f"a walk of the heap met {count(heap.objects)} objects, and none that keeps more",)


def _constructor_location(
    diagnosis: Diagnosis, growing: Sequence[UnreachableObjects], sources: SourceIndex
) -> SourceLocation:
    """Return the line that creates the objects, or the location of *diagnosis* itself."""
    endpoint, known = diagnosis.attribution.endpoint, diagnosis.location
    if not endpoint or (known.site and diagnosis.cause is not Cause.CYCLES):
        return known
    types = [each.type for each in growing if "." in each.type or not known.site]
    names = [one.rpartition(".")[2] for one in types]
    location = locate_constructor(names, endpoint, sources)
    return known if location is None else replace(location, unread_module=known.unread_module)


def _with_exact_endpoint(
    diagnosis: Diagnosis, growing: Sequence[GrowingUnreachable], walked: WalkedHeap
) -> Diagnosis:
    """Return *diagnosis* with the endpoint that leaves a whole number of objects per request.

    That is more certain than the endpoint with which memory seems to grow.
    """
    at_requests, gained = walked.heap.requests, walked.gain
    seen_per_request = sum(total_gain(one.objects.bytes) for one in growing) / total_gain(
        at_requests
    )
    exact = next((one for one in growing if one.one_to_one), None)
    if exact is None or exact.one_to_one[0].endpoint == diagnosis.attribution.endpoint:
        return diagnosis
    share, objects = exact.one_to_one[0], exact.objects
    requests_per_driven = share.slope * total_gain(at_requests) / total_gain(objects.counts)
    growth_rate = gained.private_bytes / max(1, gained.requests) if gained is not None else 0.0
    bytes_per_request = requests_per_driven * max(seen_per_request, growth_rate)
    driver = replace(share, slope=bytes_per_request, low=bytes_per_request, high=bytes_per_request)
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
