"""Why there is an issue, as programs read it: in webhooks, in `--json`, in the doctor's words."""

from __future__ import annotations

from typing import Any

from bugsly_server.clock import SECOND
from bugsly_server.model.diagnosis import Diagnosis, Explanation, Share
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.max_requests import MaxRequests
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.proof import Pace, Proof
from bugsly_server.model.recycled import Recycled
from bugsly_server.model.trace import Trace
from bugsly_server.model.worker import Worker


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
        "trace": None if diagnosis.trace is None else _trace_facts(diagnosis.trace),
        "shares": [_share_facts(one) for one in diagnosis.shares],
    }


def explanation_facts(explanation: ErrorExplanation) -> dict[str, Any]:
    """Return an explanation of an error as plain JSON."""
    return {
        "what": explanation.what,
        "why": explanation.why,
        "fix": explanation.fix,
        "confidence": round(explanation.confidence, 2),
        "by": explanation.source,
    }


def proof_facts(proof: Proof) -> dict[str, Any]:
    """Return the JSON of what a later release says of a leak."""
    return {
        "outcome": proof.outcome,
        "because": proof.because,
        "per": proof.per,
        "before": _pace_facts(proof.before),
        "after": _pace_facts(proof.after),
    }


def recycled_facts(recycled: Recycled) -> dict[str, Any]:
    """Return the JSON of how often the safety net stepped in."""
    full_at = recycled.full_at
    return {
        "hours": 24,
        "times": recycled.times,
        "for": recycled.what,
        "full_at": None if full_at is None else round(full_at / SECOND),
        "because": recycled.because,
    }


def in_flight_facts(worker: Worker) -> list[dict[str, Any]]:
    """Return the JSON of what *worker* was answering at its last sample."""
    return [
        {
            "endpoint": one.endpoint,
            "requests": one.requests,
            "seconds": round(one.micros / SECOND, 3),
        }
        for one in worker.under_way
    ]


def post_mortem_facts(death: PostMortem) -> dict[str, Any]:
    """Return the JSON of the last minutes of a worker that was killed."""
    worker = death.worker
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "ended_at": (worker.ended_at or worker.seen_at) / SECOND,
        "exit_reason": worker.exit_reason,
        "memory": worker.anonymous,
        "in_flight": in_flight_facts(worker),
        "because": death.because,
    }


def limits_facts(limits: MaxRequests) -> dict[str, Any]:
    """Return the JSON of what holds a leak down until it is mended."""
    return {
        "lines": limits.lines.splitlines() if limits.requests else [],
        "because": limits.because,
        "restarts_per_day": round(limits.restarts, 2),
        "present": limits.present,
        "present_because": limits.verdict,
        "recycle_at": limits.recycle_at,
    }


def _pace_facts(pace: Pace) -> dict[str, Any]:
    return {
        "release": pace.release,
        "bytes": round(pace.slope, 1),
        "low": round(pace.low, 1),
        "high": round(pace.high, 1),
        "requests": pace.requests,
        "workers": pace.lives,
    }


def _trace_facts(trace: Trace) -> dict[str, Any]:
    return {
        "hops": [{"name": hop.name, "type": hop.type} for hop in trace.hops],
        "entries": trace.entries,
        "bytes": trace.bytes,
        "types": trace.types,
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
