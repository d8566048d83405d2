"""Takes a snapshot: a child walks the heap, its worker goes on serving and reads what it tells.

Why the child is made the way it is: docs/decisions/0008-the-child-that-walks.md.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bugsly.heap.groups import Unreadable, Walked, read, split
from bugsly.probes.limit import read_headroom

if TYPE_CHECKING:
    from collections.abc import Callable

    Roots = list[tuple[str, object]]

LONGEST = 30.0
"""Seconds that a child may take."""
PAUSE = 0.01
PIECE = 1 << 20
MOST_TOLD = 64 << 20
"""Bytes: a child that tells more has gone mad."""
SPARE = 32_000_000
"""Bytes that have to be left beside what the child may take."""
NO_ROOM = "the snapshot was refused: {} MB are free below the limit of memory, {} MB are needed"
NO_FORK = "the snapshot was refused: the kernel makes no process ({})"
BUSY = "the snapshot was refused: another one is being taken"
TOO_LONG = "the snapshot took longer than {:.0f} s and was given up"
LEAVING = "the snapshot was given up: the worker leaves"
SIGNALLED = "the snapshot failed: its process was ended by signal {}"
ENDED = {
    71: "the snapshot failed: its process found no more memory",
    72: "the snapshot failed: the heap has more objects than it can count",
    75: "the snapshot failed: an object lies at an address above 48 bits",
}
FAILED = "the snapshot failed: its process ended with status {}"
NONSENSE = "the snapshot failed: its process told nonsense, {}"

_busy = threading.Lock()


class Failed(Exception):
    """There is no snapshot; the text says why in one sentence."""


class Walker(Protocol):
    """Makes a child that walks, and says how it ended."""

    name: str

    def start(
        self,
        descriptor: int,
        roots: Roots,
        whole: bool,  # noqa: FBT001
        earlier: tuple[bytes, ...],
    ) -> tuple[int, float]:
        """Return the pid of a child that tells *descriptor* of *roots*, and seconds of the fork."""

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None of one that runs."""

    def needs(self) -> int:
        """Return the bytes that a child may take at the most, its own and copied ones."""


class Taken(NamedTuple):
    """All looks there are now, and the seconds that the worker stood still for the last."""

    looks: tuple[bytes, ...]
    """As they were told: objects of them would stay in the worker's memory for long."""
    pause: float

    @property
    def walked(self) -> Walked:
        """Return what the last look tells."""
        return read(self.looks[-1])


def take(
    walker: Walker,
    roots: Roots,
    wait: Callable[[float], bool],
    *,
    whole: bool = True,
    earlier: tuple[bytes, ...] = (),
) -> Taken:
    """Return a look after all *earlier* ones, of which only what grew ever since is left.

    Raises `Failed`. *wait* sleeps, and says whether to give up.
    """
    if not _busy.acquire(blocking=False):
        raise Failed(BUSY)
    try:
        _guard(walker)
        told, pause = _told(
            lambda descriptor: walker.start(descriptor, roots, whole, earlier), walker, wait
        )
    finally:
        _busy.release()
    try:
        return Taken(split(told), pause)
    except Unreadable as error:
        raise Failed(NONSENSE.format(error)) from None


def _guard(walker: Walker) -> None:
    headroom = read_headroom()
    free, needed = headroom.limit - headroom.used, walker.needs() + SPARE
    if headroom.limit and free < needed:
        raise Failed(NO_ROOM.format(free // 1_000_000, needed // 1_000_000))


def _told(
    start: Callable[[int], tuple[int, float]], walker: Walker, wait: Callable[[float], bool]
) -> tuple[bytes, float]:
    """Return what a child tells to its end, and the seconds of its fork."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        try:
            pid, pause = start(writing)
        except OSError as error:
            raise Failed(NO_FORK.format(error.strerror)) from None
        finally:
            os.close(writing)
        told, problem, status = b"", "", 0
        try:
            told, problem = _listen(reading, wait)
        finally:
            status = _end(walker, pid, wait, kill=bool(problem) or not told)
    finally:
        os.close(reading)
    if problem or status:
        raise Failed(problem or _ending(status))
    return told, pause


def _listen(reading: int, wait: Callable[[float], bool]) -> tuple[bytes, str]:
    """Return all that the child says, or why it is not waited for any longer."""
    pieces: list[bytes] = []
    length, until = 0, time.monotonic() + LONGEST
    while time.monotonic() < until and length < MOST_TOLD:
        try:
            piece = os.read(reading, PIECE)
        except BlockingIOError:
            if wait(PAUSE):
                return b"", LEAVING
            continue
        if not piece:
            return b"".join(pieces), ""
        pieces.append(piece)
        length += len(piece)
    return b"", TOO_LONG.format(LONGEST)


def _end(walker: Walker, pid: int, wait: Callable[[float], bool], *, kill: bool) -> int:
    """Return how the child ended, which it has after this."""
    until = time.monotonic() + 1
    while True:
        try:
            status = walker.reap(pid)
        except OSError:
            return 0
        if status is not None:
            return status
        if kill or time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        wait(PAUSE)


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return SIGNALLED.format(signal.Signals(-code).name)
    return ENDED.get(code, FAILED.format(code))
