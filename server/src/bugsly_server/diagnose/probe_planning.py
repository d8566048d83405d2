"""Plans the probe requests that would complete or improve diagnoses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import SECOND
from bugsly_server.diagnose.duplicates import is_unexplained_symptom
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

MAX_FILES = 6
ALLOCATION_WINDOW_REQUESTS = 200
HEAP_WALK_REQUEST_RANGE = (300, 900)
"""The fewest and the most requests that a walk of the heap spans."""
HEAP_WALK_SECONDS = 60.0
"""How long a walk lasts at the worker's pace, within that range."""
UNSETTLED_CAUSES = {Cause.UNKNOWN, Cause.NATIVE, Cause.RETENTION, Cause.CYCLES}
"""Causes that an expensive probe may settle."""
CAUSES_NEEDING_VIEW = {Cause.CYCLES}
"""Causes for which the view that creates the objects matters more than the allocating line."""
TRIM_IRRELEVANT_CAUSES = {Cause.CYCLES}
"""Causes on which a trim sheds no light: it would only free the uncollected cycles."""


class PlannedProbe(NamedTuple):
    """A probe request, and the worker that is to receive it."""

    worker_id: int
    request: ProbeRequest


def plan_probes(evidence: LeakEvidence, given: Iterable[Diagnosis]) -> list[PlannedProbe]:
    """Return the probes worth requesting: missing sources first, then expensive probes.

    An expensive probe is requested once per worker, and only while the cause is open. A walk of
    the heap is also requested where a symptom is known and its holder is not.
    """
    history_by_id = {history.worker_id: history for history in evidence.histories}
    diagnoses = list(given)
    probes = [*_plan_source_request(evidence, diagnoses)]
    for diagnosis in diagnoses:
        history = next(
            (history_by_id[key] for key in diagnosis.evidence.worker_ids if key in history_by_id),
            None,
        )
        if history is not None and _is_unsettled(diagnosis):
            probes += _plan_expensive_probe(diagnosis, history)
        elif history is not None and (
            is_unexplained_symptom(diagnosis) or diagnosis.cause is Cause.CYCLES
        ):
            probes += _plan_heap_walk(history)
    return probes


def _plan_source_request(
    evidence: LeakEvidence, diagnoses: Collection[Diagnosis]
) -> Iterator[PlannedProbe]:
    """Yield one request for the sources that *diagnoses* need and no worker has sent."""
    willing = [one for one in evidence.histories if "source" not in one.fruitless_probes]
    newest = max(willing, key=_last_seen_at, default=None)
    known_endpoints = {
        endpoint for source in evidence.sources.values() for endpoint in source.views
    }
    relevant = [one for one in diagnoses if one.is_leak or one.cause is Cause.BUFFERED_RESPONSE]
    missing = [
        one.location.file
        for one in relevant
        if one.location.file and one.location.file not in evidence.sources
    ]
    missing += [one.location.unread_module for one in relevant if one.location.unread_module]
    missing += [
        path for one in relevant if (path := _unread_path(one.location.site or "", evidence))
    ]
    missing += [
        endpoint
        for one in relevant
        if (endpoint := one.attribution.endpoint) is not None
        and endpoint not in known_endpoints
        and (one.library or not one.location.site or one.cause in CAUSES_NEEDING_VIEW)
    ]
    if newest is not None and missing:
        names = tuple(sorted(set(missing)))[:MAX_FILES]
        yield PlannedProbe(newest.worker_id, ProbeRequest(id=0, probe="source", files=names))


def _unread_path(site: str, evidence: LeakEvidence) -> str:
    """Return the short path of *site* unless its source was read; empty if it was."""
    path = site.rpartition(":")[0]
    known = any(file.endswith(f"/{path}") or file == path for file in evidence.sources)
    return "" if known else path


def _last_seen_at(history: WorkerHistory) -> int:
    return history.buckets[-1].at if history.buckets else 0


def _is_unsettled(diagnosis: Diagnosis) -> bool:
    """Return whether an expensive probe may find the holder or the line."""
    if diagnosis.is_symptom:
        return not diagnosis.location.site and diagnosis.growth.bytes_per_request > 0
    if diagnosis.cause is Cause.CYCLES and diagnosis.location.site:
        return False
    return diagnosis.cause in UNSETTLED_CAUSES and diagnosis.holder is None


def _plan_expensive_probe(diagnosis: Diagnosis, history: WorkerHistory) -> Iterator[PlannedProbe]:
    if (
        not history.trims
        and "trim" not in history.fruitless_probes
        and not diagnosis.is_symptom
        and diagnosis.cause not in TRIM_IRRELEVANT_CAUSES
    ):
        yield PlannedProbe(history.worker_id, ProbeRequest(id=0, probe="trim"))
    elif diagnosis.cause is not Cause.RETENTION:
        if is_walkable(history):
            yield from _plan_heap_walk(history)
        elif not history.allocation_windows and "window" not in history.fruitless_probes:
            request = ProbeRequest(id=0, probe="window", requests=ALLOCATION_WINDOW_REQUESTS)
            yield PlannedProbe(history.worker_id, request)


def _plan_heap_walk(history: WorkerHistory) -> Iterator[PlannedProbe]:
    if is_walkable(history):
        yield PlannedProbe(
            history.worker_id,
            ProbeRequest(id=0, probe="heap", requests=_heap_walk_requests(history)),
        )


def _heap_walk_requests(history: WorkerHistory) -> int:
    """Return how many requests a walk spans: a busy worker answers more of them in its time."""
    minimum, maximum = HEAP_WALK_REQUEST_RANGE
    rate = 0.0
    if len(history.buckets) > 1:
        first, last = history.buckets[0], history.buckets[-1]
        rate = (last.requests - first.requests) * SECOND / max(1, last.at - first.at)
    return round(min(maximum, max(minimum, rate * HEAP_WALK_SECONDS)))


def is_walkable(history: WorkerHistory) -> bool:
    """Return whether the worker's heap was neither walked nor requested without result."""
    return not history.heaps and "heap" not in history.fruitless_probes
