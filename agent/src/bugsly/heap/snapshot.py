"""Takes a snapshot: a child walks the heap, its worker goes on serving and reads what it tells.

Why the child is made the way it is: docs/decisions/0008-the-child-that-walks.md.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bugsly.heap.walk_result import (
    InvalidWalkResult,
    WalkResult,
    decode_walk_result,
    split_walk_results,
)
from bugsly.probes.memory_limit import read_headroom

if TYPE_CHECKING:
    from collections.abc import Callable

    WalkRoots = list[tuple[str, object]]

TIMEOUT_SECONDS = 30.0
"""Seconds that a child may take."""
POLL_SECONDS = 0.01
READ_BYTES = 1 << 20
MAX_OUTPUT_BYTES = 64 << 20
"""Bytes: a child that tells more has gone mad."""
SPARE_BYTES = 32_000_000
"""Bytes that have to be left beside what the child may take."""
NO_ROOM = "the snapshot was refused: {} MB are free below the limit of memory, {} MB are needed"
NO_FORK = "the snapshot was refused: the kernel makes no process ({})"
BUSY = "the snapshot was refused: another one is being taken"
TOO_LONG = "the snapshot took longer than {:.0f} s and was given up"
WORKER_EXITING = "the snapshot was given up: the worker leaves"
KILLED_BY_SIGNAL = "the snapshot failed: its process was ended by signal {}"
PROBLEM_BY_EXIT_CODE = {
    71: "the snapshot failed: its process found no more memory",
    72: "the snapshot failed: the heap has more objects than it can count",
    75: "the snapshot failed: an object lies at an address above 48 bits",
}
BAD_EXIT_CODE = "the snapshot failed: its process ended with status {}"
INVALID_OUTPUT = "the snapshot failed: its process told nonsense, {}"

_busy = threading.Lock()


class SnapshotFailed(Exception):
    """There is no snapshot; the text says why in one sentence."""


class HeapWalker(Protocol):
    """Makes a child that walks, and says how it ended."""

    name: str

    def start(
        self,
        descriptor: int,
        roots: WalkRoots,
        include_unreachable: bool,  # noqa: FBT001
        earlier_results: tuple[bytes, ...],
    ) -> tuple[int, float]:
        """Return the pid of a child that tells *descriptor* of *roots*, and seconds of the fork."""

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None of one that runs."""

    def max_memory(self) -> int:
        """Return the bytes that a child may take at the most, its own and copied ones."""


class TakenSnapshots(NamedTuple):
    """All looks there are now, and the seconds that the worker stood still for the last."""

    encoded_results: tuple[bytes, ...]
    """As they were told: objects of them would stay in the worker's memory for long."""
    pause_seconds: float

    @property
    def last_result(self) -> WalkResult:
        """Return what the last look tells."""
        return decode_walk_result(self.encoded_results[-1])


def take_snapshot(
    walker: HeapWalker,
    roots: WalkRoots,
    wait: Callable[[float], bool],
    *,
    include_unreachable: bool = True,
    earlier_results: tuple[bytes, ...] = (),
) -> TakenSnapshots:
    """Return a look after all *earlier_results* ones, of which only what grew ever since is left.

    Raises `SnapshotFailed`. *wait* sleeps, and says whether to give up.
    """
    if not _busy.acquire(blocking=False):
        raise SnapshotFailed(BUSY)
    try:
        _check_headroom(walker)
        output, pause = _collect_output(
            lambda descriptor: walker.start(
                descriptor, roots, include_unreachable, earlier_results
            ),
            walker,
            wait,
        )
    finally:
        _busy.release()
    try:
        return TakenSnapshots(split_walk_results(output), pause)
    except InvalidWalkResult as error:
        raise SnapshotFailed(INVALID_OUTPUT.format(error)) from None


def _check_headroom(walker: HeapWalker) -> None:
    headroom = read_headroom()
    free, needed = headroom.limit - headroom.used, walker.max_memory() + SPARE_BYTES
    if headroom.limit and free < needed:
        raise SnapshotFailed(NO_ROOM.format(free // 1_000_000, needed // 1_000_000))


def _collect_output(
    start: Callable[[int], tuple[int, float]], walker: HeapWalker, wait: Callable[[float], bool]
) -> tuple[bytes, float]:
    """Return what a child tells to its end, and the seconds of its fork."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        try:
            pid, pause = start(writing)
        except OSError as error:
            raise SnapshotFailed(NO_FORK.format(error.strerror)) from None
        finally:
            os.close(writing)
        output, problem, status = b"", "", 0
        try:
            output, problem = _read_output(reading, wait)
        finally:
            status = _reap(walker, pid, wait, kill=bool(problem) or not output)
    finally:
        os.close(reading)
    if problem or status:
        raise SnapshotFailed(problem or _exit_problem(status))
    return output, pause


def _read_output(reading: int, wait: Callable[[float], bool]) -> tuple[bytes, str]:
    """Return all that the child says, or why it is not waited for any longer."""
    pieces: list[bytes] = []
    length, deadline = 0, time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and length < MAX_OUTPUT_BYTES:
        try:
            piece = os.read(reading, READ_BYTES)
        except BlockingIOError:
            if wait(POLL_SECONDS):
                return b"", WORKER_EXITING
            continue
        if not piece:
            return b"".join(pieces), ""
        pieces.append(piece)
        length += len(piece)
    return b"", TOO_LONG.format(TIMEOUT_SECONDS)


def _reap(walker: HeapWalker, pid: int, wait: Callable[[float], bool], *, kill: bool) -> int:
    """Return how the child ended, which it has after this."""
    deadline = time.monotonic() + 1
    while True:
        try:
            status = walker.reap(pid)
        except OSError:
            return 0
        if status is not None:
            return status
        if kill or time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        wait(POLL_SECONDS)


def _exit_problem(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return KILLED_BY_SIGNAL.format(signal.Signals(-code).name)
    return PROBLEM_BY_EXIT_CODE.get(code, BAD_EXIT_CODE.format(code))
