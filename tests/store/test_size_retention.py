"""Which days go when a data folder is too big."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.events import payload
from tests.support.pipeline_harness import PipelineHarness, desk, report, token
from tests.support.protocol_values import sample

from bugsly_server.clock import DAY, Micros
from bugsly_server.store.ports import SpoolEntry
from bugsly_server.store.size_retention import DatedFile, choose_excess, measure_folder

__all__ = ["desk"]

NOW: Micros = 1_000 * DAY + DAY // 2


def dated_file(days_ago: int, size: int = 100, days: int = 1) -> DatedFile:
    begin = NOW // DAY * DAY - days_ago * DAY
    return DatedFile(Path(f"{days_ago}-{days}-{size}.db"), begin, begin + days * DAY, size)


def test_the_oldest_days_go_and_no_more_than_are_needed() -> None:
    files = [dated_file(days_ago) for days_ago in (4, 0, 2, 5, 1, 3)]
    assert choose_excess(files, 0, NOW) == []
    assert choose_excess(files, 101, NOW) == [dated_file(5), dated_file(4)]


def test_today_and_yesterday_stay_whatever_they_take() -> None:
    files = [dated_file(days_ago) for days_ago in range(4)]
    assert choose_excess(files, 10**9, NOW) == [dated_file(3), dated_file(2)]


def test_a_month_goes_once_all_of_it_is_old() -> None:
    files = [dated_file(40, days=31), dated_file(20, days=31), dated_file(10), dated_file(0)]
    assert choose_excess(files, 10**9, NOW) == [dated_file(10), dated_file(40, days=31)][::-1]


def test_a_clock_that_jumps_ahead_deletes_nothing_of_the_last_two_days() -> None:
    files = [dated_file(days_ago) for days_ago in range(4)]
    assert choose_excess(files, 10**9, NOW + 400 * DAY) == [dated_file(3), dated_file(2)]


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 10**6)), max_size=30), st.integers())
def test_what_is_left_is_newer_than_what_goes(chosen: list[tuple[int, int]], excess: int) -> None:
    files = [dated_file(*one) for one in chosen]
    gone = choose_excess(files, excess, NOW)
    left = [one for one in files if one not in gone]
    assert all(old.until <= new.until for old in gone for new in left)
    assert sum(one.size for one in gone[:-1]) < max(1, excess)


def test_a_folder_that_is_too_big_loses_its_oldest_days(
    desk: PipelineHarness, tmp_path: Path
) -> None:
    desk.clock.at = START - 6 * DAY
    for day in range(7):
        event = payload(day + 1, extra={"text": [str(n) * 5 for n in range(2_000)]})
        desk.pipeline.digest([SpoolEntry(desk.shop, desk.clock(), "event", event)])
        desk.digest(report([sample(day + 1)], id=token(1)))
        desk.clock.advance(DAY)
    desk.clock.advance(-DAY)
    days = [one.begin for one in desk.events.dated_files()]
    assert len(days) == 7
    desk.keep_bytes = measure_folder(tmp_path).total - 2 * desk.events.dated_files()[0].size
    desk.start().apply_retention(90 * DAY, desk.clock())
    kept = [one.begin for one in desk.events.dated_files()]
    assert kept in (days[-5:], days[-6:])
    assert measure_folder(tmp_path).total <= desk.keep_bytes
    desk.keep_bytes = 1
    desk.start().apply_retention(90 * DAY, desk.clock())
    assert [one.begin for one in desk.events.dated_files()] == days[-2:]
