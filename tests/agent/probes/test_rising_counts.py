"""Which counts have risen since they were first read."""

from functools import partial
from importlib.metadata import version
from itertools import count
from weakref import WeakSet

import flask
import pytest

from bugsly.probes import cost_throttle, rising_counts
from bugsly.probes.rising_counts import MIN_RISE, DescribedCount, RisingCountProbe
from bugsly.protocol.evidence import Holder


@pytest.fixture(autouse=True)
def _every_reading_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_throttle, "CHEAP_SECONDS", 60)


class FakeShelf:
    """A reader whose counts a test sets."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.probe = RisingCountProbe(self._count)

    def _count(self) -> dict[str, DescribedCount]:
        return {name: DescribedCount(now, _describe) for name, now in self.counts.items()}

    def levels(self, **counts: int) -> dict[str, int]:
        self.counts |= counts
        return {one.holder: one.count for one in self.probe.count_holders()}


def _describe(name: str) -> Holder:
    return Holder(name=name, kind="handler")


def test_what_never_rises_is_not_reported() -> None:
    shelf = FakeShelf(a=500)
    assert [shelf.levels(), shelf.levels(), shelf.levels(a=500 + MIN_RISE - 1)] == [{}, {}, {}]


def test_what_has_risen_since_it_was_first_read_stays_reported() -> None:
    shelf = FakeShelf(a=500, b=1)
    shelf.levels()
    assert shelf.levels(a=500 + MIN_RISE) == {"a": 500 + MIN_RISE}
    assert shelf.levels() == {"a": 500 + MIN_RISE}
    assert [one.name for one in shelf.probe.describe_holders()] == ["a"]


def test_a_later_name_is_compared_with_its_own_first_count() -> None:
    shelf = FakeShelf(a=1)
    shelf.levels()
    assert shelf.levels(late=40) == {}
    assert shelf.levels(late=40 + MIN_RISE) == {"late": 40 + MIN_RISE}


def test_what_was_removed_is_counted() -> None:
    shelf = FakeShelf(a=1)
    for now in (1, 10, 4, 9):
        shelf.levels(a=now)
    assert [one.removed for one in shelf.probe.describe_holders()] == [6]


def test_the_library_of_a_holder_is_named() -> None:
    file = flask.__file__
    rising = count(step=MIN_RISE)
    probe = RisingCountProbe(
        lambda: {"a": DescribedCount(next(rising), lambda name: _described(name, file))}
    )
    for _ in range(2):
        list(probe.count_holders())
    assert [one.library for one in probe.describe_holders()] == [f"flask {version('flask')}"]


def test_what_is_gone_is_forgotten() -> None:
    shelf = FakeShelf(a=1)
    shelf.levels()
    shelf.levels(a=50)
    del shelf.counts["a"]
    assert shelf.levels() == {}
    assert list(shelf.probe.describe_holders()) == []


def test_names_beyond_the_limit_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rising_counts, "MAX_FOLLOWED", 3)
    shelf = FakeShelf(**{f"n{number}": 1 for number in range(10)})
    shelf.levels()
    risen = shelf.levels(**{f"n{number}": 9 for number in range(10)})
    assert len(risen) == 3


def test_the_last_reading_is_used_until_the_next_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = FakeShelf(a=1)
    shelf.levels()
    shelf.levels(a=20)
    monkeypatch.setattr(shelf.probe._throttle, "read_if_due", lambda: None)
    assert shelf.levels(a=30) == {"a": 20}
    assert [one.name for one in shelf.probe.describe_holders()] == ["a"]


def _described(name: str, file: str) -> Holder:
    return Holder(name=name, kind="thread", file=file)


class Thing:
    """An object of the application."""


def test_nothing_of_the_registry_is_kept_alive() -> None:
    probe = RisingCountProbe(_fresh)
    for _ in range(3):
        list(probe.count_holders())
    assert [one.name for one in probe.describe_holders()] == ["a"]
    assert list(alive) == []


rising = count(step=MIN_RISE)
alive: WeakSet[Thing] = WeakSet()


def _fresh() -> dict[str, DescribedCount]:
    thing = Thing()
    alive.add(thing)
    return {"a": DescribedCount(next(rising), partial(_describe_with, thing))}


def _describe_with(_thing: Thing, name: str) -> Holder:
    return _describe(name)
