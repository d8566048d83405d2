"""Which holders the registry reports, and when it describes them again."""

from typing import Any

import pytest
from tests.support.fake_holder_probe import FakeHolderProbe

from bugsly.guard import Guards
from bugsly.probes.holder_registry import MAX_REPORTED_HOLDERS, HolderRegistry


def holders_of(*probes: FakeHolderProbe) -> tuple[HolderRegistry, Guards]:
    guards = Guards()
    named = {f"fake{number}": probe for number, probe in enumerate(probes)}
    return HolderRegistry(named, guards), guards


def names(holders: HolderRegistry) -> set[str]:
    return {level.holder for level in holders.count_holders()}


def test_counts_of_all_probes_are_collected() -> None:
    holders, _ = holders_of(FakeHolderProbe(log=3), FakeHolderProbe(threads=7))
    assert {(level.holder, level.count) for level in holders.count_holders()} == {
        ("log", 3),
        ("threads", 7),
    }


def test_a_probe_that_fails_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    broken, sound = FakeHolderProbe(log=3), FakeHolderProbe(threads=7)
    holders, guards = holders_of(broken, sound)
    broken.fails = True
    assert names(holders) == {"threads"}
    assert guards.failures == {"probe.fake0": 1}


def test_a_count_without_a_description_is_not_reported() -> None:
    probe = FakeHolderProbe(log=3)
    probe.described.clear()
    assert names(holders_of(probe)[0]) == set()


def test_those_that_gained_most_bytes_are_reported() -> None:
    probe = FakeHolderProbe()
    for number in range(MAX_REPORTED_HOLDERS + 5):
        probe.describe(f"small{number}", entry_bytes=10)
    for number in range(MAX_REPORTED_HOLDERS):
        probe.describe(f"big{number}", entry_bytes=1_000)
    holders, _ = holders_of(probe)
    holders.count_holders()
    for name in probe.counts:
        probe.counts[name] += 10
    assert names(holders) == {f"big{number}" for number in range(MAX_REPORTED_HOLDERS)}


def test_a_reported_holder_stays_until_another_gained_far_more() -> None:
    probe = FakeHolderProbe()
    for number in range(MAX_REPORTED_HOLDERS):
        probe.describe(f"old{number}", entry_bytes=100)
    holders, _ = holders_of(probe)
    holders.count_holders()
    probe.describe("new", entry_bytes=100)
    holders.count_holders()
    for name in probe.counts:
        probe.counts[name] += 10
    probe.counts["new"] += 5
    assert "new" not in names(holders)
    probe.counts["new"] += 10
    assert "new" in names(holders)


def test_a_description_is_sent_once() -> None:
    probe = FakeHolderProbe(log=3)
    holders, _ = holders_of(probe)
    holders.count_holders()
    assert [one.name for one in holders.describe_changed()] == ["log"]
    probe.counts["log"] += 100
    holders.count_holders()
    assert holders.describe_changed() == ()


@pytest.mark.parametrize(
    ("before", "after", "is_news"),
    [
        ({"entry_bytes": 100}, {"entry_bytes": 119}, False),
        ({"entry_bytes": 100}, {"entry_bytes": 130}, True),
        ({"entry_bytes": 0}, {"entry_bytes": 1}, True),
        ({}, {"bound": 100}, True),
        ({}, {"site": "shop/views.py:12"}, True),
        ({}, {"endpoint": "GET /"}, True),
        ({"removed": 100}, {"removed": 150}, False),
        ({"removed": 100}, {"removed": 201}, True),
        ({"removed": 1}, {"removed": 9}, False),
        ({"details": {"hits": 100}}, {"details": {"hits": 150}}, False),
        ({"details": {"hits": 100}}, {"details": {"hits": 300}}, True),
        ({}, {"details": {"hits": 50}}, True),
    ],
    ids=str,
)
def test_what_changed_noticeably_is_described_again(
    before: dict[str, Any], after: dict[str, Any], *, is_news: bool
) -> None:
    probe = FakeHolderProbe()
    probe.describe("log", **before)
    holders, _ = holders_of(probe)
    holders.count_holders()
    holders.describe_changed()
    probe.describe("log", **after)
    holders.count_holders()
    assert bool(holders.describe_changed()) is is_news
