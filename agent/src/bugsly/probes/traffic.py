"""Counts requests by endpoint for samples; it is on the request path, so every step is cheap."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bugsly.probes.in_flight import MAX_ENDPOINT_LENGTH, InFlightRequests
from bugsly.protocol.memory import SampledTraffic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

MAX_ENDPOINTS = 200
METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
MIN_LARGE_BODY_BYTES = 256_000
"""Size from which on a body sent in one piece is reported."""
OTHER_ENDPOINTS = ("", "(other endpoints)")
UNKNOWN_ENDPOINT = ("", "(unknown)")
EndpointKey = tuple[str, str]
"""Method and rule. The label `GET /items/<id>` is made once per sample, not per request."""


def endpoint_of(environ: WSGIEnvironment) -> EndpointKey:
    """Return the endpoint of *environ*, where Werkzeug stores the request."""
    method = environ.get("REQUEST_METHOD")
    if method not in METHODS:
        method = "OTHER"
    request = environ.get("werkzeug.request")
    if request is None:
        return (method, "(unrouted)")
    rule = getattr(request, "url_rule", None)
    return (method, "(no route)" if rule is None else rule.rule)


class TrafficProbe:
    """The traffic of this worker since its start, and since the last sample."""

    __slots__ = ("_lock", "_rows", "_taken_counts", "in_flight", "in_flight_requests", "requests")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[EndpointKey, list[int]] = {}
        self._taken_counts: dict[EndpointKey, int] = {}
        self.requests = 0
        self.in_flight = 0
        self.in_flight_requests = InFlightRequests()

    def reset_lock(self) -> None:
        """Replace the lock: a thread that the fork dropped may hold it."""
        self._lock = threading.Lock()

    def request_started(self) -> None:
        """Note that a request came in."""
        with self._lock:
            self.in_flight += 1

    def request_finished(
        self, endpoint: EndpointKey, status: int, micros: int, sent: int, pieces: int = 0
    ) -> None:
        """Note that a request was answered with *sent* bytes after *micros* microseconds.

        *pieces* counts the pieces of the body, 0 if unknown.
        """
        with self._lock:
            self.in_flight -= 1
            self.requests += 1
            row = self._rows.get(endpoint)
            if row is None:
                row = self._row(endpoint)
            row[0] += 1
            if status >= 500:
                row[2] += 1
            elif status >= 400:
                row[1] += 1
            row[3] += micros
            row[4] += sent
            row[5] = max(row[5], sent)
            if pieces > 1:
                row[7] += 1
            elif pieces and sent > row[6]:
                row[6] = sent

    def _row(self, endpoint: EndpointKey) -> list[int]:
        if len(self._rows) >= MAX_ENDPOINTS:
            endpoint = OTHER_ENDPOINTS
        return self._rows.setdefault(endpoint, [0] * 8)

    def take_traffic(self) -> tuple[SampledTraffic, ...]:
        """Return the traffic since the last call, busiest endpoint first, and start over."""
        with self._lock:
            rows, self._rows = self._rows, {}
            self._taken_counts = _with_counts(self._taken_counts, rows)
        busiest = sorted(rows.items(), key=lambda row: row[1][0], reverse=True)
        return tuple(
            SampledTraffic(
                endpoint=f"{method} {rule}".strip()[:MAX_ENDPOINT_LENGTH],
                requests=row[0],
                client_errors=row[1],
                server_errors=row[2],
                micros=row[3],
                sent=row[4],
                biggest=row[5],
                whole=row[6] if row[6] >= MIN_LARGE_BODY_BYTES else 0,
                streamed=row[7],
            )
            for (method, rule), row in busiest
        )

    def requests_by_endpoint(self) -> dict[EndpointKey, int]:
        """Return how many requests of each endpoint have been answered since the start."""
        with self._lock:
            return _with_counts(self._taken_counts, self._rows)


def _with_counts(
    served: Mapping[EndpointKey, int], rows: Mapping[EndpointKey, list[int]]
) -> dict[EndpointKey, int]:
    """Return *served* plus *rows*; new endpoints beyond `MAX_ENDPOINTS` count as others."""
    total = dict(served)
    for endpoint, row in rows.items():
        fits = endpoint in total or len(total) < MAX_ENDPOINTS
        name = endpoint if fits else OTHER_ENDPOINTS
        total[name] = total.get(name, 0) + row[0]
    return total
