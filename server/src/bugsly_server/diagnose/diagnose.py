"""From a dossier to its diagnoses, the one that accounts for most first."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bugsly_server.diagnose.buffered_responses import diagnose_buffered_responses
from bugsly_server.diagnose.causes import classify_cause
from bugsly_server.diagnose.diagnosis_revisions import with_confidence
from bugsly_server.diagnose.duplicates import (
    have_similar_rates,
    merge_duplicates,
    merge_unattributed,
)
from bugsly_server.diagnose.growth.endpoint_attribution import driving_endpoint
from bugsly_server.diagnose.growth.growth_pattern import GrowthPattern
from bugsly_server.diagnose.growth.holder_growth import (
    COUNTED_KINDS,
    HolderGrowth,
    is_keyed,
    measure_holder_growth,
)
from bugsly_server.diagnose.growth.live_bytes import memory_gain
from bugsly_server.diagnose.growth.process_gauges import add_process_gauges
from bugsly_server.diagnose.heap.heap_holders import GUESS_CONFIDENCE, REMOVAL_DOUBT
from bugsly_server.diagnose.heap.unreachable import add_unreachable_objects
from bugsly_server.diagnose.heap.walked_heap import (
    WalkedHeap,
    add_heap_path,
    diagnose_heap_holders,
    doubt_native_leak,
    latest_walked_heap,
)
from bugsly_server.diagnose.known_leaks import recognise_known_leak
from bugsly_server.diagnose.source_analysis.source_locations import locate_write
from bugsly_server.diagnose.source_analysis.source_lookup import SourcedUsage, look_up_usage
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite
from bugsly_server.diagnose.unattributed import diagnose_unattributed, is_gc_disabled
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
    SourceLocation,
)
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.units import count, size

MIN_NAMED_PART = 0.05
"""Of what all holders gained: less is not worth a line beside the rest."""
MAX_SLIGHT_BYTES_PER_REQUEST = 200.0
"""Bytes per request below which a library keeps too little for anybody to be called: it takes
five million requests to gain a gigabyte."""
STANDARD_LIBRARY_PREFIX = "python "
"""Begins the name of the standard library, which keeps what the application asks it to."""
MIN_FAST_BYTES_PER_REQUEST = 1_000.0
"""Bytes per request, from which on the memory of a worker says that it is no trifle."""
MIN_REQUESTS_TO_SHOW = 400
"""Requests after which a holder would have been seen."""


def diagnose(evidence: LeakEvidence, growing_ids: Collection[int]) -> tuple[Diagnosis, ...]:
    """Return why the workers of *evidence* grow; *growing_ids* are those whose memory surely does.

    A holder that gains entries with every request is named before memory shows it. What stops by
    itself is named too, and is no leak. Without evidence there is no diagnosis but `unknown`, and
    none at all where nothing grows.
    """
    evidence = add_process_gauges(evidence)
    looked_up = {
        name: look_up_usage(holder, evidence.sources) for name, holder in evidence.holders.items()
    }
    usages = {name: usage for name, usage in looked_up.items() if usage is not None}
    limits = {name: known_usage.usage.capacity_limit for name, known_usage in usages.items()}
    growths = measure_holder_growth(
        evidence, {name: limit for name, limit in limits.items() if limit is not None}
    )
    steady = [
        growth
        for growth in growths
        if growth.pattern is GrowthPattern.STEADY and growth.entries_per_request > 0
    ]
    stopping = [
        growth
        for growth in growths
        if growth.pattern in {GrowthPattern.BOUNDED, GrowthPattern.FILLING}
    ]
    gained_bytes = _gained_bytes(evidence, growing_ids)
    holder_diagnoses = [
        _diagnose_holder(growth, steady, usages, evidence, gained_bytes) for growth in steady
    ]
    walked = latest_walked_heap(evidence, growing_ids)
    heap_diagnoses = (
        diagnose_heap_holders(walked, evidence, growing_ids, growths) if walked is not None else []
    )
    leaks = merge_duplicates(
        [
            recognise_known_leak(diagnosis, evidence)
            for diagnosis in [*holder_diagnoses, *heap_diagnoses]
        ]
    )
    grows_fast = _grows_fast(evidence, growing_ids)
    diagnoses = leaks if grows_fast else [_downgrade_library_trifle(leak) for leak in leaks]
    if walked is not None:
        diagnoses = [
            add_unreachable_objects(add_heap_path(diagnosis, walked), walked, evidence.sources)
            for diagnosis in diagnoses
        ]
    hints = [growth for growth in growths if growth.is_hint and not growth.holder.library]
    diagnoses += [
        with_confidence(
            _diagnose_holder(growth, steady, usages, evidence, gained_bytes), GUESS_CONFIDENCE
        )
        for growth in hints
    ]
    bounded_diagnoses = [
        _diagnose_stopping_holder(growth, gained_bytes)
        for growth in stopping
        if _is_worth_naming(growth, gained_bytes)
    ]
    certain = [
        diagnosis for diagnosis in diagnoses if diagnosis.evidence.confidence > GUESS_CONFIDENCE
    ]
    explained_part = min(
        1.0, sum(diagnosis.growth.part for diagnosis in [*certain, *bounded_diagnoses])
    )
    unattributed = _diagnose_unattributed(
        evidence, growing_ids, explained_part, walked, is_something_stopping=bool(bounded_diagnoses)
    )
    if unattributed is not None:
        diagnoses = merge_unattributed(diagnoses, recognise_known_leak(unattributed, evidence))
    return (*diagnoses, *bounded_diagnoses, *diagnose_buffered_responses(evidence))


def _diagnose_unattributed(
    evidence: LeakEvidence,
    growing_ids: Collection[int],
    explained_part: float,
    walked: WalkedHeap | None,
    *,
    is_something_stopping: bool,
) -> Diagnosis | None:
    """Return the diagnosis of what holders leave unexplained, None where they may not.

    What still fills may weigh more than it seems to, and then nothing leaks below Python.
    """
    unattributed = diagnose_unattributed(
        evidence, list(growing_ids), explained_part, was_watched=_is_watched_long_enough(evidence)
    )
    if unattributed is None or (unattributed.cause is Cause.NATIVE and is_something_stopping):
        return None
    if walked is None:
        return unattributed
    return add_unreachable_objects(
        doubt_native_leak(unattributed, walked, evidence, growing_ids), walked, evidence.sources
    )


def _downgrade_library_trifle(diagnosis: Diagnosis) -> Diagnosis:
    """Return *diagnosis*, no longer called a leak where it is slight, a library's, and nobody's issue."""
    is_slight = (
        0 < diagnosis.growth.bytes_per_request < MAX_SLIGHT_BYTES_PER_REQUEST
        and diagnosis.known_leak is None
    )
    is_third_party = diagnosis.library is not None and not diagnosis.library.startswith(
        STANDARD_LIBRARY_PREFIX
    )
    return replace(diagnosis, is_leak=False) if is_slight and is_third_party else diagnosis


def _grows_fast(evidence: LeakEvidence, growing_ids: Collection[int]) -> bool:
    """Return whether memory says that something weighs more than a trifle."""
    gains = [
        memory_gain(history) for history in evidence.histories if history.worker_id in growing_ids
    ]
    return any(
        gain.private_bytes >= MIN_FAST_BYTES_PER_REQUEST * gain.requests
        for gain in gains
        if gain is not None
    )


def _diagnose_holder(
    growth: HolderGrowth,
    steady: Sequence[HolderGrowth],
    usages: Mapping[str, SourcedUsage],
    evidence: LeakEvidence,
    gained_bytes: Mapping[int, int],
) -> Diagnosis:
    holder = growth.holder
    endpoint = driving_endpoint(growth.shares) or holder.endpoint or None
    sourced = usages.get(holder.name)
    write_site, write_file = (sourced and sourced.write_site_for(endpoint)) or (None, holder.file)
    companions = [
        other.holder for other in steady if other is not growth and _grow_together(other, growth)
    ]
    cause = classify_cause(
        holder, write_site, companions, is_gc_enabled=not is_gc_disabled(evidence)
    )
    written_holder = replace(holder, file=write_file)
    location = locate_write(written_holder, write_site, cause, endpoint, evidence.sources)
    return Diagnosis(
        cause=cause,
        is_leak=True,
        growth=_diagnosed_growth(growth, gained_bytes),
        evidence=DiagnosisEvidence(
            confidence=_confidence(growth, sourced, endpoint),
            reasons=tuple(_reasons(growth, write_site, companions, endpoint)),
            falsifiers=tuple(_falsifiers(growth)),
            worker_ids=growth.steady_workers,
        ),
        holder=DiagnosedHolder(
            name=holder.name,
            kind=holder.kind or None,
            library=holder.library or None,
            entries=growth.max_entries,
            entries_per_request=growth.entries_per_request,
            bound_bytes=None,
            symptom=None,
            removes_entries=sourced is not None and sourced.usage.removes_entries,
            has_unique_keys=is_keyed(holder),
        ),
        location=replace(
            location, unread_module=sourced.missing_module if sourced is not None else None
        ),
        attribution=EndpointAttribution(endpoint=endpoint, shares=growth.shares),
    )


def _diagnosed_growth(growth: HolderGrowth, gained_bytes: Mapping[int, int]) -> DiagnosedGrowth:
    return DiagnosedGrowth(
        bytes_per_request=growth.entries_per_request * growth.holder.entry_bytes,
        part=_growth_part(growth, gained_bytes),
        bytes=growth.max_entries * growth.holder.entry_bytes,
    )


def _reasons(
    growth: HolderGrowth,
    write_site: WriteSite | None,
    companions: Sequence[object],
    endpoint: str | None,
) -> list[str]:
    holder = growth.holder
    requests = sum(run.requests for run in growth.by_worker.values())
    of_endpoint = f" of {endpoint}" if endpoint else ""
    gained = f"gained {count(growth.gained_entries)} entries over {count(requests)} requests{of_endpoint}"
    rate = (
        f"{_format_rate(growth.entries_per_request)} each, as fast at the end as at the beginning"
    )
    reasons = [f"{holder.name} {gained}: {rate}"]
    if holder.kind not in COUNTED_KINDS:
        reasons.append("nothing bounds it")
    if holder.entry_bytes:
        entry = f" ({holder.entry})" if holder.entry else ""
        reasons.append(f"one of its newest entries{entry} weighs about {size(holder.entry_bytes)}")
    if holder.removed:
        reasons.append(f"{count(holder.removed)} entries were seen to leave")
    if write_site is not None:
        where = f", in {write_site.function}()" if write_site.function else ""
        reasons.append(f"line {write_site.line} of its module adds to it{where}")
    reasons += [f"{name}: {count(number)}" for name, number in holder.details.items()]
    if companions:
        reasons.append(f"{len(companions)} more grow with the same requests")
    return reasons


def _falsifiers(growth: HolderGrowth) -> list[str]:
    falsifiers = ["its number of entries stops growing while requests go on"]
    if growth.shares and growth.shares[0].together:
        falsifiers.append(
            f"requests of {growth.shares[0].endpoint} and {', '.join(growth.shares[0].together)}"
            " come apart, and it follows the others"
        )
    if growth.holder.library:
        falsifiers.append(
            f"{growth.holder.library} drops entries by itself, later than was watched"
        )
    return falsifiers


def _format_rate(rate: float) -> str:
    return f"{rate:.2f}".rstrip("0").rstrip(".") if rate >= 0.1 else f"{rate:.3g}"


def _diagnose_stopping_holder(growth: HolderGrowth, gained_bytes: Mapping[int, int]) -> Diagnosis:
    """Return the diagnosis of a holder that fills up to a bound, or gains ever less."""
    holder = growth.holder
    limit = holder.bound if growth.pattern is GrowthPattern.BOUNDED else None
    now = f"{holder.name} holds {count(growth.max_entries)}"
    reason = (
        f"{now} of at most {count(limit)} entries" if limit else f"{now} entries, and slows down"
    )
    return Diagnosis(
        cause=Cause.BOUNDED,
        is_leak=False,
        growth=_diagnosed_growth(growth, gained_bytes),
        evidence=DiagnosisEvidence(
            confidence=0.9 if limit is not None else 0.7,
            reasons=(reason,),
            falsifiers=("it goes on growing beyond that",),
            worker_ids=tuple(growth.by_worker),
        ),
        holder=DiagnosedHolder(
            name=holder.name,
            kind=None,
            library=holder.library or None,
            entries=growth.max_entries,
            entries_per_request=growth.entries_per_request,
            bound_bytes=limit * holder.entry_bytes if limit is not None else None,
            symptom=None,
            removes_entries=False,
            has_unique_keys=False,
        ),
        location=SourceLocation(site=holder.site or None, file=holder.file or None),
        attribution=EndpointAttribution(
            endpoint=driving_endpoint(growth.shares), shares=growth.shares
        ),
    )


def _gained_bytes(evidence: LeakEvidence, growing_ids: Collection[int]) -> dict[int, int]:
    """Return the bytes that each worker gained after its warm-up, of those that surely grow."""
    gained_bytes = {}
    for history in evidence.histories:
        gain = memory_gain(history) if history.worker_id in growing_ids else None
        if gain is not None:
            gained_bytes[history.worker_id] = max(1, gain.private_bytes)
    return gained_bytes


def _growth_part(growth: HolderGrowth, gained_bytes: Mapping[int, int]) -> float:
    """Return the part of the growth that *growth* accounts for; all of it where none is sure."""
    own = sum(amount for worker, amount in growth.bytes_by_worker.items() if worker in gained_bytes)
    total = sum(gained_bytes.values())
    return min(1.0, own / total) if total else 1.0


def _is_worth_naming(growth: HolderGrowth, gained_bytes: Mapping[int, int]) -> bool:
    return bool(gained_bytes) and _growth_part(growth, gained_bytes) >= MIN_NAMED_PART


def _grow_together(left: HolderGrowth, right: HolderGrowth) -> bool:
    """Return whether two holders gain with the same requests, at about the same rate."""
    same = driving_endpoint(left.shares) == driving_endpoint(right.shares)
    return same and have_similar_rates(left.entries_per_request, right.entries_per_request)


def _confidence(growth: HolderGrowth, sourced: SourcedUsage | None, endpoint: str | None) -> float:
    """Return how sure it is, from how much was seen and from how many facts agree."""
    has_write_site = sourced is not None and bool(sourced.usage.write_sites)
    doubt = 0.5 / math.sqrt(max(1.0, growth.gained_entries / 40))
    doubt *= 0.6 if has_write_site or growth.holder.site else 1.0
    doubt *= 0.7 if endpoint else 1.0
    doubt += REMOVAL_DOUBT if sourced is not None and sourced.usage.removes_entries else 0.0
    doubt += 0.1 if growth.holder.library else 0.0
    return round(max(0.05, min(0.99, 1 - doubt)), 2)


def _is_watched_long_enough(evidence: LeakEvidence) -> bool:
    """Return whether enough was served for a holder to have shown itself."""
    return any(
        history.buckets and history.buckets[-1].requests >= MIN_REQUESTS_TO_SHOW
        for history in evidence.histories
    )
