"""Builders of what two releases are compared by."""

from typing import Any

from tests.support.clock import START
from tests.support.lives import judged, known

from bugsly_server.model.growth import Verdict
from bugsly_server.model.proof import Lives, Outcome, Pace, Proof


def lives(
    release: str, *slopes: float, reach: float = 100.0, span: float = 12_000.0, **changes: Any
) -> Lives:
    """Return a worker for each of *slopes*, known to within *reach* from *span* requests."""
    workers = [
        known(
            number,
            release=release,
            judgement=judged(
                Verdict.STEADY, slope, low=slope - reach, high=slope + reach, span=span
            ),
        )
        for number, slope in enumerate(slopes, 1)
    ]
    fields = {"driven": 1.0, "running": False, **changes}
    return Lives(release=release, workers=tuple(workers), **fields)


def pace(**changes: Any) -> Pace:
    fields: dict[str, Any] = {
        "release": "2026.11.2",
        "since": START,
        "lives": 4,
        "requests": 90_000,
        "slope": 4_200.0,
        "low": 4_000.0,
        "high": 4_400.0,
    }
    return Pace(**(fields | changes))


def proof(**changes: Any) -> Proof:
    after = pace(release="2026.11.3", requests=12_000, slope=0.0, low=-95.0, high=95.0)
    fields: dict[str, Any] = {
        "outcome": Outcome.FIXED,
        "because": (
            "fixed in 2026.11.3: 4.2 kB per request before (4 kB to 4.4 kB), "
            "0 B (±95 B) after 12,000 requests"
        ),
        "before": pace(),
        "after": after,
        "per": "request",
    }
    return Proof(**(fields | changes))
