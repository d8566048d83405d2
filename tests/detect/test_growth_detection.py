from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.stored_workers import MB, judgement_of, stored_worker

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import HOUR, MINUTE, SECOND, Micros
from bugsly_server.detect.growth_detection import MAX_SUSPECTS, find_growth
from bugsly_server.fingerprint.growth import growth_fingerprint
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.issue import Finding, FindingScope
from bugsly_server.model.worker import Worker


def growing(worker_id: int, slope: float = 7_000, **changes: Any) -> Worker:
    fields = {
        "judgement": judgement_of(GrowthVerdict.GROWING, slope),
        "hits": 2,
        "anonymous": 170 * MB,
    }
    return stored_worker(worker_id, **(fields | changes))


def steady(worker_id: int, **changes: Any) -> Worker:
    fields = {"judgement": judgement_of(GrowthVerdict.STEADY, 10.0 * worker_id)}
    return stored_worker(worker_id, **(fields | changes))


def recycled_worker(worker_id: int, ended_at: Micros, **changes: Any) -> Worker:
    """Return a worker that was recycled after ten minutes, rising to the end."""
    fields: dict[str, Any] = {
        "judgement": judgement_of(GrowthVerdict.STEADY, 7_000, span=800.0),
        "started_at": ended_at - 10 * MINUTE,
        "seen_at": ended_at,
        "ended_at": ended_at,
        "exit_reason": ExitReason.MAX_REQUESTS,
    }
    return stored_worker(worker_id, **(fields | changes))


def only(workers: Sequence[Worker]) -> Finding:
    (found,) = find_growth(workers, START)
    return found


def test_one_worker_apart_is_found_whatever_its_age() -> None:
    odd = growing(1, started_at=START - 3 * MINUTE)
    found = only([odd, steady(2), steady(3), steady(4)])
    assert found.scope is FindingScope.ONE
    assert [one.worker_id for one in found.suspects] == [1]
    assert found.title == "One worker on web-1 grows apart from its peers"
    assert (found.slope, found.peers, found.peer_slope) == (7_000, 3, 30)
    assert found.because == (
        "web-1 pid 4001 gained +7 kB per request: it was drawn so."
        " The median of its 3 peers is +30 B per request"
    )


def test_two_apart_are_some_and_the_fastest_comes_first() -> None:
    workers = [growing(1), growing(2, 9_000), *(steady(n) for n in range(3, 9))]
    found = only(workers)
    assert found.scope is FindingScope.SOME
    assert [one.worker_id for one in found.suspects] == [2, 1]
    assert found.title == "2 of 8 workers grow with every request"


def test_all_that_grow_alike_are_found_once_they_were_watched_long() -> None:
    found = only([growing(n) for n in range(4)])
    assert found.scope is FindingScope.ALL
    assert found.title == "All 4 workers grow with every request"
    assert len(found.suspects) == 4


def test_a_lone_worker_is_called_the_only_one() -> None:
    assert only([growing(1)]).title == "The only worker grows with every request"


@pytest.mark.parametrize(
    "workers",
    [
        [],
        [steady(n) for n in range(4)],
        [growing(n, started_at=START - 14 * MINUTE) for n in range(4)],
        [growing(n, judgement=judgement_of(GrowthVerdict.GROWING, span=1_999.0)) for n in range(4)],
        [growing(n, hits=1) for n in range(4)],
        [growing(1), steady(2), steady(3, judgement=judgement_of(GrowthVerdict.STEADY, 6_000))],
        [growing(n, seen_at=START - 5 * MINUTE) for n in range(4)],
        [growing(n, ended_at=START - SECOND) for n in range(4)],
        [growing(1, hits=1), steady(2), steady(3), steady(4)],
        [growing(1), steady(2, requests=99_000, anonymous=200 * MB)],
    ],
    ids=[
        "nobody is there",
        "nobody grows",
        "too young",
        "too few requests",
        "one look is not enough",
        "one of three, and nobody to compare with",
        "silent",
        "ended",
        "apart by one look only",
        "an elder holds more and does not grow",
    ],
)
def test_nothing_is_said(workers: list[Worker]) -> None:
    assert find_growth(workers, START) == []


def test_workers_of_another_release_are_no_peers() -> None:
    others = [steady(n, release="0.9", anonymous=90 * MB) for n in range(2, 5)]
    assert find_growth([growing(1), *others], START) == []


def test_past_lives_of_the_same_release_are_peers() -> None:
    before = [steady(n, ended_at=START - HOUR, anonymous=100 * MB) for n in range(2, 5)]
    assert only([growing(1, started_at=START - 3 * MINUTE), *before]).scope is FindingScope.ONE


def test_environments_are_judged_and_reported_separately() -> None:
    staging = [growing(10 + n, environment="staging") for n in range(4)]
    production = [steady(n) for n in range(4)]
    (found,) = find_growth([*staging, *production], START)
    assert found.fingerprint == growth_fingerprint("staging") != growth_fingerprint("production")


def test_the_fingerprint_is_the_same_for_every_worker_host_and_release() -> None:
    here = only([growing(n) for n in range(4)])
    there = only([growing(n, host="web-2", machine="ff", release="2.0") for n in range(9)])
    assert here.fingerprint == there.fingerprint == "1/growing/production"


def test_short_lives_that_rise_are_found_across_restarts() -> None:
    living = [stored_worker(n, started_at=START - MINUTE) for n in range(4)]
    ended = [recycled_worker(10 + n, START - n * MINUTE) for n in range(12)]
    found = only([*living, *ended])
    assert found.scope is FindingScope.RESTARTS
    assert (found.suspects, found.peers) == ((), 12)
    assert found.since == START - 21 * MINUTE
    assert found.because == (
        "12 lives of workers gained +7 kB per request each, 67 MB over 9,600 requests together"
    )


def test_past_lives_prove_nothing_once_workers_are_no_longer_replaced() -> None:
    living = [stored_worker(n) for n in range(4)]
    ended = [recycled_worker(10 + n, START - 11 * MINUTE - n * MINUTE) for n in range(12)]
    assert find_growth([*living, *ended], START) == []


def test_only_lives_of_the_newest_release_are_pooled() -> None:
    living = [stored_worker(n, started_at=START - MINUTE, release="2.0") for n in range(4)]
    ended = [recycled_worker(10 + n, START - n * MINUTE, release="1.0") for n in range(12)]
    assert find_growth([*living, *ended], START) == []


def test_a_large_fleet_names_its_fastest_workers_and_counts_all() -> None:
    found = only([growing(n, 5_000 + n) for n in range(1_000)])
    assert found.title == "All 1000 workers grow with every request"
    assert [one.slope for one in found.suspects] == [5_999 - n for n in range(MAX_SUSPECTS)]


def test_the_forecast_is_that_of_the_machine_of_the_fastest() -> None:
    here = [growing(n, 8_000) for n in range(2)]
    there = [growing(9, 5_000, machine="other", used=3_999 * MB)]
    found = only([*here, *there])
    assert found.forecast is not None
    assert found.forecast.expected == pytest.approx(2_000 * MB / (2 * 8_000 * 20))
