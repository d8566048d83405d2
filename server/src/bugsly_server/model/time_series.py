"""A worker's memory over its life."""

from __future__ import annotations

from typing import NamedTuple

from bugsly_server.clock import Micros


class MemoryPoint(NamedTuple):
    """One sample, or all samples of a short stretch of time."""

    at: Micros
    requests: int
    """Answered since the worker started, at the end of the stretch."""
    low: int
    """Lowest anonymous memory of the stretch, bytes."""
    last: int
    high: int


class EndpointTraffic(NamedTuple):
    """What an endpoint answered in a span of time."""

    endpoint: str
    requests: int
    client_errors: int
    server_errors: int
    micros: int
    sent: int
    biggest: int
    whole: int = 0
    """Bytes of the biggest body that was handed over in one piece, where it is worth reporting."""
    streamed: int = 0
    """Responses that came in several pieces."""

    def merged_with(self, other: EndpointTraffic) -> EndpointTraffic:
        """Return what both answered."""
        return EndpointTraffic(
            self.endpoint,
            self.requests + other.requests,
            self.client_errors + other.client_errors,
            self.server_errors + other.server_errors,
            self.micros + other.micros,
            self.sent + other.sent,
            max(self.biggest, other.biggest),
            max(self.whole, other.whole),
            self.streamed + other.streamed,
        )
