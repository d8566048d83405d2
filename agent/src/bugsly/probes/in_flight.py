"""Tracks which requests are in flight and since when, for samples of a worker that gets killed."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol
from weakref import ref

from bugsly.protocol.memory import EndpointInFlight

if TYPE_CHECKING:
    from weakref import ReferenceType

MAX_REPORTED_ENDPOINTS = 10
"""Endpoints in a sample, those whose requests take longest first."""
MAX_ENDPOINT_LENGTH = 200


class InFlightRequest(Protocol):
    """One request in progress."""

    begun: int
    """By `perf_counter_ns`."""

    @property
    def endpoint(self) -> str:
        """Return method and rule."""


class InFlightRequests:
    """The requests that have begun and not ended.

    They are referred to weakly: a request that its server drops halfway is forgotten. There is no
    lock, because a signal handler reads them, too; each step is atomic in the interpreter.
    """

    __slots__ = ("_frozen", "_requests")

    def __init__(self) -> None:
        self._requests: dict[int, ReferenceType[InFlightRequest]] = {}
        self._frozen: tuple[EndpointInFlight, ...] = ()

    def request_started(self, request: InFlightRequest) -> None:
        """Note that *request* came in."""
        self._requests[id(request)] = ref(request)

    def request_finished(self, request: InFlightRequest) -> None:
        """Note that it was answered."""
        self._requests.pop(id(request), None)

    def freeze(self) -> None:
        """Keep reporting the requests in flight now, which are about to be aborted."""
        self._frozen = self.by_endpoint()

    def by_endpoint(self) -> tuple[EndpointInFlight, ...]:
        """Return the endpoints with requests in flight, with the age of the oldest request."""
        if self._frozen:
            return self._frozen
        now, found = perf_counter_ns(), dict[str, list[int]]()
        for key, reference in list(self._requests.items()):
            request = reference()
            if request is None:
                self._requests.pop(key, None)
            else:
                found.setdefault(request.endpoint, []).append(now - request.begun)
        longest = sorted(
            found.items(), key=lambda endpoint_ages: max(endpoint_ages[1]), reverse=True
        )
        return tuple(
            EndpointInFlight(
                endpoint=endpoint[:MAX_ENDPOINT_LENGTH],
                requests=len(ages),
                micros=max(0, *ages) // 1000,
            )
            for endpoint, ages in longest[:MAX_REPORTED_ENDPOINTS]
        )
