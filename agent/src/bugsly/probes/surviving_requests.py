"""Counts requests that stay in memory after they ended, from a sample with weak references.

Whoever keeps a request, its context, or an exception of its view holds it: the frames of a
traceback refer to the request they served.
"""

from __future__ import annotations

import gc
import weakref
from collections import Counter, deque
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bugsly.protocol.evidence import Holder, HolderCount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from weakref import ReferenceType

    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.probes.traffic import EndpointKey

FOLLOWED_SHARE = 1 / 8
"""Share of the requests without an error that are followed; those that failed all are."""
MAX_PENDING_REQUESTS = 1_000
MAX_SURVIVING_REQUESTS = 2_000
MIN_COLLECTIONS = 2
"""Full collections after which an object that is alive is referred to by something."""
MAX_PENDING_SECONDS = 60.0
"""Seconds after which a request counts anyway: collections may be switched off, or rare."""


def request_ref(environ: WSGIEnvironment) -> ReferenceType[object] | None:
    """Return a weak reference to the framework's request in *environ*, if there is one."""
    request = environ.get("werkzeug.request")
    return None if request is None else weakref.ref(request)


class EndedRequest(NamedTuple):
    """A request that ended at *ended_at*, when so many full collections had run."""

    ref: ReferenceType[object]
    endpoint: EndpointKey
    failed: bool
    ended_at: float
    collections: int


class SurvivingRequests:
    """The followed requests that are still alive."""

    def __init__(self, pending_seconds: float = MAX_PENDING_SECONDS) -> None:
        self._pending_seconds = pending_seconds
        self._pending: deque[EndedRequest] = deque(maxlen=MAX_PENDING_REQUESTS)
        self._alive: list[EndedRequest] = []
        self._gone_by_failed: Counter[bool] = Counter()

    def follow(self, ref: ReferenceType[object], endpoint: EndpointKey, *, failed: bool) -> None:
        """Follow a request that has just ended."""
        self._pending.append(EndedRequest(ref, endpoint, failed, monotonic(), full_collections()))

    def count_holders(self) -> Iterator[HolderCount]:
        """Count those alive, failed ones separately; others are extrapolated from a share."""
        self._update()
        for failed, count in self._count_by_failed().items():
            yield HolderCount(holder=NAME_BY_FAILED[failed], count=count)

    def describe_holders(self) -> Iterator[Holder]:
        """Describe them."""
        for failed in self._count_by_failed():
            requests = [one for one in self._alive if one.failed is failed]
            outlived = sum(1 for one in requests if self._collections_since(one) >= MIN_COLLECTIONS)
            yield Holder(
                name=NAME_BY_FAILED[failed],
                kind="survivor",
                entry="request",
                removed=_extrapolate(self._gone_by_failed[failed], failed=failed),
                endpoint=_main_endpoint(requests),
                details={"outlived_collections": _extrapolate(outlived, failed=failed)},
            )

    def _update(self) -> None:
        surviving = [one for one in self._take_settled() if one.ref() is not None]
        for request in self._alive:
            if request.ref() is None:
                self._gone_by_failed[request.failed] += 1
            else:
                surviving.append(request)
        self._alive = surviving[:MAX_SURVIVING_REQUESTS]

    def _take_settled(self) -> Iterator[EndedRequest]:
        """Remove and yield those that ended long enough ago."""
        while self._pending and self._is_settled(self._pending[0]):
            yield self._pending.popleft()

    def _is_settled(self, request: EndedRequest) -> bool:
        long_ago = monotonic() - request.ended_at >= self._pending_seconds
        return long_ago or self._collections_since(request) >= MIN_COLLECTIONS

    def _collections_since(self, request: EndedRequest) -> int:
        return full_collections() - request.collections

    def _count_by_failed(self) -> dict[bool, int]:
        counted = Counter(one.failed for one in self._alive)
        return {failed: _extrapolate(count, failed=failed) for failed, count in counted.items()}


NAME_BY_FAILED = {
    False: "requests alive after they ended",
    True: "failed requests alive after they ended",
}


def full_collections() -> int:
    """Return how often the oldest generation has been collected."""
    return int(gc.get_stats()[2]["collections"])


def _extrapolate(count: int, *, failed: bool) -> int:
    return count if failed else round(count / FOLLOWED_SHARE)


def _main_endpoint(requests: list[EndedRequest]) -> str:
    """Return the endpoint of more than half of *requests*, if there is one."""
    ((endpoint, count),) = Counter(one.endpoint for one in requests).most_common(1)
    return " ".join(endpoint).strip() if 2 * count > len(requests) else ""
