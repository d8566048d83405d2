"""A diagnosis as programs read it: in webhooks, in `--json`, in what the doctor writes."""

from __future__ import annotations

from typing import Any

from bugsly_server.model.diagnosis import Diagnosis, Explanation, Share


def cause_facts(diagnosis: Diagnosis, explanation: Explanation) -> dict[str, Any]:
    """Return the JSON of one diagnosis; docs/doctor.md describes it."""
    return {
        "cause": diagnosis.cause,
        "is_leak": diagnosis.is_leak,
        "holder": diagnosis.holder,
        "site": diagnosis.site,
        "endpoint": diagnosis.endpoint,
        "bytes_per_request": round(diagnosis.bytes_per_request, 1),
        "entries_per_request": round(diagnosis.entries_per_request, 3),
        "part": round(diagnosis.part, 2),
        "confidence": diagnosis.confidence,
        "library": diagnosis.library,
        "title": explanation.title,
        "explanation": explanation.what,
        "cost": explanation.cost,
        "fix": explanation.fix,
        "diff": explanation.diff,
        "link": explanation.link,
        "evidence": list(diagnosis.because),
        "unless": list(diagnosis.unless),
        "shares": [_share_facts(one) for one in diagnosis.shares],
    }


def _share_facts(share: Share) -> dict[str, Any]:
    return {
        "endpoint": share.endpoint,
        "failing": share.failing,
        "part": round(share.part, 3),
        "per_request": round(share.slope, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
        "together_with": list(share.together),
    }
