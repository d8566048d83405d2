"""Places a report in time, and says what it changes about its worker."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from bugsly.protocol.memory import MemoryReport, Sample
from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.worker import Worker

RATE_MEMORY = 120.0
"""Seconds after which an old rate of requests has lost two thirds of its weight."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one report adds. *facts* are fields of `Worker`; *samples* carry their moment."""

    token: str
    facts: dict[str, Any]
    samples: list[tuple[Micros, Sample]]


def arrive(
    known: Worker | None, report: MemoryReport, received_at: Micros, skipped: Counter[str]
) -> Arrival:
    """Return what *report* adds to what is *known* of its worker.

    An age says how long before the report was sent a sample was taken, and the report has just
    arrived: so a wrong or jumping clock at the sender moves nothing. A sample whose number was
    seen before is a repetition.
    """
    worker = report.worker
    seen = 0 if known is None else known.samples
    fresh = sorted((one for one in report.samples if one.number > seen), key=lambda one: one.number)
    repeated = len(report.samples) - len(fresh)
    if repeated:
        skipped["sample that had arrived before"] += repeated
    samples = [(received_at - (worker.age - one.age), one) for one in fresh]
    started_at = received_at - worker.age if known is None else known.started_at
    facts = asdict(worker)
    del facts["id"], facts["age"]
    facts |= {"started_at": started_at, "lost": report.lost}
    facts |= _latest(known, samples, started_at, received_at)
    return Arrival(worker.id, facts, samples)


def _latest(
    known: Worker | None,
    samples: list[tuple[Micros, Sample]],
    started_at: Micros,
    received_at: Micros,
) -> dict[str, Any]:
    """Return the gauges of the newest sample; those of before where none came."""
    if not samples:
        return {} if known is not None else {"seen_at": received_at, "judged_at": received_at}
    at, newest = samples[-1]
    before = (started_at, 0, 0.0) if known is None else (known.seen_at, known.requests, known.rate)
    proportional = [one.proportional for _, one in samples if one.proportional is not None]
    facts: dict[str, Any] = {
        "seen_at": at,
        "samples": newest.number,
        "anonymous": newest.anonymous,
        "shared": newest.shared,
        "peak": newest.peak,
        "requests": newest.requests,
        "in_flight": newest.in_flight,
        "descriptors": newest.descriptors,
        "threads": newest.threads,
        "used": newest.used,
        "limit": newest.limit,
        "oom_kills": newest.oom_kills,
        "rate": _rate(before, (at, newest.requests), (at - started_at) / SECOND),
        "ended_at": None,
        "exit_reason": None,
    }
    facts["proportional"] = proportional[-1] if proportional else known.proportional if known else 0
    if known is None:
        facts["judged_at"] = at
    return facts


def _rate(before: tuple[Micros, int, float], now: tuple[Micros, int], age: float) -> float:
    """Return requests per second, the recent past counting most, for a worker of *age* seconds.

    *before* and *now* are a moment and the requests up to then; *before* also has the rate. While
    a worker is young the rate is the mean over its life.
    """
    seconds = (now[0] - before[0]) / SECOND
    if seconds <= 0:
        return before[2]
    weight = max(1 - math.exp(-seconds / RATE_MEMORY), min(1.0, seconds / max(age, seconds)))
    return before[2] + weight * (max(0, now[1] - before[1]) / seconds - before[2])
