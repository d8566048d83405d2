"""Limits how many errors are captured, in total and of each kind, and counts the others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MAX_KINDS = 256
"""Kinds that have a bucket; the one used longest ago makes room."""


@dataclass(slots=True)
class TokenBucket:
    """Holds up to *capacity* tokens, and gains *refill_per_second* of them."""

    capacity: float
    refill_per_second: float
    tokens: float
    refilled_at: float

    def refill(self, now: float) -> None:
        """Add the tokens since the last refill."""
        self.tokens = min(
            self.capacity, self.tokens + (now - self.refilled_at) * self.refill_per_second
        )
        self.refilled_at = now


class ErrorRateLimiter:
    """Admits 10 errors at once and one a second of each kind, 30 and 10 a second of all kinds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._all_kinds = TokenBucket(30, 10, 30, clock())
        self._kinds: OrderedDict[Hashable, TokenBucket] = OrderedDict()
        self._rate_limited_by_kind: dict[Hashable, int] = {}
        self.rate_limited = 0

    def admit(self, kind: Hashable) -> int | None:
        """Return how many of *kind* were dropped since the last one; None to drop this one."""
        with self._lock:
            now = self._clock()
            bucket = self._bucket_of(kind, now)
            bucket.refill(now)
            self._all_kinds.refill(now)
            if min(bucket.tokens, self._all_kinds.tokens) < 1:
                self.rate_limited += 1
                self._rate_limited_by_kind[kind] = self._rate_limited_by_kind.get(kind, 0) + 1
                return None
            bucket.tokens -= 1
            self._all_kinds.tokens -= 1
            return self._rate_limited_by_kind.pop(kind, 0)

    def _bucket_of(self, kind: Hashable, now: float) -> TokenBucket:
        if kind not in self._kinds:
            if len(self._kinds) >= MAX_KINDS:
                oldest, _ = self._kinds.popitem(last=False)
                self._rate_limited_by_kind.pop(oldest, None)
            self._kinds[kind] = TokenBucket(10, 1, 10, now)
        self._kinds.move_to_end(kind)
        return self._kinds[kind]
