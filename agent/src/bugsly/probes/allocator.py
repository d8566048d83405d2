"""Reads for the sampler the memory of glibc's and Python's allocators, and collector settings."""

from __future__ import annotations

import gc
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes.cost_throttle import CostThrottle

if TYPE_CHECKING:
    from collections.abc import Callable

MALLINFO_FIELDS = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)
"""The fields of glibc's `struct mallinfo2`, in order."""
OTHER_ALLOCATOR_FUNCTIONS = ("mallctl", "mi_malloc", "tc_malloc")
"""Functions that only jemalloc, mimalloc and tcmalloc have."""


class AllocatorMemory(NamedTuple):
    """Bytes allocated and bytes held, 0 if unknown; blocks of Python's allocator."""

    in_use: int = 0
    held: int = 0
    blocks: int | None = None


class AllocatorProbe:
    """Reads both allocators of this process."""

    def __init__(self) -> None:
        self._blocks_throttle = CostThrottle(sys.getallocatedblocks)
        self._mallinfo_throttle: CostThrottle[tuple[int, int] | None] | None = None

    def read(self) -> AllocatorMemory:
        """Return what they hold now, without what is expensive to read and was read recently."""
        if self._mallinfo_throttle is None:
            self._mallinfo_throttle = CostThrottle(_mallinfo_reader())
        in_use, held = self._mallinfo_throttle.read_if_due() or (0, 0)
        return AllocatorMemory(in_use, held, self._blocks_throttle.read_if_due())


def _mallinfo_reader() -> Callable[[], tuple[int, int] | None]:
    """Return a function that reads (in use, held) from glibc 2.33 or newer, elsewhere None.

    Its cost grows with the number of free chunks, about 3 ns each, during which malloc waits. If
    another allocator replaces that of glibc, there is nothing to read.
    """
    try:
        import ctypes
    except ImportError:  # Python was built without libffi
        return lambda: None
    library = ctypes.CDLL(None)
    mallinfo2 = getattr(library, "mallinfo2", None)
    if mallinfo2 is None or any(hasattr(library, name) for name in OTHER_ALLOCATOR_FUNCTIONS):
        return lambda: None

    class Mallinfo2(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_size_t) for name in MALLINFO_FIELDS)

    mallinfo2.restype = Mallinfo2

    def read() -> tuple[int, int]:
        found = mallinfo2()
        return found.uordblks + found.hblkhd, found.arena + found.hblkhd

    return read


def read_collector_facts() -> dict[str, int]:
    """Return the settings and counts of the garbage collector, and the number of threads."""
    return {
        "gc_enabled": int(gc.isenabled()),
        "gc_frozen": gc.get_freeze_count(),
        "gc_threshold": gc.get_threshold()[0],
        "gc_collections_2": gc.get_stats()[2]["collections"],
        "gc_uncollectable": len(gc.garbage),
        "threads_python": threading.active_count(),
    }
