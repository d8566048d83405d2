"""Runs the walk in Python in a child, for a snapshot where the walker in C was not compiled.

The child is a whole interpreter, so Python's own fork makes it, with all fork hooks. Most pages
that it reads are copied, because counting references writes into every object. The fork drops the
calls of all other threads, so this walker does not see what only their locals keep.
"""

from __future__ import annotations

import gc
import os
import posix
import signal
import sys
from time import monotonic
from typing import TYPE_CHECKING

from bugsly.heap.python_walker.earlier import keep_growing
from bugsly.heap.python_walker.walk import walk_heap
from bugsly.heap.walk_result import decode_walk_result, encode_walk_result

if TYPE_CHECKING:
    from bugsly.heap.snapshot import WalkRoots

MAX_COPIED_RATIO = 2.5
"""Most memory of a child, relative to its worker's private memory: all of it copied, and tables."""
MAX_CLOSED_DESCRIPTORS = 4_096
EXIT_NO_MEMORY, EXIT_CRASHED = 71, 74
NICENESS = 19


class PythonWalker:
    """A walker that follows references with `gc.get_referents`."""

    name = "python"

    def start(
        self,
        descriptor: int,
        roots: WalkRoots,
        include_unreachable: bool,  # noqa: FBT001 - as in the walker in C
        earlier_results: tuple[bytes, ...],
    ) -> tuple[int, float]:
        """Return the pid of a child that walks, and the seconds the fork took."""
        previous_mask = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        try:
            started = monotonic()
            pid = posix.fork()  # os.fork may be gevent's, which would wake its loop in the child
            if not pid:
                _run_child(
                    descriptor, roots, earlier_results, include_unreachable=include_unreachable
                )
            return pid, monotonic() - started
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None for one that runs."""
        found, status = posix.waitpid(pid, posix.WNOHANG)
        return status if found else None

    def max_memory(self, private_bytes: int, /) -> int:
        """Return the most bytes that a child takes, of a worker with so much private memory."""
        return int(private_bytes * MAX_COPIED_RATIO)


def _run_child(
    descriptor: int,
    roots: WalkRoots,
    earlier_results: tuple[bytes, ...],
    *,
    include_unreachable: bool,
) -> None:
    """Run as the child; never returns."""
    status = EXIT_CRASHED
    try:
        gc.disable()
        sys.setswitchinterval(1000)
        os.closerange(0, descriptor)
        os.closerange(descriptor + 1, MAX_CLOSED_DESCRIPTORS)
        _lower_priority()
        result = walk_heap(roots, include_unreachable=include_unreachable)
        results = (
            keep_growing([*map(decode_walk_result, earlier_results), result])
            if earlier_results
            else [result]
        )
        unwritten = memoryview(b"".join(map(encode_walk_result, results)))
        while unwritten:
            unwritten = unwritten[posix.write(descriptor, unwritten) :]
        status = 0
    except MemoryError:
        status = EXIT_NO_MEMORY
    finally:
        posix._exit(status)  # noqa: SLF001 - the only end of a child that runs nothing else


def _lower_priority() -> None:
    """Yield CPU time to others, and be the first to be killed where memory runs out."""
    posix.nice(NICENESS)
    try:
        score = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
        posix.write(score, b"1000")
        posix.close(score)
    except OSError:
        return
