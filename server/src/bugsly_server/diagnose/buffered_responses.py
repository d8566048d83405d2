"""Responses that are built whole, where they would better be streamed."""

from __future__ import annotations

from bugsly_server.diagnose.source_analysis.source_locations import locate_in_view
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import EndpointResponses, LeakEvidence
from bugsly_server.model.units import count, size

MIN_LARGE_BODY_BYTES = 4_000_000
"""Bytes of one body that are worth to be streamed."""
MIN_MEMORY_PART = 0.1
"""Of a worker's private memory."""
MIN_RESPONSES = 5


def diagnose_buffered_responses(evidence: LeakEvidence) -> list[Diagnosis]:
    """Return a diagnosis for each endpoint that hands over large bodies in one piece."""
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
    location = locate_in_view(Cause.BUFFERED_RESPONSE, endpoint, evidence.sources)
    return Diagnosis(
        cause=Cause.BUFFERED_RESPONSE,
        is_leak=False,
        holder="",
        site=location.site if location is not None else "",
        file=location.file if location is not None else "",
        endpoint=endpoint,
        shares=(),
        bytes_per_request=float(responses.max_whole_bytes),
        entries_per_request=0.0,
        part=0.0,
        bytes=responses.max_whole_bytes,
        bound_bytes=None,
        confidence=0.9,
        because=(
            f"a response of {size(responses.max_whole_bytes)} was handed over in one piece",
            f"{count(responses.responses)} responses were seen, {count(responses.streamed)} of them streamed",
        ),
        unless=("the body is computed as a whole and cannot be had in pieces",),
        workers=tuple(history.worker_id for history in evidence.histories),
    )
