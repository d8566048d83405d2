"""Classifies the end of a Gunicorn worker, for the worker itself and for its master."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from bugsly.protocol.memory import Exit, ExitReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def exit_code(error: BaseException | None) -> int:
    """Return the exit code with which Python ends a process for *error*.

    Gunicorn logs an error that a hook of the user raises on exit, and keeps the exit code.
    """
    system_exit = error
    while system_exit is not None and not isinstance(system_exit, SystemExit):
        system_exit = system_exit.__context__
    if system_exit is None:
        return 0 if error is None else 1
    if isinstance(system_exit.code, int):
        return system_exit.code & 0xFF
    return 0 if system_exit.code is None else 1


def classify_exit(worker: str, *, status: int, aborted: bool, oom_kills: int) -> Exit | None:
    """Return how a worker ended that its master reaped with wait status *status*.

    None for a worker that exited with code 0: its own report says more. An aborted worker that is
    serving a request exits with code 0, too, for Gunicorn catches its exit.
    """
    if os.WIFSIGNALED(status):
        signal_number = os.WTERMSIG(status)
        if aborted and signal_number in {signal.SIGABRT, signal.SIGKILL}:
            reason = ExitReason.TIMEOUT
        elif signal_number == signal.SIGKILL:
            reason = ExitReason.OUT_OF_MEMORY if oom_kills > 0 else ExitReason.KILLED
        elif signal_number == signal.SIGTERM:
            reason = ExitReason.TERMINATED
        else:
            reason = ExitReason.CRASHED
        return Exit(worker=worker, reason=reason, signal=signal_number)
    code = os.WEXITSTATUS(status)
    if aborted:
        return Exit(worker=worker, reason=ExitReason.TIMEOUT, code=code)
    return Exit(worker=worker, reason=ExitReason.CRASHED, code=code) if code else None


def reaped_wait_status() -> int:
    """Return the wait status that Arbiter.reap_workers holds while it calls child_exit.

    Gunicorn does not pass it to the hook; its local variable is `status` in Gunicorn 19 to 27.
    """
    reap_frames = (frame for frame in caller_frames() if frame.f_code.co_name == "reap_workers")
    frame = next(reap_frames, None)
    return 0 if frame is None else int(frame.f_locals.get("status", 0))


def caller_frames() -> Iterator[FrameType]:
    """Yield the frames of the callers, innermost first."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the interpreter's own way to ask
    while frame is not None:
        yield frame
        frame = frame.f_back
