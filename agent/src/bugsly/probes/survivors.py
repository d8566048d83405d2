"""Counts requests that are still alive though they ended, from a sample of them known weakly.

A request is held by whoever keeps it, its context, or an exception of its views: the frames of a
traceback hold the request they served.
"""

from __future__ import annotations

import gc
import weakref
from collections import Counter, deque
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bugsly.protocol.evidence import Holder, Level

if TYPE_CHECKING:
    from collections.abc import Iterator
    from weakref import ReferenceType

    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.probes.traffic import Endpoint

SHARE = 1 / 8
"""Of the requests that did not fail; those that failed are all followed."""
MOST_PENDING = 1_000
MOST_ALIVE = 2_000
COLLECTIONS = 2
"""Full collections after which whatever is alive is held by something."""
PATIENCE = 60.0
"""Seconds after which it is told all the same, for collections may be off, or rare."""


def ref_of(environ: WSGIEnvironment) -> ReferenceType[object] | None:
    """Return a weak reference to the framework's request in *environ*, if there is one."""
    request = environ.get("werkzeug.request")
    return None if request is None else weakref.ref(request)


class Ended(NamedTuple):
    """A request that ended, at that time and after that many full collections."""

    ref: ReferenceType[object]
    endpoint: Endpoint
    failed: bool
    at: float
    collections: int


class Survivors:
    """What was followed and lives on."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._pending: deque[Ended] = deque(maxlen=MOST_PENDING)
        self._alive: list[Ended] = []
        self._gone: Counter[bool] = Counter()

    def watch(self, ref: ReferenceType[object], endpoint: Endpoint, *, failed: bool) -> None:
        """Follow a request that ends now."""
        self._pending.append(Ended(ref, endpoint, failed, monotonic(), full_collections()))

    def levels(self) -> Iterator[Level]:
        """Count those alive, failed ones apart; of the others a share was followed."""
        self._look()
        for failed, count in self._counts().items():
            yield Level(holder=NAMES[failed], count=count)

    def holders(self) -> Iterator[Holder]:
        """Describe them."""
        for failed in self._counts():
            rows = [one for one in self._alive if one.failed is failed]
            sure = sum(1 for one in rows if self._collections_since(one) >= COLLECTIONS)
            yield Holder(
                name=NAMES[failed],
                kind="survivor",
                entry="request",
                removed=_scale(self._gone[failed], failed=failed),
                endpoint=_main_endpoint(rows),
                details={"outlived_collections": _scale(sure, failed=failed)},
            )

    def _look(self) -> None:
        ripe = [one for one in self._settled() if one.ref() is not None]
        for one in self._alive:
            if one.ref() is None:
                self._gone[one.failed] += 1
            else:
                ripe.append(one)
        self._alive = ripe[:MOST_ALIVE]

    def _settled(self) -> Iterator[Ended]:
        """Take out those that ended long enough ago."""
        while self._pending and self._is_ripe(self._pending[0]):
            yield self._pending.popleft()

    def _is_ripe(self, one: Ended) -> bool:
        long_ago = monotonic() - one.at >= self._patience
        return long_ago or self._collections_since(one) >= COLLECTIONS

    def _collections_since(self, one: Ended) -> int:
        return full_collections() - one.collections

    def _counts(self) -> dict[bool, int]:
        counted = Counter(one.failed for one in self._alive)
        return {failed: _scale(count, failed=failed) for failed, count in counted.items()}


NAMES = {
    False: "requests alive after they ended",
    True: "failed requests alive after they ended",
}


def full_collections() -> int:
    """Return how often the oldest generation was collected."""
    return int(gc.get_stats()[2]["collections"])


def _scale(count: int, *, failed: bool) -> int:
    return count if failed else round(count / SHARE)


def _main_endpoint(rows: list[Ended]) -> str:
    """Return the endpoint of more than half of *rows*, if there is one."""
    ((endpoint, count),) = Counter(one.endpoint for one in rows).most_common(1)
    return " ".join(endpoint).strip() if 2 * count > len(rows) else ""
