import pytest
from tests.support.clock import START
from tests.support.pipeline_harness import token
from tests.support.stored_workers import stored_worker

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import DAY, MINUTE, SECOND
from bugsly_server.model.worker import Worker
from bugsly_server.record.worker_exits import (
    adds_information,
    refine_exit_reason,
    silent_exit_reason,
)

R = ExitReason


def exit_of(reason: ExitReason) -> Exit:
    return Exit(worker=token(1), reason=reason, signal=9 if reason is R.KILLED else 0)


def ended_worker(reason: ExitReason | None, signal: int = 0) -> Worker:
    at = None if reason is None else START
    return stored_worker(ended_at=at, exit_reason=reason, exit_signal=signal)


@pytest.mark.parametrize(
    ("known_reason", "signal", "reason", "by_itself", "news"),
    [
        (None, 0, R.FINISHED, True, True),
        (None, 0, R.KILLED, False, True),
        (R.VANISHED, 0, R.FINISHED, True, True),
        (R.VANISHED, 0, R.KILLED, False, True),
        (R.OUT_OF_MEMORY, 0, R.KILLED, False, True),
        (R.OUT_OF_MEMORY, 9, R.KILLED, False, False),
        (R.TERMINATED, 0, R.TIMEOUT, False, True),
        (R.TERMINATED, 0, R.CRASHED, False, True),
        (R.MAX_REQUESTS, 0, R.OUT_OF_MEMORY, False, True),
        (R.QUIT, 0, R.TERMINATED, False, False),
        (R.TERMINATED, 0, R.FINISHED, True, False),
        (R.FINISHED, 0, R.CRASHED, True, False),
        (R.KILLED, 9, R.TERMINATED, False, False),
        (R.TIMEOUT, 6, R.KILLED, False, False),
        (R.KILLED, 9, R.KILLED, False, False),
    ],
)
def test_which_report_of_an_exit_counts(
    known_reason: ExitReason | None,
    signal: int,
    reason: ExitReason,
    *,
    by_itself: bool,
    news: bool,
) -> None:
    assert (
        adds_information(
            ended_worker(known_reason, signal), exit_of(reason), is_self_reported=by_itself
        )
        is news
    )


@pytest.mark.parametrize(
    ("reason", "siblings", "refined"),
    [
        (R.TERMINATED, [stored_worker(2, generation=2)], R.RELOAD),
        (R.TERMINATED, [stored_worker(2, generation=1)], R.TERMINATED),
        (R.TERMINATED, [], R.TERMINATED),
        (R.TERMINATED, [stored_worker(2, generation=2, parent=1)], R.TERMINATED),
        (R.TERMINATED, [stored_worker(2, generation=2, machine="other")], R.TERMINATED),
        (R.QUIT, [stored_worker(2, generation=2)], R.QUIT),
    ],
)
def test_a_sigterm_is_a_reload_where_a_newer_generation_of_the_same_master_runs(
    reason: ExitReason, siblings: list[Worker], refined: ExitReason
) -> None:
    assert refine_exit_reason(exit_of(reason), stored_worker(1), siblings) is refined


SILENT_WORKER = stored_worker(1, seen_at=START - 5 * MINUTE, oom_kills=3)


@pytest.mark.parametrize(
    ("others", "later", "reason"),
    [
        ([], 0, None),
        ([], DAY, R.VANISHED),
        ([stored_worker(2)], 0, R.VANISHED),
        ([stored_worker(2, oom_kills=3)], 0, R.VANISHED),
        ([stored_worker(2, oom_kills=4)], 0, R.OUT_OF_MEMORY),
        ([stored_worker(2, oom_kills=4, machine="other")], 0, None),
        ([stored_worker(2, oom_kills=4, seen_at=START - 4 * MINUTE)], 0, None),
        (
            [stored_worker(2, seen_at=START - SECOND), stored_worker(3, oom_kills=4)],
            0,
            R.OUT_OF_MEMORY,
        ),
        ([stored_worker(2), stored_worker(3, oom_kills=4, seen_at=START - SECOND)], 0, R.VANISHED),
    ],
    ids=[
        "nobody else is there, so it may be the line",
        "for a day, though",
        "a neighbour is heard of",
        "and counted no kill since",
        "a neighbour counted a kill since",
        "a stranger's machine proves nothing",
        "neither does a neighbour that is silent too",
        "the newest word counts, a kill",
        "the newest word counts, none",
    ],
)
def test_how_a_silent_worker_ended(
    others: list[Worker], later: int, reason: ExitReason | None
) -> None:
    assert silent_exit_reason(SILENT_WORKER, [SILENT_WORKER, *others], START + later) is reason
