"""Responses that are built whole, where they would better be streamed."""

from __future__ import annotations

from bugsly_server.diagnose.places import in_view
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Body, Dossier
from bugsly_server.model.units import count, size

LARGE = 4_000_000
"""Bytes of one body that are worth to be streamed."""
SHARE = 0.1
"""Of a worker's private memory."""
LEAST_RESPONSES = 5


def buffered(dossier: Dossier) -> list[Diagnosis]:
    """Return a diagnosis for each endpoint that hands over large bodies in one piece."""
    smallest = min((step.anonymous for life in dossier.lives for step in life.steps), default=0)
    return [
        _diagnosis(endpoint, body, dossier)
        for endpoint, body in sorted(dossier.bodies.items(), key=lambda pair: -pair[1].whole)
        if body.whole >= max(LARGE, SHARE * smallest) and body.responses >= LEAST_RESPONSES
    ]


def _diagnosis(endpoint: str, body: Body, dossier: Dossier) -> Diagnosis:
    place = in_view(Cause.BUFFERED_RESPONSE, endpoint, dossier.sources)
    return Diagnosis(
        cause=Cause.BUFFERED_RESPONSE,
        is_leak=False,
        holder="",
        site=place.site if place is not None else "",
        file=place.file if place is not None else "",
        endpoint=endpoint,
        shares=(),
        bytes_per_request=float(body.whole),
        entries_per_request=0.0,
        part=0.0,
        bytes=body.whole,
        bound_bytes=None,
        confidence=0.9,
        because=(
            f"a response of {size(body.whole)} was handed over in one piece",
            f"{count(body.responses)} responses were seen, {count(body.streamed)} of them streamed",
        ),
        unless=("the body is computed as a whole and cannot be had in pieces",),
        workers=tuple(life.worker_id for life in dossier.lives),
    )
