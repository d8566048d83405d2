"""Frees what can be freed once, and gives it back to the kernel, to see whether it was free."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from bugsly.probes import process
from bugsly.protocol.evidence import Answer, Trim

if TYPE_CHECKING:
    from bugsly.protocol.evidence import Ask

COLLECTED_UP_TO = 1_000_000
"""Blocks of Python's allocator: in a larger heap a full collection stops the app for too long."""
ABSENT = "malloc_trim: the C library of this worker has none"


def trim(ask: Ask) -> Answer:
    """Return private memory before and after one collection, and a malloc_trim without the GIL."""
    try:
        import ctypes
    except ImportError:
        return Answer(ask=ask.id, problem=ABSENT)
    trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trimming is None:
        return Answer(ask=ask.id, problem=ABSENT)
    before = process.read_memory().anonymous
    garbage = gc.collect() if sys.getallocatedblocks() <= COLLECTED_UP_TO else -1
    trimming(ctypes.c_size_t(0))
    after = process.read_memory().anonymous
    return Answer(ask=ask.id, trim=Trim(before=before, after=after, garbage=garbage))
