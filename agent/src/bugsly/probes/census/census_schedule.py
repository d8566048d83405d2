"""Spreads the passes of a census over time, so that the application hardly notices."""

from __future__ import annotations

import math
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugsly.probes.census.census import Census

SLICE_SECONDS = 0.0007
"""Seconds of work in one go: what a request may have to wait for."""
MIN_CPU_SHARE = 0.005
DEVELOPMENT_CPU_SHARE = 0.1
"""Of the time between two samples, at most: the first where they are rare, the second at a desk."""
QUIET_PASSES_PER_REST = 4
"""Passes that found nothing new to follow, after which there is one less for a sample."""
MAX_REST_SAMPLES = 5
"""Samples that go by without a pass, at most."""


class CensusSchedule:
    """Makes a pass between two samples that are *every* seconds apart, unless all is quiet."""

    def __init__(self, census: Census, every: float) -> None:
        self._census = census
        self._share = DEVELOPMENT_CPU_SHARE if every <= 1 else max(MIN_CPU_SHARE, 0.05 / every)
        self._quiet_passes = 0
        self._samples_to_rest = 0
        self._in_pass = False

    def begin_pass(self) -> None:
        """Let a pass begin, unless one is under way or none is due."""
        if not self._in_pass and self._samples_to_rest > 0:
            self._samples_to_rest -= 1
        else:
            self._in_pass = True

    def run_slice(self) -> float:
        """Work for a slice; return the seconds to wait for the next, for ever after the last."""
        if not self._in_pass:
            return math.inf
        watched_before = self._census.watched_count
        started = thread_time()
        if self._census.work(SLICE_SECONDS):
            self._in_pass = False
            self._quiet_passes = (
                self._quiet_passes + 1 if self._census.watched_count == watched_before else 0
            )
            self._samples_to_rest = min(
                MAX_REST_SAMPLES, self._quiet_passes // QUIET_PASSES_PER_REST
            )
            return math.inf
        return (thread_time() - started) * (1 / self._share - 1)
