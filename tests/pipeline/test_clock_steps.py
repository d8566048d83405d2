"""A clock that is set ahead or back by mistake deletes nothing and stops nothing."""

import pytest
from tests.support.clock import START
from tests.support.pipeline_harness import WORKER_AGE, PipelineHarness, report, token
from tests.support.protocol_values import sample

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.store.ports import StoredEvent

KEPT_DAYS = 90
STEPS = [HOUR, -HOUR, 400 * DAY, -400 * DAY]


def event_days(desk: PipelineHarness) -> int:
    return len(desk.events.newest([1], 1_000))


def store_a_month(desk: PipelineHarness) -> None:
    """Store an event a day, and forget once, as a server does that has run all the time."""
    events = [
        StoredEvent(1, desk.clock() - day * DAY, bytes([day]) * 16, b"x") for day in range(30)
    ]
    desk.events.write(events)
    desk.pipeline.apply_retention(KEPT_DAYS * DAY, desk.clock())


def run_for(desk: PipelineHarness, seconds: int) -> None:
    """Let the server run: it forgets far more often than it really does."""
    for _ in range(seconds):
        desk.clock.at += SECOND
        desk.pipeline.apply_retention(KEPT_DAYS * DAY, desk.clock())


def test_fourteen_seconds_a_year_ahead_delete_no_event(desk: PipelineHarness) -> None:
    store_a_month(desk)
    desk.clock.set(400 * DAY)
    run_for(desk, 14)
    desk.clock.set(-400 * DAY)
    run_for(desk, 1)
    assert event_days(desk) == 30


def test_a_restart_does_not_make_a_wrong_clock_believable(desk: PipelineHarness) -> None:
    store_a_month(desk)
    desk.clock.set(400 * DAY)
    for _ in range(5):
        desk.start()
        run_for(desk, 2)
    assert event_days(desk) == 30


def test_after_a_holiday_forgetting_catches_up_by_a_few_days_a_day(desk: PipelineHarness) -> None:
    store_a_month(desk)
    desk.clock.at += 100 * DAY
    desk.start()
    desk.pipeline.apply_retention(KEPT_DAYS * DAY, desk.clock())
    assert event_days(desk) == 30
    for _ in range(40):
        desk.clock.advance(DAY)
        desk.pipeline.apply_retention(KEPT_DAYS * DAY, desk.clock())
    assert event_days(desk) == 0


def hear_from(desk: PipelineHarness, number: int) -> None:
    """Let a worker report a sample that it has just taken."""
    desk.clock.advance(SECOND)
    age = WORKER_AGE + desk.clock.steady() - START
    taken = [sample(age // SECOND, age=age, requests=age)]
    desk.digest(report(taken, id=token(number), age=age))


def is_living(desk: PipelineHarness, number: int) -> bool:
    return desk.worker(number).is_alive(desk.clock())


@pytest.mark.parametrize("step", STEPS)
def test_a_step_ends_no_worker(desk: PipelineHarness, step: Micros) -> None:
    hear_from(desk, 1)
    desk.tend()
    desk.clock.set(step)
    desk.tend()
    assert desk.worker().exit_reason is None
    hear_from(desk, 1)
    assert is_living(desk, 1)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_falls_silent_at_a_step_ends_and_others_do_not(
    desk: PipelineHarness, step: Micros
) -> None:
    for number in (1, 2):
        hear_from(desk, number)
    desk.tend()
    desk.clock.set(step)
    for _ in range(10):
        desk.clock.advance(MINUTE)
        hear_from(desk, 2)
        desk.tend()
    assert desk.worker(1).exit_reason is ExitReason.VANISHED
    assert is_living(desk, 2)


@pytest.mark.parametrize("step", STEPS)
def test_samples_roll_up_after_a_step(desk: PipelineHarness, step: Micros) -> None:
    hear_from(desk, 1)
    desk.tend()
    desk.clock.set(step)
    hear_from(desk, 1)
    assert desk.telemetry.roll_up(desk.clock()) > 0
