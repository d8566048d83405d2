"""Builders of diagnoses, their words, and what a run saw."""

from typing import Any

from bugsly_server.doctor.run_verdict import ReportedWorker, RunSummary
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
    SourceLocation,
)
from bugsly_server.model.explanation import Explanation, Fix

GROWTH: dict[str, Any] = {"bytes_per_request": 812.44, "part": 1.0, "bytes": 3_000_000}
EVIDENCE: dict[str, Any] = {
    "confidence": 0.97,
    "reasons": ("it gains one entry per request",),
    "falsifiers": ("it is emptied later",),
    "worker_ids": (1,),
    "heap_path": None,
}
LOCATION: dict[str, Any] = {
    "site": "shop/views.py:12",
    "file": "/app/shop/views.py",
    "unread_module": None,
}
ATTRIBUTION: dict[str, Any] = {"endpoint": "GET /api/orders", "shares": ()}


def diagnosis(
    cause: Cause = Cause.GROWING_CONTAINER,
    *,
    is_leak: bool | None = None,
    holder: str | None = "shop.views.request_log",
    known_leak: str | None = None,
    **facts: Any,
) -> Diagnosis:
    """Return one with *facts* of its parts; those of the holder go where *holder* is None."""

    def part_of(defaults: dict[str, Any]) -> dict[str, Any]:
        return {name: facts.pop(name, default) for name, default in defaults.items()}

    is_no_leak = cause in {Cause.BOUNDED, Cause.RETENTION, Cause.BUFFERED_RESPONSE, Cause.UNKNOWN}
    return Diagnosis(
        cause=cause,
        is_leak=not is_no_leak if is_leak is None else is_leak,
        growth=DiagnosedGrowth(**part_of(GROWTH)),
        evidence=DiagnosisEvidence(**part_of(EVIDENCE)),
        location=SourceLocation(**part_of(LOCATION)),
        attribution=EndpointAttribution(**part_of(ATTRIBUTION)),
        holder=None if holder is None else diagnosed_holder(name=holder, **facts),
        known_leak=known_leak,
    )


def diagnosed_holder(**facts: Any) -> DiagnosedHolder:
    return DiagnosedHolder(
        **{
            "name": "shop.views.request_log",
            "kind": None,
            "library": None,
            "entries": 0,
            "entries_per_request": 1.0,
            "bound_bytes": None,
            "symptom": None,
            "removes_entries": False,
            "has_unique_keys": False,
            **facts,
        }
    )


def leak_explanation(
    diff: str | None = "-request_log = []\n+request_log = deque(maxlen=1000)\n",
    link: str | None = None,
    fix: str = "Bound it.",
    **facts: Any,
) -> Explanation:
    return Explanation(
        **{
            "title": "shop.views.request_log grows with every request",
            "what": "A list keeps an entry of each request.",
            "cost": "It costs 812 B per request.",
            "fix": Fix(change=fix, diff=diff, link=link),
            **facts,
        }
    )


def observed_run(**facts: Any) -> RunSummary:
    worker = ReportedWorker(
        pid=7, requests=2_000, start_bytes=30, end_bytes=40, bytes_per_request=5.0
    )
    return RunSummary(
        **{
            "requests": 4_000,
            "seconds": 20.04,
            "statuses": {200: 3_990, 404: 10},
            "workers": (worker,),
            "growing": (),
            **facts,
        }
    )
