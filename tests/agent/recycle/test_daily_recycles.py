"""The count of workers that left within a day, and its file."""

from pathlib import Path

import pytest

from bugsly.recycle import daily_recycles
from bugsly.recycle.daily_recycles import DAY_SECONDS, MAX_DEPARTURES, DailyRecycles


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the hour of the clock, for the test to change."""
    passed = [1.0]
    monkeypatch.setattr(daily_recycles, "host_clock", lambda: passed[0] * 3_600)
    return passed


def test_workers_that_left_within_a_day_are_counted(tmp_path: Path, hours: list[float]) -> None:
    recycles = DailyRecycles(tmp_path, "shop")
    for hours[0] in (1, 5, 26):
        recycles.record_departure()
    assert recycles.count() == 2
    hours[0] += DAY_SECONDS / 3_600
    assert recycles.count() == 0


def test_each_group_has_its_own_count(tmp_path: Path) -> None:
    DailyRecycles(tmp_path, "shop production").record_departure()
    assert DailyRecycles(tmp_path, "shop production").count() == 1
    assert DailyRecycles(tmp_path, "shop staging").count() == 0


@pytest.mark.usefixtures("hours")
def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    recycles = DailyRecycles(tmp_path, "shop")
    recycles._file.write_text("3600.0\n" * (MAX_DEPARTURES + 50))
    recycles.record_departure()
    assert recycles.count() == MAX_DEPARTURES


@pytest.mark.parametrize("written", ["", "nonsense\n", "9e99\n", "nan\n"])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, written: str) -> None:
    recycles = DailyRecycles(tmp_path, "shop")
    recycles._file.write_text(written)
    assert recycles.count() == 0
    recycles.record_departure()
    assert recycles.count() == 1
