"""What a holder of a walked heap stands for: its cause, its line, what it keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, Holder, ModuleSource
from bugsly_server.diagnose.causes import REQUEST_KEEPING_TYPES, REUSABLE_TYPES, classify_cause
from bugsly_server.diagnose.growth.growth_pattern import LifeGrowth
from bugsly_server.diagnose.heap.heap_attribution import GrowthDriver, total_gain
from bugsly_server.diagnose.heap.holder_paths import (
    find_source,
    holder_name,
    library_folder,
    owner_modules,
)
from bugsly_server.diagnose.source_analysis.source_locations import locate_write
from bugsly_server.diagnose.source_analysis.write_sites import (
    WriteSite,
    analyse_usage,
    choose_write_site,
)
from bugsly_server.diagnose.unattributed import is_gc_disabled
from bugsly_server.model.diagnosis import (
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
)
from bugsly_server.model.heap_path import HeapPath
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.units import count, size

BOUNDED_TYPES = re.compile(r"(?i)(deque|cache|cache_wrapper|lru|ttl|queue|pool|ring)$")
"""Ends of types that often have a bound, which a walk does not see."""
BOUND_KEYWORDS = re.compile(r"maxlen|maxsize|max_size")
MIN_OBJECTS_PER_ENTRY = 0.5
"""Objects of a type per entry, from which they are what an entry is made of."""
GUESS_CONFIDENCE = 0.4
"""Confidence in a holder that may have a bound."""
REMOVAL_DOUBT = 0.15
"""What is less sure where the source also takes entries out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingHeapHolder:
    """A retainer that gained with requests."""

    heap_holder: HeapHolder
    growth: LifeGrowth
    """Over the requests that drive it: of entries, or of bytes where it grows by those alone."""
    driver: GrowthDriver
    part: float | None
    """Of the growth of the workers' memory; None where none surely grows."""


class HeapHolderUsage(NamedTuple):
    """What the sources say of a holder."""

    write_site: WriteSite | None = None
    source: ModuleSource | None = None
    """The one with the feed in it."""
    missing_module: str = ""
    """A module whose source may say more, and was not asked for yet."""
    is_bounded: bool = False
    """Whether it has a bound."""
    removes_entries: bool = False
    """Whether entries are taken out somewhere."""


def find_usage(growing: GrowingHeapHolder, sources: Mapping[str, ModuleSource]) -> HeapHolderUsage:
    """Return what the source of its owners, or of the module it hangs on, says of a holder."""
    usage = HeapHolderUsage()
    for module, path in owner_modules(growing.heap_holder):
        source = find_source(module, sources)
        if source is None:
            usage = usage._replace(missing_module=usage.missing_module or module)
        if source is None or not source.text:
            continue
        in_source = analyse_usage(source.text, path, source.module)
        has_bound_keyword = (
            _may_be_bounded(growing.heap_holder) and BOUND_KEYWORDS.search(source.text) is not None
        )
        usage = usage._replace(
            is_bounded=usage.is_bounded
            or in_source.capacity_limit is not None
            or has_bound_keyword,
            removes_entries=usage.removes_entries or in_source.removes_entries,
        )
        if in_source.write_sites and usage.write_site is None:
            write_site = choose_write_site(in_source.write_sites, growing.driver.endpoint)
            usage = usage._replace(write_site=write_site, source=source)
    return usage if usage.write_site is None else usage._replace(missing_module="")


def diagnose_heap_holder(
    growing: GrowingHeapHolder, usage: HeapHolderUsage, heap: HeapGrowth, evidence: LeakEvidence
) -> Diagnosis:
    """Return the diagnosis of a holder that goes on growing."""
    heap_holder, growth, shares = growing.heap_holder, growing.growth, growing.driver.shares
    endpoint = growing.driver.endpoint
    source_file = usage.source.file if usage.source is not None else usage.missing_module
    holder = Holder(
        name=holder_name(heap_holder),
        kind=heap_holder.hops[-1].type,
        entry=entry_type(heap_holder),
        file=source_file,
        library=library_folder(source_file),
    )
    symptom = growing.driver.symptom
    companions = [symptom.holder] if symptom is not None else []
    cause = classify_cause(
        holder, usage.write_site, companions, is_gc_enabled=not is_gc_disabled(evidence)
    )
    location = locate_write(holder, usage.write_site, cause, endpoint, evidence.sources)
    return Diagnosis(
        cause=cause,
        is_leak=True,
        growth=DiagnosedGrowth(
            bytes_per_request=total_gain(heap_holder.retained) / growth.requests,
            part=1.0 if growing.part is None else min(1.0, growing.part),
            bytes=heap_holder.retained[-1],
        ),
        evidence=DiagnosisEvidence(
            confidence=_confidence(growing, usage, endpoint),
            reasons=tuple(_reasons(growing, heap)),
            falsifiers=("it is emptied, or reaches a bound, later than was watched",),
            worker_ids=growing.driver.workers,
            heap_path=heap_path_of(heap_holder, heap),
        ),
        holder=DiagnosedHolder(
            name=holder.name,
            kind=None,
            library=holder.library or None,
            entries=heap_holder.counts[-1],
            entries_per_request=total_gain(heap_holder.counts) / growth.requests,
            bound_bytes=None,
            symptom=symptom.holder.name if symptom is not None else None,
            removes_entries=False,
            has_unique_keys=False,
        ),
        location=location,
        attribution=EndpointAttribution(endpoint=endpoint, shares=shares),
    )


def heap_path_of(heap_holder: HeapHolder, heap: HeapGrowth) -> HeapPath:
    """Return the way to a holder."""
    return HeapPath(
        hops=heap_holder.hops,
        requests=heap.requests,
        counts=heap_holder.counts,
        bytes=heap_holder.retained[-1],
        entry=entry_type(heap_holder),
        types=heap_holder.types,
        objects=heap.objects,
        pause=heap.pause,
    )


def entry_type(heap_holder: HeapHolder) -> str:
    """Return the type that tells most of what a holder keeps, one object to an entry if may be.

    Empty where none is kept in number.
    """
    minimum = MIN_OBJECTS_PER_ENTRY * total_gain(heap_holder.counts)
    nearest = sorted(
        heap_holder.types, key=lambda name: abs(heap_holder.types[name] - heap_holder.counts[-1])
    )
    frequent = [name for name in nearest if heap_holder.types[name] >= minimum]
    telling = [
        name
        for name in frequent
        if REQUEST_KEEPING_TYPES.search(name) or REUSABLE_TYPES.search(name)
    ]
    dotted = [name for name in frequent if "." in name]
    return next(iter([*telling, *dotted, *frequent]), "")


def _may_be_bounded(heap_holder: HeapHolder) -> bool:
    return any(BOUNDED_TYPES.search(hop.type) for hop in heap_holder.hops[-2:])


def _confidence(growing: GrowingHeapHolder, usage: HeapHolderUsage, endpoint: str | None) -> float:
    """Return how sure it is, from how much was seen and from what agrees with it."""
    if _may_be_bounded(growing.heap_holder) and (usage.write_site is None or usage.removes_entries):
        return GUESS_CONFIDENCE
    seen = total_gain(growing.heap_holder.counts) or growing.growth.requests
    doubt = 0.5 / math.sqrt(max(1.0, seen / 40))
    doubt *= 0.6 if usage.write_site is not None or growing.driver.symptom is not None else 1.0
    doubt *= 0.7 if endpoint else 1.0
    doubt += REMOVAL_DOUBT if usage.removes_entries else 0.0
    return round(max(0.05, min(0.97, 1 - doubt)), 2)


def _reasons(growing: GrowingHeapHolder, heap: HeapGrowth) -> list[str]:
    heap_holder, snapshots = growing.heap_holder, len(heap.requests)
    gained = f"{count(total_gain(heap_holder.counts))} entries over {count(total_gain(heap.requests))} requests"
    reasons = [
        heap_path_of(heap_holder, heap).describe(holder_name(heap_holder)),
        f"it gained {gained}, and more in each of {snapshots} snapshots of the heap",
    ]
    if growing.part is not None:
        reasons.append(f"that is {min(1.0, growing.part):.0%} of what the worker's memory gained")
    if growing.driver.symptom is not None:
        reasons.append(f"{growing.driver.symptom.holder.name} gain as many")
    reasons.append(f"{count(heap.objects)} objects were walked, {size(heap.bytes)} in all")
    return reasons
