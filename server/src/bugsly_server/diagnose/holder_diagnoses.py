"""Diagnoses the holders that agents count: leaks, guesses, and what stops by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.causes import classify_cause
from bugsly_server.diagnose.confidence import GUESS_CONFIDENCE, REMOVAL_DOUBT
from bugsly_server.diagnose.growth.growth_pattern import GrowthPattern
from bugsly_server.diagnose.growth.holder_growth import (
    COUNTED_KINDS,
    HolderGrowth,
    have_similar_rates,
)
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.source_analysis.holder_source import HolderSource
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
    SourceLocation,
)
from bugsly_server.model.units import count, size

MIN_NAMED_PART = 0.05
"""The part of the workers' growth below which a holder that stops is not worth a line."""


class HolderDiagnoses(NamedTuple):
    """The diagnoses of counted holders, in the order of their growths."""

    leaks: list[Diagnosis]
    guesses: list[Diagnosis]
    """Holders that too few requests drove to be sure."""
    stopping: list[Diagnosis]


def diagnose_holders(
    growths: Sequence[HolderGrowth],
    sources: Mapping[str, HolderSource],
    memory: MemoryGrowth,
    *,
    is_gc_enabled: bool,
) -> HolderDiagnoses:
    """Return the diagnoses of the holders that grow, by their *growths*.

    *sources* are what the sources say about each, by its name.
    """
    steady = [growth for growth in growths if growth.is_steady]
    hints = [growth for growth in growths if growth.is_hint and not growth.holder.library]

    def diagnose(growth: HolderGrowth) -> Diagnosis:
        companions = [one.holder for one in steady if _grow_together(one, growth)]
        source = sources[growth.holder.name]
        return _diagnose_growing(growth, companions, source, is_gc_enabled=is_gc_enabled)

    return HolderDiagnoses(
        leaks=[diagnose(growth) for growth in steady],
        guesses=[diagnose(growth) for growth in hints],
        stopping=[
            _diagnose_stopping(growth)
            for growth in growths
            if growth.is_stopping and memory.is_measured and growth.part >= MIN_NAMED_PART
        ],
    )


def _diagnose_growing(
    growth: HolderGrowth,
    companions: Sequence[Holder],
    source: HolderSource,
    *,
    is_gc_enabled: bool,
) -> Diagnosis:
    holder = growth.holder
    return Diagnosis(
        cause=classify_cause(source, companions, is_gc_enabled=is_gc_enabled),
        is_leak=True,
        growth=_diagnosed_growth(growth),
        evidence=DiagnosisEvidence(
            confidence=GUESS_CONFIDENCE if growth.is_hint else _confidence(growth, source),
            reasons=tuple(_reasons(growth, source, companions)),
            falsifiers=tuple(_falsifiers(growth)),
            worker_ids=growth.steady_workers,
        ),
        holder=replace(
            _diagnosed_holder(growth),
            kind=holder.kind or None,
            removes_entries=source.removes_entries,
            has_unique_keys=growth.has_unique_keys,
        ),
        attribution=EndpointAttribution(endpoint=growth.endpoint, shares=growth.attribution.shares),
    )


def _diagnosed_growth(growth: HolderGrowth) -> DiagnosedGrowth:
    return DiagnosedGrowth(
        bytes_per_request=growth.entries_per_request * growth.holder.entry_bytes,
        part=growth.part,
        bytes=growth.max_entries * growth.holder.entry_bytes,
    )


def _diagnosed_holder(growth: HolderGrowth) -> DiagnosedHolder:
    """Return what any growth tells of its holder."""
    return DiagnosedHolder(
        name=growth.holder.name,
        kind=None,
        library=growth.holder.library or None,
        entries=growth.max_entries,
        entries_per_request=growth.entries_per_request,
        bound_bytes=None,
        symptom=None,
        removes_entries=False,
        has_unique_keys=False,
    )


def _reasons(growth: HolderGrowth, source: HolderSource, companions: Sequence[object]) -> list[str]:
    holder, write_site = growth.holder, source.write_site
    requests = sum(one.requests for one in growth.by_worker.values())
    of_endpoint = f" of {growth.endpoint}" if growth.endpoint else ""
    over = f"over {count(requests)} requests{of_endpoint}"
    gained = f"gained {count(growth.gained_entries)} entries {over}"
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
    largest = next(iter(growth.attribution.shares), None)
    if largest is not None and largest.together:
        falsifiers.append(
            f"requests of {largest.endpoint} and {', '.join(largest.together)}"
            " come apart, and it follows the others"
        )
    if growth.holder.library:
        falsifiers.append(
            f"{growth.holder.library} drops entries by itself, later than was watched"
        )
    return falsifiers


def _format_rate(rate: float) -> str:
    return f"{rate:.2f}".rstrip("0").rstrip(".") if rate >= 0.1 else f"{rate:.3g}"


def _diagnose_stopping(growth: HolderGrowth) -> Diagnosis:
    """Return the diagnosis of a holder that fills up to a bound, or slows down."""
    holder = growth.holder
    limit = holder.bound if growth.pattern is GrowthPattern.BOUNDED else None
    now = f"{holder.name} holds {count(growth.max_entries)}"
    reason = (
        f"{now} of at most {count(limit)} entries" if limit else f"{now} entries, and slows down"
    )
    return Diagnosis(
        cause=Cause.BOUNDED,
        is_leak=False,
        growth=_diagnosed_growth(growth),
        evidence=DiagnosisEvidence(
            confidence=0.9 if limit is not None else 0.7,
            reasons=(reason,),
            falsifiers=("it goes on growing beyond that",),
            worker_ids=tuple(growth.by_worker),
        ),
        holder=replace(
            _diagnosed_holder(growth),
            bound_bytes=limit * holder.entry_bytes if limit is not None else None,
        ),
        location=SourceLocation(site=holder.site or None, file=holder.file or None),
        attribution=growth.attribution,
    )


def _grow_together(other: HolderGrowth, growth: HolderGrowth) -> bool:
    """Return whether *other* gains with the same requests as *growth*, at about the same rate."""
    return (
        other is not growth
        and other.attribution.endpoint == growth.attribution.endpoint
        and have_similar_rates(other.entries_per_request, growth.entries_per_request)
    )


def _confidence(growth: HolderGrowth, source: HolderSource) -> float:
    """Return the confidence: it rises with the entries seen and the facts that agree."""
    doubt = 0.5 / math.sqrt(max(1.0, growth.gained_entries / 40))
    doubt *= 0.6 if source.write_site is not None or growth.holder.site else 1.0
    doubt *= 0.7 if growth.endpoint else 1.0
    doubt += REMOVAL_DOUBT if source.removes_entries else 0.0
    doubt += 0.1 if growth.holder.library else 0.0
    return round(max(0.05, min(0.99, 1 - doubt)), 2)
