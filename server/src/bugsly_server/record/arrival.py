"""Places reports in time, and says what each changes about its worker."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bugsly.protocol.memory import MemoryReport, Sample
from bugsly_server.clock import SECOND, Micros
from bugsly_server.decode.batch import ReceivedReport
from bugsly_server.model.worker import Worker

RATE_DECAY_SECONDS = 120.0
"""Seconds in which an old request rate loses two thirds of its weight."""
YOUNG_DECAY_SHARE = 0.25
"""Of the age of a young worker: its start, before the first requests, is soon forgotten."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one report leads to."""

    received_at: Micros
    report: MemoryReport
    worker: Worker
    """As the report leaves it."""
    samples: list[tuple[Micros, Sample]]
    """Those that are new, and when each was taken."""

    @property
    def token(self) -> str:
        """Return the id by which the worker calls itself."""
        return self.report.worker.id


def new_worker_fields(first: ReceivedReport) -> dict[str, Any]:
    """Return the fields of a worker whose first report is *first*, its samples not counted."""
    return {
        **_identity_fields(first.report),
        "started_at": first.received_at - first.report.worker.age,
        "seen_at": first.received_at,
        "judged_at": first.received_at,
        "secret_hash": first.secret_hash,
    }


def proven_reports(
    known: Mapping[str, Worker], reports: Iterable[ReceivedReport], skipped: Counter[str]
) -> list[ReceivedReport]:
    """Return those of *reports* that are surely of the *known* worker that they name, by token."""
    proven = []
    for received in reports:
        if known[received.report.worker.id].is_proven_by(received.secret_hash):
            proven.append(received)
        else:
            skipped["memory of a worker by somebody without its secret"] += 1
    return proven


def apply_reports(
    known: Mapping[str, Worker], reports: Iterable[ReceivedReport], skipped: Counter[str]
) -> list[Arrival]:
    """Return the arrivals of *reports*, in order; *known* are their workers before, by token."""
    latest = dict(known)
    arrivals = []
    for received_at, report, _ in reports:
        arrival = apply_report(latest[report.worker.id], report, received_at, skipped)
        latest[arrival.token] = arrival.worker
        arrivals.append(arrival)
    return arrivals


def apply_report(
    known: Worker, report: MemoryReport, received_at: Micros, skipped: Counter[str]
) -> Arrival:
    """Return what *report* adds to what is *known* of its worker.

    An age says how long before the report was sent a sample was taken, and the report has just
    arrived. So a sender's wrong or jumping clock moves nothing.
    """
    new_samples = _new_samples(known, report.samples, skipped)
    sent_at = received_at - report.worker.age
    samples = [(sent_at + sample.age, sample) for sample in new_samples]
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
    worker = replace(known, **changed) if changed else known
    return Arrival(received_at, report, worker, samples)


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
    """Return the samples that are new, in order; count the others."""
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
    """Return what the newest sample says; a worker that only fell silent is alive again."""
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
    """Return requests per second up to *at*, weighted towards the recent past.

    While a worker is young, the recent past is the last quarter of its life.
    """
    since = known.seen_at if known.samples else known.started_at
    seconds = (at - since) / SECOND
    if seconds <= 0:
        return known.rate
    age = max((at - known.started_at) / SECOND, seconds)
    decay_seconds = min(RATE_DECAY_SECONDS, age * YOUNG_DECAY_SHARE)
    weight = max(1 - math.exp(-seconds / decay_seconds), seconds / age)
    return known.rate + weight * ((requests - known.requests) / seconds - known.rate)
