"""What the end of a Gunicorn worker means, as the worker and as its master see it."""

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
    """Return the code with which Python ends a process for *error*.

    An error that a hook of the user's raised on the way out is none to Gunicorn: it logs it.
    """
    leaving = error
    while leaving is not None and not isinstance(leaving, SystemExit):
        leaving = leaving.__context__
    if leaving is None:
        return 0 if error is None else 1
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    return 0 if leaving.code is None else 1


def judge_exit(worker: str, *, status: int, aborted: bool, oom_kills: int) -> Exit | None:
    """Return the master's word on a worker that ended with wait status *status*.

    None for a worker that left with code 0: its own word says more. Gunicorn catches the exit of
    an aborted worker that is serving a request, which then leaves with code 0 too.
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if aborted and number in {signal.SIGABRT, signal.SIGKILL}:
            reason = ExitReason.TIMEOUT
        elif number == signal.SIGKILL:
            reason = ExitReason.OUT_OF_MEMORY if oom_kills > 0 else ExitReason.KILLED
        elif number == signal.SIGTERM:
            reason = ExitReason.TERMINATED
        else:
            reason = ExitReason.CRASHED
        return Exit(worker=worker, reason=reason, signal=number)
    code = os.WEXITSTATUS(status)
    if aborted:
        return Exit(worker=worker, reason=ExitReason.TIMEOUT, code=code)
    return Exit(worker=worker, reason=ExitReason.CRASHED, code=code) if code else None


def status_of_reaped() -> int:
    """Return the wait status that Arbiter.reap_workers holds while it calls child_exit.

    The hook is not told; in Gunicorn 19 to 27 the local variable has been called `status`.
    """
    reaping = (frame for frame in callers() if frame.f_code.co_name == "reap_workers")
    frame = next(reaping, None)
    return 0 if frame is None else int(frame.f_locals.get("status", 0))


def callers() -> Iterator[FrameType]:
    """Yield the frames below the caller's, innermost first."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the interpreter's own way to ask
    while frame is not None:
        yield frame
        frame = frame.f_back
