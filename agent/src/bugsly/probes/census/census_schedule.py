"""Spreads the passes of the census over time, for the sampler, so that requests hardly wait."""

from __future__ import annotations

import math
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugsly.probes.census.census import Census

SLICE_SECONDS = 0.0007
"""Seconds of work in one slice: a request may have to wait for it."""
MIN_CPU_SHARE = 0.005
DEVELOPMENT_CPU_SHARE = 0.1
"""Shares of the time between two samples; in development samples are frequent."""
QUIET_PASSES_PER_REST = 4
"""Passes that found nothing new, after each of which one more sample goes without a pass."""
MAX_REST_SAMPLES = 5
"""Samples in a row without a pass."""


class CensusSchedule:
    """Runs one pass between two samples that are *every* seconds apart, fewer if nothing grows."""

    def __init__(self, census: Census, every: float) -> None:
        self._census = census
        self._share = DEVELOPMENT_CPU_SHARE if every <= 1 else max(MIN_CPU_SHARE, 0.05 / every)
        self._quiet_passes = 0
        self._samples_to_rest = 0
        self._in_pass = False

    def begin_pass(self) -> None:
        """Begin a pass, unless one is in progress or none is due."""
        if not self._in_pass and self._samples_to_rest > 0:
            self._samples_to_rest -= 1
        else:
            self._in_pass = True

    def run_slice(self) -> float:
        """Work for one slice; return the seconds to wait for the next, infinity after the last."""
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
