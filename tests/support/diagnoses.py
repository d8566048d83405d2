"""Builders of diagnoses, their words, and what a run saw."""

from typing import Any

from bugsly_server.doctor.run_verdict import ReportedWorker, RunSummary
from bugsly_server.model.diagnosis import Cause, Diagnosis, Explanation


def diagnosis(cause: Cause = Cause.GROWING_CONTAINER, **facts: Any) -> Diagnosis:
    is_no_leak = cause in {Cause.BOUNDED, Cause.RETENTION, Cause.BUFFERED_RESPONSE, Cause.UNKNOWN}
    return Diagnosis(
        **{
            "cause": cause,
            "is_leak": not is_no_leak,
            "holder": "shop.views.request_log",
            "site": "shop/views.py:12",
            "file": "/app/shop/views.py",
            "endpoint": "GET /api/orders",
            "shares": (),
            "bytes_per_request": 812.44,
            "entries_per_request": 1.0,
            "part": 1.0,
            "bytes": 3_000_000,
            "bound_bytes": None,
            "confidence": 0.97,
            "because": ("it gains one entry per request",),
            "unless": ("it is emptied later",),
            "workers": (1,),
            **facts,
        }
    )


def leak_explanation(**facts: Any) -> Explanation:
    return Explanation(
        **{
            "title": "shop.views.request_log grows with every request",
            "what": "A list keeps an entry of each request.",
            "cost": "It costs 812 B per request.",
            "fix": "Bound it.",
            "diff": "-request_log = []\n+request_log = deque(maxlen=1000)\n",
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
