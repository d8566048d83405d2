"""Places a report in time, and says what it changes about its worker."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bugsly.protocol.memory import MemoryReport, Sample
from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.worker import Worker

RATE_DECAY_SECONDS = 120.0
"""Seconds after which an old rate of requests has lost two thirds of its weight."""
YOUNG_DECAY_SHARE = 0.25
"""Of the life of a young worker: its start, when nobody asked it yet, is soon forgotten."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one report leads to: its worker as it leaves it, and the new samples' moments."""

    worker: Worker
    samples: list[tuple[Micros, Sample]]


def new_worker_fields(report: MemoryReport, received_at: Micros) -> dict[str, Any]:
    """Return the fields of a worker that is heard of for the first time, samples not counted."""
    return {
        **_identity_fields(report),
        "started_at": received_at - report.worker.age,
        "seen_at": received_at,
        "judged_at": received_at,
    }


def apply_report(
    known: Worker, report: MemoryReport, received_at: Micros, skipped: Counter[str]
) -> Arrival:
    """Return what *report* adds to what is *known* of its worker.

    An age says how long before the report was sent a sample was taken, and the report has just
    arrived: so a wrong or jumping clock at the sender moves nothing.
    """
    new_samples = _new_samples(known, report.samples, skipped)
    sent = received_at - report.worker.age
    samples = [(sent + one.age, one) for one in new_samples]
    changed = {
        name: value
        for name, value in _identity_fields(report).items()
        if value != getattr(known, name)
    }
    if report.lost != known.lost:
        changed["lost"] = report.lost
    if report.net != known.net:
        changed["net"] = report.net
    facts = {} if report.evidence is None else report.evidence.facts
    if facts:
        changed["facts"] = {**known.facts, **facts}
    if samples:
        changed |= _latest_gauges(known, samples)
    return Arrival(replace(known, **changed) if changed else known, samples)


def _identity_fields(report: MemoryReport) -> dict[str, Any]:
    worker = report.worker
    return {
        "host": worker.host,
        "machine": worker.machine,
        "pid": worker.pid,
        "parent": worker.parent,
        "number": worker.number,
        "generation": worker.generation,
        "server": worker.server,
        "release": worker.release,
        "environment": worker.environment,
        "python": worker.python,
        "every": worker.every,
    }


def _new_samples(known: Worker, samples: Iterable[Sample], skipped: Counter[str]) -> list[Sample]:
    """Return the samples that were not seen before, in order."""
    new_samples: list[Sample] = []
    number, requests = known.samples, known.requests
    for sample in sorted(samples, key=lambda sample: sample.number):
        if sample.number <= number:
            skipped["sample that had arrived before"] += 1
        elif sample.requests < requests:
            skipped["sample with fewer requests than the one before"] += 1
        else:
            new_samples.append(sample)
            number, requests = sample.number, sample.requests
    return new_samples


def _latest_gauges(known: Worker, samples: list[tuple[Micros, Sample]]) -> dict[str, Any]:
    """Return what the newest sample says, and that the worker lives unless it said goodbye."""
    at, newest = samples[-1]
    proportional = [one.proportional for _, one in samples if one.proportional is not None]
    gauges: dict[str, Any] = {
        "seen_at": at,
        "samples": newest.number,
        "anonymous": newest.anonymous,
        "shared": newest.shared,
        "proportional": proportional[-1] if proportional else known.proportional,
        "peak": newest.peak,
        "requests": newest.requests,
        "in_flight": newest.in_flight,
        "under_way": newest.under_way,
        "descriptors": newest.descriptors,
        "threads": newest.threads,
        "used": newest.used,
        "limit": newest.limit,
        "oom_kills": newest.oom_kills,
        "rate": _rate(known, at, newest.requests),
    }
    if known.fell_silent:
        gauges |= {"ended_at": None, "exit_reason": None}
    elif known.ended_at is not None:
        gauges["ended_at"] = max(at, known.ended_at)
    return gauges


def _rate(known: Worker, at: Micros, requests: int) -> float:
    """Return requests per second up to *at*, the recent past counting most.

    While a worker is young, the last quarter of its life is the recent past.
    """
    since = known.seen_at if known.samples else known.started_at
    seconds = (at - since) / SECOND
    if seconds <= 0:
        return known.rate
    age = max((at - known.started_at) / SECOND, seconds)
    decay_seconds = min(RATE_DECAY_SECONDS, age * YOUNG_DECAY_SHARE)
    weight = max(1 - math.exp(-seconds / decay_seconds), seconds / age)
    return known.rate + weight * ((requests - known.requests) / seconds - known.rate)
