"""Finds endpoints that build large responses in memory instead of streaming them."""

from __future__ import annotations

from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
)
from bugsly_server.model.leak_evidence import EndpointResponses, LeakEvidence
from bugsly_server.model.units import count, size

MIN_LARGE_BODY_BYTES = 4_000_000
"""The size of a body from which streaming it pays."""
MIN_MEMORY_PART = 0.1
"""The part of a worker's private memory that a body has to take to be reported."""
MIN_RESPONSES = 5


def diagnose_buffered_responses(evidence: LeakEvidence) -> list[Diagnosis]:
    """Return a diagnosis of each endpoint that passes on large bodies in one piece."""
    smallest = min(
        (bucket.anonymous for history in evidence.histories for bucket in history.buckets),
        default=0,
    )
    return [
        _diagnosis(endpoint, responses, evidence)
        for endpoint, responses in sorted(
            evidence.responses.items(), key=lambda pair: -pair[1].max_whole_bytes
        )
        if responses.max_whole_bytes >= max(MIN_LARGE_BODY_BYTES, MIN_MEMORY_PART * smallest)
        and responses.responses >= MIN_RESPONSES
    ]


def _diagnosis(endpoint: str, responses: EndpointResponses, evidence: LeakEvidence) -> Diagnosis:
    seen = count(responses.responses)
    return Diagnosis(
        cause=Cause.BUFFERED_RESPONSE,
        is_leak=False,
        growth=DiagnosedGrowth(
            bytes_per_request=float(responses.max_whole_bytes),
            part=0.0,
            bytes=responses.max_whole_bytes,
        ),
        evidence=DiagnosisEvidence(
            confidence=0.9,
            reasons=(
                f"a response of {size(responses.max_whole_bytes)} was handed over in one piece",
                f"{seen} responses were seen, {count(responses.streamed)} of them streamed",
            ),
            falsifiers=("the body is computed as a whole and cannot be had in pieces",),
            worker_ids=tuple(history.worker_id for history in evidence.histories),
        ),
        attribution=EndpointAttribution(endpoint=endpoint),
    )
