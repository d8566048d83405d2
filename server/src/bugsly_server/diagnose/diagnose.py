"""Diagnoses why the workers of one application grow, from all evidence about them."""

from __future__ import annotations

from collections.abc import Collection

from bugsly_server.diagnose.buffered_responses import diagnose_buffered_responses
from bugsly_server.diagnose.duplicates import merge_duplicates, merge_unattributed
from bugsly_server.diagnose.growth.holder_growth import measure_holder_growth
from bugsly_server.diagnose.growth.memory_growth import measure_memory_growth
from bugsly_server.diagnose.growth.process_gauges import add_process_gauges
from bugsly_server.diagnose.heap.walked_heap import read_walked_heap
from bugsly_server.diagnose.heap_diagnoses import diagnose_heap_holders
from bugsly_server.diagnose.holder_diagnoses import diagnose_holders
from bugsly_server.diagnose.holder_sources import gather_holder_sources
from bugsly_server.diagnose.known_leaks import recognise_known_leak
from bugsly_server.diagnose.slight_leaks import downgrade_trifle
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.source_analysis.source_locations import locate_causes
from bugsly_server.diagnose.unattributed import diagnose_unattributed
from bugsly_server.diagnose.walk_evidence import revise_by_walk
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence


def diagnose(evidence: LeakEvidence, growing_ids: Collection[int]) -> tuple[Diagnosis, ...]:
    """Return why the workers of *evidence* grow, the cause that accounts for most first.

    The memory of the workers *growing_ids* surely grows. A holder that gains entries with every
    request is named before memory shows it. What stops by itself is named too, and is no leak.
    Without evidence the only diagnosis is `unknown`; where nothing grows there is none.
    """
    evidence = add_process_gauges(evidence)
    sources = SourceIndex(evidence.sources, evidence.holders)
    memory = measure_memory_growth(evidence, growing_ids)
    growths = measure_holder_growth(evidence, sources.capacity_limits, memory)
    walked = read_walked_heap(evidence, memory, growths)
    holder_sources = gather_holder_sources(growths, walked, sources)
    is_gc_enabled = not evidence.is_gc_disabled
    counted = diagnose_holders(growths, holder_sources, memory, is_gc_enabled=is_gc_enabled)
    walked_only = diagnose_heap_holders(walked, holder_sources, is_gc_enabled=is_gc_enabled)
    buffered = diagnose_buffered_responses(evidence)
    found = locate_causes([*counted.leaks, *walked_only], holder_sources, sources)
    guesses = locate_causes(counted.guesses, holder_sources, sources)
    wasteful = locate_causes(buffered, holder_sources, sources)
    leaks = [
        revise_by_walk(downgrade_trifle(leak, memory), walked, sources)
        for leak in merge_duplicates([recognise_known_leak(one, evidence) for one in found])
    ]
    unattributed = diagnose_unattributed(evidence, memory, [*leaks, *counted.stopping])
    if unattributed is not None:
        unattributed = recognise_known_leak(revise_by_walk(unattributed, walked, sources), evidence)
    endless = merge_unattributed([*leaks, *guesses], unattributed)
    return (*endless, *counted.stopping, *wasteful)
