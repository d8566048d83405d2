"""Builds the JSON of diagnoses, proofs and the like for webhooks, the API and `--json`."""

from __future__ import annotations

from typing import Any

from bugsly_server.clock import SECOND
from bugsly_server.model.diagnosis import Diagnosis, EndpointShare
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.fix_proof import FixProof, GrowthRate
from bugsly_server.model.heap_path import HeapPath
from bugsly_server.model.issue import Finding
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.recycling import RecyclingSummary
from bugsly_server.model.worker import Worker


def diagnosis_facts(diagnosis: Diagnosis, explanation: Explanation) -> dict[str, Any]:
    """Return the JSON of one diagnosis; docs/doctor.md describes it. What is unknown is empty."""
    holder, growth, evidence = diagnosis.holder, diagnosis.growth, diagnosis.evidence
    entries_per_request = 0.0 if holder is None else holder.entries_per_request
    return {
        "cause": diagnosis.cause,
        "is_leak": diagnosis.is_leak,
        "holder": diagnosis.holder_name or "",
        "site": diagnosis.location.site or "",
        "endpoint": diagnosis.attribution.endpoint or "",
        "bytes_per_request": round(growth.bytes_per_request, 1),
        "entries_per_request": round(entries_per_request, 3),
        "part": round(growth.part, 2),
        "confidence": evidence.confidence,
        "library": diagnosis.library or "",
        "title": explanation.title,
        "explanation": explanation.what,
        "cost": explanation.cost,
        "fix": explanation.fix.change,
        "diff": explanation.fix.diff or "",
        "link": explanation.fix.link or "",
        "evidence": list(evidence.reasons),
        "unless": list(evidence.falsifiers),
        "trace": None if evidence.heap_path is None else _heap_path_facts(evidence.heap_path),
        "shares": [_share_facts(one) for one in diagnosis.attribution.shares],
    }


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Return the JSON of what *finding* says, and why; an issue and its alerts begin with it."""
    return {
        "verdict": finding.verdict,
        "because": finding.because,
        "diagnosis": None
        if finding.diagnosis is None or finding.explanation is None
        else diagnosis_facts(finding.diagnosis, finding.explanation),
        "scope": finding.scope,
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


def proof_facts(proof: FixProof) -> dict[str, Any]:
    """Return the JSON of what a later release shows about a leak."""
    return {
        "outcome": proof.outcome,
        "because": proof.because,
        "per": proof.per,
        "before": _growth_rate_facts(proof.before),
        "after": _growth_rate_facts(proof.after),
    }


def recycling_facts(recycling: RecyclingSummary) -> dict[str, Any]:
    """Return the JSON of how often the safety net stepped in."""
    full_at = recycling.full_at
    return {
        "hours": 24,
        "times": recycling.times,
        "for": recycling.what,
        "full_at": None if full_at is None else round(full_at / SECOND),
        "because": recycling.because,
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


def post_mortem_facts(post_mortem: PostMortem) -> dict[str, Any]:
    """Return the JSON of the last minutes of a worker that was killed."""
    worker = post_mortem.worker
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "ended_at": (worker.ended_at or worker.seen_at) / SECOND,
        "exit_reason": worker.exit_reason,
        "memory": worker.anonymous,
        "in_flight": in_flight_facts(worker),
        "because": post_mortem.because,
    }


def max_requests_facts(proposal: MaxRequestsProposal) -> dict[str, Any]:
    """Return the JSON of the max_requests that contains a leak until it is fixed."""
    return {
        "lines": proposal.lines.splitlines() if proposal.requests else [],
        "because": proposal.because,
        "restarts_per_day": round(proposal.restarts, 2),
        "present": proposal.present,
        "present_because": proposal.verdict,
        "recycle_at": proposal.recycle_at,
    }


def _growth_rate_facts(rate: GrowthRate) -> dict[str, Any]:
    return {
        "release": rate.release,
        "bytes": round(rate.slope, 1),
        "low": round(rate.low, 1),
        "high": round(rate.high, 1),
        "requests": rate.requests,
        "workers": rate.workers,
    }


def _heap_path_facts(heap_path: HeapPath) -> dict[str, Any]:
    return {
        "hops": [{"name": hop.name, "type": hop.type} for hop in heap_path.hops],
        "entries": heap_path.entries,
        "bytes": heap_path.bytes,
        "types": heap_path.types,
    }


def _share_facts(share: EndpointShare) -> dict[str, Any]:
    return {
        "endpoint": share.endpoint,
        "failing": share.failing,
        "part": round(share.part, 3),
        "per_request": round(share.slope, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
        "together_with": list(share.together),
    }
