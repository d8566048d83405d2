"""Spreads the passes of a census over time, so that the application hardly notices."""

from __future__ import annotations

import math
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugsly.probes.census.census import Census

SLICE = 0.0007
"""Seconds of work in one go: what a request may have to wait for."""
LEAST_SHARE = 0.005
DESK_SHARE = 0.1
"""Of the time between two samples, at most: the first where they are rare, the second at a desk."""
QUIET = 4
"""Passes that found nothing new to follow, after which there is one less for a sample."""
LONGEST_REST = 5
"""Samples that go by without a pass, at most."""


class Survey:
    """Makes a pass between two samples that are *every* seconds apart, unless all is quiet."""

    def __init__(self, census: Census, every: float) -> None:
        self._census = census
        self._share = DESK_SHARE if every <= 1 else max(LEAST_SHARE, 0.05 / every)
        self._quiet = 0
        self._rest = 0
        self._under_way = False

    def begin(self) -> None:
        """Let a pass begin, unless one is under way or none is due."""
        if not self._under_way and self._rest > 0:
            self._rest -= 1
        else:
            self._under_way = True

    def step(self) -> float:
        """Work for a slice; return the seconds to wait for the next, for ever after the last."""
        if not self._under_way:
            return math.inf
        followed = self._census.followed
        begun = thread_time()
        if self._census.work(SLICE):
            self._under_way = False
            self._quiet = self._quiet + 1 if self._census.followed == followed else 0
            self._rest = min(LONGEST_REST, self._quiet // QUIET)
            return math.inf
        return (thread_time() - begun) * (1 / self._share - 1)
