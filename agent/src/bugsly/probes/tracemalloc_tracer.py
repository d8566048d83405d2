"""Traces allocations of Python's own allocators with tracemalloc, for an allocation window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugsly.probes.allocation_lines import AllocationLines

MAX_FRAMES = 20
"""Frames of each stack: enough to reach the application from inside a library."""
MAX_BYTES = 50_000_000
"""Memory that tracing itself may take."""
ALREADY_TRACING = "the window was refused: the app traces with tracemalloc itself"


class TracemallocTracer:
    """Starts and stops tracemalloc."""

    name = "tracemalloc"

    def start(self) -> str:
        """Start tracing, unless the application already does."""
        import tracemalloc

        if tracemalloc.is_tracing():
            return ALREADY_TRACING
        tracemalloc.start(MAX_FRAMES)
        return ""

    def is_full(self) -> bool:
        """Return whether tracing has reached its limit of memory."""
        return self.overhead() > MAX_BYTES

    def overhead(self) -> int:
        """Return the bytes that tracing takes."""
        import tracemalloc

        return tracemalloc.get_tracemalloc_memory()

    def stop(self, lines: AllocationLines) -> None:
        """Stop tracing, and add what is still allocated to *lines*."""
        import tracemalloc

        try:
            statistics = tracemalloc.take_snapshot().statistics("traceback")
        finally:
            tracemalloc.stop()
        for statistic in statistics:
            stack = [
                (sys.intern(frame.filename), frame.lineno)
                for frame in reversed(statistic.traceback)
            ]
            lines.add(stack, statistic.size, statistic.count)
