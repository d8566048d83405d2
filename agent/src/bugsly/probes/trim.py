"""Gives free memory of the C allocator back to the kernel once, to see whether it was free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugsly.probes import process
from bugsly.protocol.evidence import Answer, Trim

if TYPE_CHECKING:
    from bugsly.protocol.evidence import Ask

ABSENT = "malloc_trim: the C library of this worker has none"


def trim(ask: Ask) -> Answer:
    """Return private memory before and after one malloc_trim, which needs no GIL."""
    try:
        import ctypes
    except ImportError:
        return Answer(ask=ask.id, problem=ABSENT)
    trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trimming is None:
        return Answer(ask=ask.id, problem=ABSENT)
    before = process.read_memory().anonymous
    trimming(ctypes.c_size_t(0))
    return Answer(ask=ask.id, trim=Trim(before=before, after=process.read_memory().anonymous))
