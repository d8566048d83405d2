"""Decides which diagnoses are reported as issues, and which wait for more evidence first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bugsly_server.clock import MINUTE, SECOND, Micros, has_passed
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.issue import Finding

MIN_CONFIDENCE_WITHOUT_GROWTH = 0.85
"""Confidence from which a leak is reported although memory does not show it yet."""
MIN_CONFIDENCE_WITH_GROWTH = 0.6
"""Confidence from which it is the cause of a growth that memory does show."""
MIN_HARMLESS_PART = 0.5
"""The part of a growth that has to stop by itself for the growth not to be reported."""
HARMLESS_CAUSES = frozenset({Cause.BOUNDED, Cause.RETENTION})
"""Causes of growth that stops by itself."""
MIN_GAIN_FACTOR = 1.2
"""A leak is seen twice before it is reported: again when its holder has this many times as much."""
CAUSE_PATIENCE: Micros = 90 * SECOND
"""How long a growth without a cause, or a cause without a holder, waits to be reported as it is."""
SOURCE_PATIENCE: Micros = 30 * SECOND
"""How long a cause waits for the source that shows its line."""
URGENT_SECONDS = 15.0 * MINUTE / SECOND
"""Seconds until memory runs out, below which a finding waits for no cause and no holder."""


@dataclass(frozen=True, slots=True)
class FirstSighting:
    """When a cause or a growth was first seen, and how many entries its holder had then."""

    at: Micros
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvidence:
    """What was requested about a cause, and may still come."""

    source: bool
    """The source that shows its line."""
    heap_walk: bool
    """A walk of the heap that may name its holder."""


def is_reportable(diagnosis: Diagnosis, *, has_growth: bool) -> bool:
    """Return whether *diagnosis* is sure enough to be an issue.

    It has to be surer where it does not have the growth of a worker's memory to rest on.
    """
    if diagnosis.cause is Cause.BUFFERED_RESPONSE:
        return True
    minimum = MIN_CONFIDENCE_WITH_GROWTH if has_growth else MIN_CONFIDENCE_WITHOUT_GROWTH
    return diagnosis.is_leak and diagnosis.evidence.confidence >= minimum


def stops_by_itself(diagnoses: Iterable[Diagnosis]) -> bool:
    """Return whether most of the growth that *diagnoses* explain is known to be no leak."""
    harmless_part = sum(one.growth.part for one in diagnoses if one.cause in HARMLESS_CAUSES)
    return harmless_part >= MIN_HARMLESS_PART


def is_urgent(finding: Finding) -> bool:
    """Return whether memory runs out too soon to wait for a cause or a holder."""
    return finding.forecast is not None and finding.forecast.expected < URGENT_SECONDS


def may_wait_for_cause(first: FirstSighting, now: Micros) -> bool:
    """Return whether a growth that is not urgent and has no cause yet may wait for one."""
    return not has_passed(CAUSE_PATIENCE, first.at, now)


def is_ready(
    finding: Finding,
    diagnosis: Diagnosis,
    first: FirstSighting,
    pending: PendingEvidence,
    now: Micros,
) -> bool:
    """Return whether *finding* of *diagnosis* can be reported.

    It can when nothing *pending* is worth waiting for, and memory shows it or its holder has gained
    entries since it was *first* seen.
    """
    age = now - first.at
    if pending.source and age < SOURCE_PATIENCE:
        return False
    if pending.heap_walk and age < CAUSE_PATIENCE and not is_urgent(finding):
        return False
    if finding.suspects and finding.suspects[0].total:
        return True
    return age > 0 and held_entries(diagnosis) >= MIN_GAIN_FACTOR * first.entries


def held_entries(diagnosis: Diagnosis) -> int:
    """Return how many entries its holder has, 0 where it has no holder."""
    return 0 if diagnosis.holder is None else diagnosis.holder.entries
