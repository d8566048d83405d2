import importlib
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.workers import base, base_async, gthread, sync
from tests.support.fake_agent import FakeAgent

from bugsly.integrations import gunicorn as integration
from bugsly.integrations.gunicorn import GunicornHooks
from bugsly.integrations.gunicorn_exits import classify_exit, reaped_wait_status
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.worker_identity import WorkerIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKER = "0123456789abcdef0123456789abcdef"


def killed_by(number: signal.Signals, *, core: bool = False) -> int:
    """Return the wait status of a process that *number* ended."""
    return number | (0x80 if core else 0)


def exited_with(code: int) -> int:
    """Return the wait status of a process that ended itself."""
    return code << 8


@pytest.mark.parametrize(
    ("status", "aborted", "oom_kills", "worker_exit"),
    [
        (exited_with(0), False, 0, None),
        (exited_with(0), False, 3, None),
        (exited_with(0), True, 0, Exit(worker=WORKER, reason=ExitReason.TIMEOUT)),
        (exited_with(1), True, 0, Exit(worker=WORKER, reason=ExitReason.TIMEOUT, code=1)),
        (exited_with(7), False, 0, Exit(worker=WORKER, reason=ExitReason.CRASHED, code=7)),
        (exited_with(255), False, 0, Exit(worker=WORKER, reason=ExitReason.CRASHED, code=255)),
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
def test_the_master_reports_how_a_worker_died(
    *, status: int, aborted: bool, oom_kills: int, worker_exit: Exit | None
) -> None:
    assert classify_exit(WORKER, status=status, aborted=aborted, oom_kills=oom_kills) == worker_exit


def reap_workers(status: int) -> int:
    """Hold the status and call a hook, as the method of the arbiter does."""
    assert status
    return hook(None)


def hook(_worker: object) -> int:
    return reaped_wait_status()


def test_the_wait_status_is_found_where_the_arbiter_holds_it() -> None:
    assert reap_workers(exited_with(7)) == exited_with(7)


def test_without_an_arbiter_there_is_no_wait_status() -> None:
    assert hook(None) == 0


class StoppedAgent(FakeAgent):
    """An agent of a Gunicorn worker that records how it was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.identity = WorkerIdentity()
        self.stopped_with: tuple[ExitReason, int] | None = None

    def disable_in_master(self) -> None:
        raise AssertionError("this is no master")

    def put_facts(self, facts: "Mapping[str, int]") -> None:
        raise AssertionError(f"{facts} are known before a worker leaves")

    def report_exit(self, worker_exit: Exit) -> None:
        raise AssertionError(f"{worker_exit} is for the next worker to report")

    def stop(self, reason: ExitReason, code: int = 0) -> None:
        self.stopped_with = (reason, code)


class LeavingWorker:
    """A worker of Gunicorn that leaves, and the hooks it calls."""

    def __init__(self, *, nr: int = 0, max_requests: int = 100, ppid: int | None = None) -> None:
        self.nr = nr
        self.max_requests = max_requests
        self.ppid = os.getppid() if ppid is None else ppid
        self.agent = StoppedAgent()
        self.hooks = GunicornHooks(self.agent)

    def leave(self, error: BaseException) -> tuple[ExitReason, int] | None:
        """Leave as Arbiter.spawn_worker does: it calls hooks while *error* propagates."""
        with suppress(type(error)):
            try:
                raise error
            finally:
                self.hooks._worker_exit(None, self)
        return self.agent.stopped_with


@pytest.mark.parametrize(
    ("worker", "error", "expected"),
    [
        (LeavingWorker(), SystemExit(0), (ExitReason.TERMINATED, 0)),
        (LeavingWorker(), SystemExit(), (ExitReason.TERMINATED, 0)),
        (LeavingWorker(), SystemExit(3), (ExitReason.CRASHED, 3)),
        (LeavingWorker(), SystemExit(-1), (ExitReason.CRASHED, 255)),
        (LeavingWorker(), MemoryError(), (ExitReason.CRASHED, 1)),
        (LeavingWorker(), SystemExit("no database"), (ExitReason.CRASHED, 1)),
        (LeavingWorker(nr=100), SystemExit(0), (ExitReason.MAX_REQUESTS, 0)),
        (LeavingWorker(nr=99), SystemExit(0), (ExitReason.TERMINATED, 0)),
        (LeavingWorker(nr=100), SystemExit(3), (ExitReason.CRASHED, 3)),
        (LeavingWorker(ppid=0), SystemExit(0), (ExitReason.ORPHANED, 0)),
    ],
)
def test_a_worker_reports_why_it_leaves(
    worker: LeavingWorker, error: BaseException, expected: tuple[ExitReason, int]
) -> None:
    assert worker.leave(error) == expected


def test_a_users_hook_that_fails_on_the_way_out_is_no_crash() -> None:
    failed = RuntimeError("worker_exit of the user")
    failed.__context__ = SystemExit(0)
    assert LeavingWorker().leave(failed) == (ExitReason.TERMINATED, 0)


@pytest.mark.parametrize(
    ("hook", "reason"),
    [("_worker_int", ExitReason.QUIT), ("_worker_abort", ExitReason.TIMEOUT)],
)
def test_a_worker_that_was_told_to_leave_reports_that_whatever_followed(
    hook: str, reason: ExitReason
) -> None:
    worker = LeavingWorker(nr=100)
    getattr(worker.hooks, hook)(worker)
    assert worker.leave(SystemExit(1)) == (reason, 0)


DERIVED = type("DerivedWorker", (gthread.ThreadWorker,), {})
FOREIGN = type("SyncWorker", (), {})


@pytest.mark.parametrize(
    ("kind", "calls_wsgi"),
    [
        (sync.SyncWorker, True),
        (gthread.ThreadWorker, True),
        (base_async.AsyncWorker, True),
        (DERIVED, True),
        (base.Worker, False),
        (FOREIGN, False),
    ],
)
def test_only_workers_known_to_call_wsgi_have_their_application_wrapped(
    *, kind: Any, calls_wsgi: bool
) -> None:
    assert integration._is_wsgi_worker(kind.__new__(kind)) is calls_wsgi


def test_there_is_no_arbiter_when_none_loads_the_application() -> None:
    importlib.import_module("gunicorn.arbiter")
    assert integration._find_arbiter_or_worker() is None
