import importlib
import signal
from typing import Any

import pytest
from gunicorn.workers import base, base_async, gthread, sync

from bugsly.integrations import gunicorn as integration
from bugsly.integrations.gunicorn import judge_exit
from bugsly.protocol.memory import Exit, ExitReason

WORKER = "0123456789abcdef0123456789abcdef"


def killed_by(number: signal.Signals, *, core: bool = False) -> int:
    """Return the wait status of a process that *number* ended."""
    return number | (0x80 if core else 0)


def left_with(code: int) -> int:
    """Return the wait status of a process that ended itself."""
    return code << 8


@pytest.mark.parametrize(
    ("status", "aborted", "oom_kills", "note"),
    [
        (left_with(0), False, 0, None),
        (left_with(0), False, 3, None),
        (left_with(0), True, 0, Exit(worker=WORKER, reason=ExitReason.TIMEOUT)),
        (left_with(1), True, 0, Exit(worker=WORKER, reason=ExitReason.TIMEOUT, code=1)),
        (left_with(7), False, 0, Exit(worker=WORKER, reason=ExitReason.CRASHED, code=7)),
        (left_with(255), False, 0, Exit(worker=WORKER, reason=ExitReason.CRASHED, code=255)),
        (
            killed_by(signal.SIGKILL),
            True,
            0,
            Exit(worker=WORKER, reason=ExitReason.TIMEOUT, signal=signal.SIGKILL),
        ),
        (
            killed_by(signal.SIGABRT, core=True),
            True,
            0,
            Exit(worker=WORKER, reason=ExitReason.TIMEOUT, signal=signal.SIGABRT),
        ),
        (
            killed_by(signal.SIGABRT),
            False,
            0,
            Exit(worker=WORKER, reason=ExitReason.CRASHED, signal=signal.SIGABRT),
        ),
        (
            killed_by(signal.SIGKILL),
            False,
            0,
            Exit(worker=WORKER, reason=ExitReason.KILLED, signal=signal.SIGKILL),
        ),
        (
            killed_by(signal.SIGKILL),
            False,
            1,
            Exit(worker=WORKER, reason=ExitReason.OUT_OF_MEMORY, signal=signal.SIGKILL),
        ),
        (
            killed_by(signal.SIGSEGV, core=True),
            False,
            1,
            Exit(worker=WORKER, reason=ExitReason.CRASHED, signal=signal.SIGSEGV),
        ),
        (
            killed_by(signal.SIGTERM),
            False,
            0,
            Exit(worker=WORKER, reason=ExitReason.TERMINATED, signal=signal.SIGTERM),
        ),
    ],
)
def test_the_master_tells_how_a_worker_died(
    *, status: int, aborted: bool, oom_kills: int, note: Exit | None
) -> None:
    assert judge_exit(WORKER, status=status, aborted=aborted, oom_kills=oom_kills) == note


def reap_workers(status: int) -> int:
    """Stand in for the method of the arbiter, which holds the status and calls a hook."""
    assert status
    return hook(None)


def hook(_worker: object) -> int:
    return integration._status_of_reaped()


def test_the_wait_status_is_found_where_the_arbiter_holds_it() -> None:
    assert reap_workers(left_with(7)) == left_with(7)


def test_without_an_arbiter_there_is_no_wait_status() -> None:
    assert hook(None) == 0


DERIVED = type("DerivedWorker", (gthread.ThreadWorker,), {})
FOREIGN = type("SyncWorker", (), {})


@pytest.mark.parametrize(
    ("kind", "speaks"),
    [
        (sync.SyncWorker, True),
        (gthread.ThreadWorker, True),
        (base_async.AsyncWorker, True),
        (DERIVED, True),
        (base.Worker, False),
        (FOREIGN, False),
    ],
)
def test_only_workers_known_to_speak_wsgi_have_their_application_wrapped(
    *, kind: Any, speaks: bool
) -> None:
    assert integration._speaks_wsgi(kind.__new__(kind)) is speaks


def test_nobody_is_running_when_no_arbiter_loads_the_application() -> None:
    importlib.import_module("gunicorn.arbiter")
    assert integration._running() is None
