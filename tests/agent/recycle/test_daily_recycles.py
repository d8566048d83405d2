"""What is remembered of who went within a day."""

from pathlib import Path

import pytest

from bugsly.recycle import daily_recycles
from bugsly.recycle.daily_recycles import DAY_SECONDS, MAX_DEPARTURES, DailyRecycles


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the hours that passed, for the test to change."""
    passed = [1.0]
    monkeypatch.setattr(daily_recycles, "host_clock", lambda: passed[0] * 3_600)
    return passed


def test_who_went_within_a_day_is_counted(tmp_path: Path, hours: list[float]) -> None:
    book = DailyRecycles(tmp_path, "shop")
    for hours[0] in (1, 5, 26):
        book.record_departure()
    assert book.count() == 2
    hours[0] += DAY_SECONDS / 3_600
    assert book.count() == 0


def test_each_project_and_environment_has_its_own(tmp_path: Path) -> None:
    DailyRecycles(tmp_path, "shop production").record_departure()
    assert DailyRecycles(tmp_path, "shop production").count() == 1
    assert DailyRecycles(tmp_path, "shop staging").count() == 0


@pytest.mark.usefixtures("hours")
def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    book = DailyRecycles(tmp_path, "shop")
    book._file.write_text("3600.0\n" * (MAX_DEPARTURES + 50))
    book.record_departure()
    assert book.count() == MAX_DEPARTURES


@pytest.mark.parametrize("written", ["", "nonsense\n", "9e99\n", "nan\n"])
def test_what_cannot_be_read_counts_as_nobody(tmp_path: Path, written: str) -> None:
    book = DailyRecycles(tmp_path, "shop")
    book._file.write_text(written)
    assert book.count() == 0
    book.record_departure()
    assert book.count() == 1
