"""The walker in Python, for where the one in C was not compiled.

Its child is a whole Python, so it takes Python's own fork with the hooks at it, and copies most
pages that it looks at: counting references writes into every object. That fork forgets the calls of
all other threads, so the twin does not see what only their locals keep.
"""

from __future__ import annotations

import gc
import os
import posix
import signal
import sys
from time import monotonic
from typing import TYPE_CHECKING

from bugsly.heap.groups import read, write
from bugsly.heap.twin_earlier import what_grows
from bugsly.heap.twin_walk import twin_walk
from bugsly.probes import process

if TYPE_CHECKING:
    from bugsly.heap.snapshot import Roots

COPIED = 2.5
"""What a child may take, of its worker's private memory: all copied, and its own tables."""
MOST_DESCRIPTORS = 4_096
MEMORY, CRASH = 71, 74
NICE = 19


class PythonWalker:
    """Walks with `gc.get_referents`."""

    name = "python"

    def start(
        self,
        descriptor: int,
        roots: Roots,
        whole: bool,  # noqa: FBT001 - as the one in C
        earlier: tuple[bytes, ...],
    ) -> tuple[int, float]:
        """Return the pid of a child that walks, and the seconds the fork took."""
        before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        try:
            begun = monotonic()
            pid = posix.fork()  # os.fork may be gevent's, which would wake its loop in the child
            if not pid:
                _live(descriptor, roots, earlier, whole=whole)
            return pid, monotonic() - begun
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None of one that runs."""
        found, status = posix.waitpid(pid, posix.WNOHANG)
        return status if found else None

    def needs(self) -> int:
        """Return the bytes that a child may take at the most."""
        return int(process.read_memory().anonymous * COPIED)


def _live(descriptor: int, roots: Roots, earlier: tuple[bytes, ...], *, whole: bool) -> None:
    """Be the child, to its end."""
    status = CRASH
    try:
        gc.disable()
        sys.setswitchinterval(1000)
        os.closerange(0, descriptor)
        os.closerange(descriptor + 1, MOST_DESCRIPTORS)
        _stand_back()
        walked = twin_walk(roots, whole=whole)
        looks = what_grows([*map(read, earlier), walked]) if earlier else [walked]
        told = memoryview(b"".join(map(write, looks)))
        while told:
            told = told[posix.write(descriptor, told) :]
        status = 0
    except MemoryError:
        status = MEMORY
    finally:
        posix._exit(status)  # noqa: SLF001 - the only end of a child that runs nothing else


def _stand_back() -> None:
    """Let the kernel take this process first, where it lets us say so."""
    posix.nice(NICE)
    try:
        score = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
        posix.write(score, b"1000")
        posix.close(score)
    except OSError:
        return
