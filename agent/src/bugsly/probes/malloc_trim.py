"""Collects garbage and returns free memory to the kernel once, for a probe request."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from bugsly.probes import process
from bugsly.protocol.evidence import ProbeResult, TrimResult

if TYPE_CHECKING:
    from bugsly.protocol.evidence import ProbeRequest

MAX_COLLECTED_BLOCKS = 1_000_000
"""Blocks of Python's allocator; a full collection of a larger heap stops the app for too long."""
NO_MALLOC_TRIM = "malloc_trim: the C library of this worker has none"


def trim_memory(probe_request: ProbeRequest) -> ProbeResult:
    """Return private memory before and after a collection and a malloc_trim without the GIL."""
    try:
        import ctypes
    except ImportError:
        return ProbeResult(ask=probe_request.id, problem=NO_MALLOC_TRIM)
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is None:
        return ProbeResult(ask=probe_request.id, problem=NO_MALLOC_TRIM)
    before = process.read_memory().anonymous
    garbage = gc.collect() if sys.getallocatedblocks() <= MAX_COLLECTED_BLOCKS else -1
    malloc_trim(ctypes.c_size_t(0))
    after = process.read_memory().anonymous
    return ProbeResult(
        ask=probe_request.id, trim=TrimResult(before=before, after=after, garbage=garbage)
    )
