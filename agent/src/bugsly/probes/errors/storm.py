"""Lets a few errors of a kind through in a storm of them, and counts the others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_KINDS = 256
"""Kinds of errors that are remembered."""


@dataclass(slots=True)
class Bucket:
    """Holds up to *most* tokens, and gains *each_second* of them."""

    most: float
    each_second: float
    tokens: float
    at: float

    def fill(self, now: float) -> None:
        """Add what time has brought."""
        self.tokens = min(self.most, self.tokens + (now - self.at) * self.each_second)
        self.at = now


class Storm:
    """Admits 10 errors at once and one a second of each kind, 30 and 10 a second of all kinds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._all = Bucket(30, 10, 30, clock())
        self._kinds: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._unsent: dict[Hashable, int] = {}
        self.held_back = 0

    def admit(self, kind: Hashable) -> int | None:
        """Return how many of *kind* were held back since the last one; None to hold this back."""
        with self._lock:
            now = self._clock()
            bucket = self._bucket(kind, now)
            bucket.fill(now)
            self._all.fill(now)
            if min(bucket.tokens, self._all.tokens) < 1:
                self.held_back += 1
                self._unsent[kind] = self._unsent.get(kind, 0) + 1
                return None
            bucket.tokens -= 1
            self._all.tokens -= 1
            return self._unsent.pop(kind, 0)

    def _bucket(self, kind: Hashable, now: float) -> Bucket:
        if kind not in self._kinds:
            if len(self._kinds) >= MOST_KINDS:
                oldest, _ = self._kinds.popitem(last=False)
                self._unsent.pop(oldest, None)
            self._kinds[kind] = Bucket(10, 1, 10, now)
        self._kinds.move_to_end(kind)
        return self._kinds[kind]
