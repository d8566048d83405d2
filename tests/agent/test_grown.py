from functools import partial
from itertools import count
from weakref import WeakSet

import pytest

from bugsly.probes import grown, rarely
from bugsly.probes.grown import FEW, Counted, GrowthProbe
from bugsly.protocol.evidence import Holder


@pytest.fixture(autouse=True)
def _every_reading_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rarely, "CHEAP", 60)


class Shelf:
    """A register whose counts a test sets."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.probe = GrowthProbe(self._count)

    def _count(self) -> dict[str, Counted]:
        return {name: Counted(now, _describe) for name, now in self.counts.items()}

    def levels(self, **counts: int) -> dict[str, int]:
        self.counts |= counts
        return {one.holder: one.count for one in self.probe.levels()}


def _describe(name: str) -> Holder:
    return Holder(name=name, kind="handler")


def test_what_never_rises_is_not_told() -> None:
    shelf = Shelf(a=500)
    assert [shelf.levels(), shelf.levels(), shelf.levels(a=500 + FEW - 1)] == [{}, {}, {}]


def test_what_has_risen_since_it_was_met_is_told_whatever_it_does_then() -> None:
    shelf = Shelf(a=500, b=1)
    shelf.levels()
    assert shelf.levels(a=500 + FEW) == {"a": 500 + FEW}
    assert shelf.levels() == {"a": 500 + FEW}
    assert [one.name for one in shelf.probe.holders()] == ["a"]


def test_what_comes_later_is_compared_with_its_own_beginning() -> None:
    shelf = Shelf(a=1)
    shelf.levels()
    assert shelf.levels(late=40) == {}
    assert shelf.levels(late=40 + FEW) == {"late": 40 + FEW}


def test_those_that_went_are_counted() -> None:
    shelf = Shelf(a=1)
    for now in (1, 10, 4, 9):
        shelf.levels(a=now)
    assert [one.removed for one in shelf.probe.holders()] == [6]


def test_what_is_gone_is_forgotten() -> None:
    shelf = Shelf(a=1)
    shelf.levels()
    shelf.levels(a=50)
    del shelf.counts["a"]
    assert shelf.levels() == {}
    assert list(shelf.probe.holders()) == []


def test_a_multitude_of_names_is_followed_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grown, "MOST", 3)
    shelf = Shelf(**{f"n{number}": 1 for number in range(10)})
    shelf.levels()
    risen = shelf.levels(**{f"n{number}": 9 for number in range(10)})
    assert len(risen) == 3


def test_while_a_reading_is_not_due_the_last_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(a=1)
    shelf.levels()
    shelf.levels(a=20)
    monkeypatch.setattr(shelf.probe._reading, "take", lambda: None)
    assert shelf.levels(a=30) == {"a": 20}
    assert [one.name for one in shelf.probe.holders()] == ["a"]


class Thing:
    """Something of the application's."""


def test_nothing_of_the_register_is_kept() -> None:
    probe = GrowthProbe(_fresh)
    for _ in range(3):
        list(probe.levels())
    assert [one.name for one in probe.holders()] == ["a"]
    assert list(alive) == []


rising = count(step=FEW)
alive: WeakSet[Thing] = WeakSet()


def _fresh() -> dict[str, Counted]:
    thing = Thing()
    alive.add(thing)
    return {"a": Counted(next(rising), partial(_describe_with, thing))}


def _describe_with(_thing: Thing, name: str) -> Holder:
    return _describe(name)
