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
    EndpointShare,
    SourceLocation,
)
from bugsly_server.model.explanation import Explanation, Fix
from bugsly_server.model.heap_path import HeapPath


def diagnosis(
    cause: Cause = Cause.GROWING_CONTAINER,
    *,
    is_leak: bool | None = None,
    holder: str | None = "shop.views.request_log",
    site: str | None = "shop/views.py:12",
    file: str | None = "/app/shop/views.py",
    unread_module: str | None = None,
    endpoint: str | None = "GET /api/orders",
    shares: tuple[EndpointShare, ...] = (),
    bytes_per_request: float = 812.44,
    part: float = 1.0,
    known_leak: str | None = None,
    reasons: tuple[str, ...] = ("it gains one entry per request",),
    falsifiers: tuple[str, ...] = ("it is emptied later",),
    confidence: float = 0.97,
    worker_ids: tuple[int, ...] = (1,),
    heap_path: HeapPath | None = None,
    size: int = 3_000_000,
    **holder_facts: Any,
) -> Diagnosis:
    """Return one that holds *size* bytes, with *holder_facts* of its holder unless that is None."""
    is_no_leak = cause in {Cause.BOUNDED, Cause.RETENTION, Cause.BUFFERED_RESPONSE, Cause.UNKNOWN}
    return Diagnosis(
        cause=cause,
        is_leak=not is_no_leak if is_leak is None else is_leak,
        growth=DiagnosedGrowth(bytes_per_request=bytes_per_request, part=part, bytes=size),
        evidence=DiagnosisEvidence(
            confidence=confidence,
            reasons=reasons,
            falsifiers=falsifiers,
            worker_ids=worker_ids,
            heap_path=heap_path,
        ),
        holder=None if holder is None else diagnosed_holder(name=holder, **holder_facts),
        location=SourceLocation(site=site, file=file, unread_module=unread_module),
        attribution=EndpointAttribution(endpoint=endpoint, shares=shares),
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
