"""Takes a snapshot of the heap for a probe: a child walks it while the worker keeps serving.

Why the child is made as it is: docs/decisions/0008-the-child-that-walks.md.
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

if TYPE_CHECKING:
    from collections.abc import Callable

    WalkRoots = list[tuple[str, object]]

TIMEOUT_SECONDS = 30.0
"""Seconds that a child may take."""
POLL_SECONDS = 0.01
READ_BYTES = 1 << 20
MAX_OUTPUT_BYTES = 64 << 20
"""Of all snapshots that one child writes."""
NO_FORK = "the snapshot was refused: the kernel starts no process ({})"
DAMAGED = "the snapshot was refused: {}"
BUSY = "the snapshot was refused: another one is being taken"
TOO_LONG = "the snapshot took longer than {:.0f} s and was stopped"
WORKER_EXITING = "the snapshot was stopped: the worker is exiting"
KILLED_BY_SIGNAL = "the snapshot failed: its process was killed by signal {}"
PROBLEM_BY_EXIT_CODE = {
    71: "the snapshot failed: its process ran out of memory",
    72: "the snapshot failed: the heap has more objects than it can count",
    75: "the snapshot failed: an object lies at an address above 48 bits",
}
BAD_EXIT_CODE = "the snapshot failed: its process ended with status {}"
INVALID_OUTPUT = "the snapshot failed: the output of its process is invalid ({})"

_busy = threading.Lock()


class SnapshotFailed(Exception):
    """No snapshot was taken; the text says why in one sentence."""


class HeapWalker(Protocol):
    """Starts a child that walks the heap, and reaps it."""

    name: str

    def start(
        self,
        descriptor: int,
        roots: WalkRoots,
        include_unreachable: bool,  # noqa: FBT001
        earlier_results: tuple[bytes, ...],
    ) -> tuple[int, float]:
        """Return the pid of a child that writes to *descriptor*, and the seconds of the fork.

        Raises `OSError` where no child can be started, `ValueError` for damaged *earlier_results*.
        """

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None for one that runs."""

    def max_memory(self, private_bytes: int, /) -> int:
        """Return the most bytes that a child takes, of a worker with so much private memory."""


class TakenSnapshots(NamedTuple):
    """All snapshots so far, and the seconds that the last one stopped the worker."""

    encoded_results: tuple[bytes, ...]
    """As the child wrote them: decoded ones would occupy memory of the worker for minutes."""
    pause_seconds: float

    @property
    def last_result(self) -> WalkResult:
        """Return the last snapshot."""
        return decode_walk_result(self.encoded_results[-1])


def take_snapshot(
    walker: HeapWalker,
    roots: WalkRoots,
    wait: Callable[[float], bool],
    *,
    include_unreachable: bool = True,
    earlier_results: tuple[bytes, ...] = (),
) -> TakenSnapshots:
    """Return *earlier_results* and a new snapshot; of several, only what grew in every interval.

    *wait* sleeps so many seconds and returns whether to stop. Raises `SnapshotFailed`.
    """
    if not _busy.acquire(blocking=False):
        raise SnapshotFailed(BUSY)
    try:
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


def _collect_output(
    start: Callable[[int], tuple[int, float]], walker: HeapWalker, wait: Callable[[float], bool]
) -> tuple[bytes, float]:
    """Return all that a child writes, and the seconds of its fork."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        try:
            pid, pause = start(writing)
        except OSError as error:
            raise SnapshotFailed(NO_FORK.format(error.strerror)) from None
        except ValueError as error:
            raise SnapshotFailed(DAMAGED.format(error)) from None
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
    """Return all that the child writes, or why the worker no longer waits for it."""
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
    """Wait for the end of the child; return its wait status, 0 where it is unknown."""
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
