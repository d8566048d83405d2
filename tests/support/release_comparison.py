"""Builders of what two releases are compared by."""

from typing import Any

from tests.support.clock import START
from tests.support.stored_workers import judgement_of, stored_worker

from bugsly_server.model.fix_proof import FixOutcome, FixProof, GrowthRate, ReleaseWorkers
from bugsly_server.model.growth import GrowthVerdict


def release_workers(
    release: str, *slopes: float, half_width: float = 100.0, span: float = 12_000.0, **changes: Any
) -> ReleaseWorkers:
    """Return a worker for each of *slopes*, known to within *half_width* from *span* requests."""
    workers = [
        stored_worker(
            number,
            release=release,
            judgement=judgement_of(
                GrowthVerdict.STEADY,
                slope,
                low=slope - half_width,
                high=slope + half_width,
                span=span,
            ),
        )
        for number, slope in enumerate(slopes, 1)
    ]
    fields = {"driving_part": 1.0, "is_running": False, **changes}
    return ReleaseWorkers(release=release, workers=tuple(workers), **fields)


def pace(**changes: Any) -> GrowthRate:
    fields: dict[str, Any] = {
        "release": "2026.11.2",
        "since": START,
        "workers": 4,
        "requests": 90_000,
        "slope": 4_200.0,
        "low": 4_000.0,
        "high": 4_400.0,
    }
    return GrowthRate(**(fields | changes))


def proof(**changes: Any) -> FixProof:
    after = pace(release="2026.11.3", requests=12_000, slope=0.0, low=-95.0, high=95.0)
    fields: dict[str, Any] = {
        "outcome": FixOutcome.FIXED,
        "because": (
            "fixed in 2026.11.3: 4.2 kB per request before (4 kB to 4.4 kB), "
            "0 B (±95 B) after 12,000 requests"
        ),
        "before": pace(),
        "after": after,
        "per": "request",
    }
    return FixProof(**(fields | changes))
