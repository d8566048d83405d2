"""Laws of the horizon: whatever a clock does, forgetting never outruns the time that passes."""

from contextlib import closing
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.support import earlier_data_folder
from tests.support.clock import START

from bugsly_server.clock import DAY, HOUR, Micros
from bugsly_server.store.meta import forgetting
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.forgetting import MAX_PACE, next_horizon

YEARS = 10 * 365 * DAY
STEPS = st.lists(st.tuples(st.integers(0, 2 * HOUR), st.integers(-YEARS, YEARS)), min_size=1)
"""What passes, and by how much the clock is set then."""


def horizons(steps: list[tuple[Micros, Micros]]) -> list[Micros]:
    clock, found = START, [START]
    for passed, set_by in steps:
        clock += passed + set_by
        found.append(next_horizon(found[-1], clock, passed))
    return found


@given(STEPS)
def test_it_gains_no_more_than_the_time_that_passed_explains(
    steps: list[tuple[Micros, Micros]],
) -> None:
    gains = [after - before for before, after in pairwise(horizons(steps))]
    allowed = [MAX_PACE * passed for passed, _ in steps]
    behind = [min(0, one - forgetting.FIRST_BELIEVABLE) for one in horizons(steps)]
    assert all(
        gain <= most - late for gain, most, late in zip(gains, allowed, behind, strict=False)
    )


@given(STEPS)
def test_it_is_never_ahead_of_the_clock(steps: list[tuple[Micros, Micros]]) -> None:
    clock = START
    for (passed, set_by), horizon in zip(steps, horizons(steps)[1:], strict=True):
        clock += passed + set_by
        assert horizon <= clock


@given(st.lists(st.integers(1, 2 * HOUR), min_size=1), st.integers(-YEARS, YEARS))
def test_it_reaches_a_clock_that_is_left_alone(passes: list[Micros], set_by: Micros) -> None:
    clock = START + set_by
    horizon = next_horizon(START, clock, 0)
    lag = clock - max(horizon, min(clock, forgetting.FIRST_BELIEVABLE))
    for passed in passes:
        clock += passed
        horizon = next_horizon(horizon, clock, passed)
    caught_up = (MAX_PACE - 1) * sum(passes)
    assert horizon == clock if lag <= caught_up else clock - horizon == lag - caught_up


def test_a_server_without_data_believes_its_clock() -> None:
    assert next_horizon(None, START, 0) == START


def test_a_machine_that_starts_in_1970_does_not_forget_for_decades() -> None:
    assert next_horizon(0, START, 0) == forgetting.FIRST_BELIEVABLE


def test_it_outlives_the_server(database: Database) -> None:
    with database.writing() as connection:
        assert forgetting.read_horizon(connection) is None
        forgetting.advance_horizon(connection, START, 0)
        forgetting.advance_horizon(connection, START + 400 * DAY, HOUR)
    with database.reading() as connection:
        assert forgetting.read_horizon(connection) == START + MAX_PACE * HOUR


def test_an_old_folder_starts_from_its_newest_data(tmp_path: Path) -> None:
    newest = "SELECT max(seen_at) FROM (SELECT seen_at FROM worker UNION SELECT seen_at FROM issue)"
    with closing(earlier_data_folder.lay_out_database(tmp_path)) as database:
        database.migrate()
        with database.reading() as connection:
            seen_at = connection.exec_driver_sql(newest).scalar_one()
            assert forgetting.read_horizon(connection) == seen_at
