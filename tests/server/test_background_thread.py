import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.wait import wait_until

from bugsly_server.background_thread import BackgroundThread
from bugsly_server.errors import Unavailable


class ScriptedWork:
    """Does the next of *steps*, the last one repeatedly, and remembers what failed."""

    def __init__(self, *steps: Callable[[], float]) -> None:
        self._steps = list(steps)
        self.failures: list[Exception] = []
        self.rounds = 0

    def run_once(self) -> float:
        self.rounds += 1
        return (self._steps.pop(0) if len(self._steps) > 1 else self._steps[0])()

    def recover(self, error: Exception) -> float:
        self.failures.append(error)
        return 0.0


def succeed() -> float:
    return 0.001


def failing_step(error: Exception) -> Callable[[], float]:
    def fail() -> float:
        raise error

    return fail


@contextmanager
def running_background(work: ScriptedWork) -> Iterator[BackgroundThread]:
    thread = BackgroundThread("worker", work)
    thread.start()
    try:
        yield thread
    finally:
        thread.close(10)


def test_a_task_runs_repeatedly_until_it_is_closed() -> None:
    work = ScriptedWork(succeed)
    with running_background(work):
        wait_until(lambda: work.rounds > 3, what="four steps")
    done = work.rounds
    assert not [one for one in threading.enumerate() if one.name == "worker"]
    assert work.rounds == done


def test_closing_does_not_wait_for_a_pause_to_end() -> None:
    work = ScriptedWork(lambda: 3600.0)
    with running_background(work):
        wait_until(lambda: work.rounds == 1, what="the first step")
    assert work.rounds == 1


def test_an_unexpected_error_is_logged_with_its_traceback_and_the_task_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ValueError("odd")
    work = ScriptedWork(failing_step(error), succeed)
    with caplog.at_level(logging.INFO, logger="bugsly"), running_background(work):
        wait_until(lambda: work.rounds > 2, what="further steps")
    assert work.failures == [error]
    (record,) = caplog.records
    assert record.getMessage() == "worker: a round failed → it goes on"
    assert record.exc_info is not None


def test_an_expected_problem_is_logged_in_one_line_once_while_it_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = failing_step(Unavailable("disk: full → make room"))
    work = ScriptedWork(full, full, full, succeed, full, succeed)
    with caplog.at_level(logging.INFO, logger="bugsly"), running_background(work):
        wait_until(lambda: work.rounds > 6, what="further steps")
    assert [one.getMessage() for one in caplog.records] == ["worker: disk: full → make room"] * 2
    assert [one.exc_info for one in caplog.records] == [None, None]
