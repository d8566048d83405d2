"""How often the safety net stepped in, and when memory would have run out without it."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.diagnoses import diagnosis
from tests.support.issues import finding, issue
from tests.support.recycling_values import recycled, safety_net
from tests.support.stored_workers import judgement_of, stored_worker

from bugsly.protocol.memory import ExitReason
from bugsly.protocol.safety_net import Hindrance
from bugsly_server.clock import DAY, HOUR, MINUTE, Micros
from bugsly_server.detect.recycling import add_recycling, quiet_from, summarise_recycling
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker

MB = 1_000_000
LIMIT = 4_000 * MB
FRESH_MEMORY = 100 * MB
RECYCLE_AT = 400 * MB
GROWING = judgement_of(GrowthVerdict.GROWING, 5_000.0)
REQUESTS_PER_WORKER = (RECYCLE_AT - FRESH_MEMORY) // 5_000


def recycled_worker(minutes_ago: float, **changes: Any) -> Worker:
    """Return a worker that was recycled at 400 MB, 300 of which it had gained."""
    at = START - round(minutes_ago * MINUTE)
    fields = {
        "started_at": at - HOUR,
        "seen_at": at,
        "ended_at": at,
        "exit_reason": ExitReason.RECYCLED,
        "anonymous": RECYCLE_AT,
        "requests": REQUESTS_PER_WORKER,
        "limit": LIMIT,
        "used": 3_000 * MB,
        "judgement": GROWING,
    }
    return stored_worker(1, **(fields | changes))


def living(**changes: Any) -> Worker:
    fields = {
        "started_at": START - HOUR,
        "anonymous": FRESH_MEMORY,
        "requests": 0,
        "limit": LIMIT,
        "used": 3_000 * MB,
    }
    return stored_worker(2, **(fields | changes))


@pytest.mark.parametrize(
    ("lives", "times"),
    [
        ([], None),
        ([living()], None),
        ([living(), recycled_worker(5, exit_reason=ExitReason.MAX_REQUESTS)], None),
        ([living(), recycled_worker(5, exit_reason=ExitReason.OUT_OF_MEMORY)], None),
        ([living(), recycled_worker(24 * 60)], None),
        ([living(), recycled_worker(24 * 60 - 1)], 1),
        ([living(), *(recycled_worker(60 * number) for number in range(14))], 14),
        ([living(net=safety_net(recycled_today=14)), recycled_worker(5)], 14),
        ([living(net=safety_net(recycled_today=14))], 14),
        ([living(net=safety_net(recycled_today=1)), recycled_worker(5), recycled_worker(10)], 2),
        ([living(net=safety_net(recycled_today=3)), living(net=safety_net(recycled_today=4))], 4),
        (
            [
                living(net=safety_net(recycled_today=3)),
                living(net=safety_net(recycled_today=4), machine="b"),
            ],
            7,
        ),
        ([living(net=safety_net(recycled_today=14), seen_at=START - HOUR), recycled_worker(5)], 1),
    ],
)
def test_those_are_counted_that_were_recycled_within_a_day(
    lives: Sequence[Worker], times: int | None
) -> None:
    found = summarise_recycling(lives, START)
    assert (None if found is None else found.times) == times


@pytest.mark.parametrize(
    ("lives", "full_at", "because"),
    [
        ([living(), recycled_worker(10, used=LIMIT)], START - 10 * MINUTE, "it was full even so"),
        (
            [living(), *(recycled_worker(60 * ago) for ago in range(5, 0, -1))],
            START - 100 * MINUTE,
            "four of them had gained 1.2 GB, and 1 GB was free: a third of the way to the fourth",
        ),
        (
            [living(), *(recycled_worker(60 * ago) for ago in (3, 2, 1))],
            START + HOUR * 4 // 9,
            "100 MB are left, and 900 MB came within four hours",
        ),
        ([living(limit=0), recycled_worker(5, limit=0)], None, "no limit is known"),
        (
            [living(), recycled_worker(5, judgement=stored_worker().judgement)],
            None,
            "nobody knows what it gained",
        ),
    ],
)
def test_the_moment_is_when_the_gains_would_have_filled_the_machine(
    lives: Sequence[Worker], full_at: Micros | None, because: str
) -> None:
    found = summarise_recycling(lives, START)
    assert found is not None
    assert found.full_at == full_at, because


def test_of_several_machines_the_first_to_be_full_counts() -> None:
    other = {"machine": "ffff", "host": "web-2"}
    calm = [living(), recycled_worker(60)]
    full = [living(**other), recycled_worker(30, used=LIMIT, **other)]
    found = summarise_recycling([*calm, *full], START)
    assert found is not None
    assert (found.times, found.full_at) == (2, START - 30 * MINUTE)


@pytest.mark.parametrize(
    ("told", "because"),
    [
        (
            recycled(),
            (
                "recycled 14 times in 24 hours for `shop.views.request_log`; "
                "without it memory would have run out at 2026-08-21 02:12 UTC"
            ),
        ),
        (
            recycled(times=1, what="", full_at=START + HOUR),
            "recycled once in 24 hours; without it memory would run out at 2026-08-21 04:12 UTC",
        ),
        (recycled(times=1_200, what="", full_at=None), "recycled 1,200 times in 24 hours"),
    ],
)
def test_the_count_has_words(told: Any, because: str) -> None:
    assert told.because == because


@pytest.mark.parametrize(
    ("part", "holder", "what"),
    [
        (0.9, "shop.views.log", "shop.views.log"),
        (0.9, None, "shop/views.py:12"),
        (0.3, "shop.views.log", ""),
    ],
)
def test_a_finding_names_what_it_recycles_for_where_that_is_most_of_the_growth(
    part: float, holder: str | None, what: str
) -> None:
    cause = diagnosis(part=part, holder=holder, site="shop/views.py:12")
    seen = finding(environment="production", diagnosis=cause)
    found = add_recycling(seen, [living(), recycled_worker(5)], START).recycled
    assert found is not None
    assert found.what == what


def test_a_finding_of_another_environment_is_left_as_it_is() -> None:
    seen = finding(environment="staging")
    assert add_recycling(seen, [living(), recycled_worker(5)], START) is seen


def test_an_issue_is_not_quiet_while_its_workers_are_recycled() -> None:
    mine = issue(finding=finding(environment="production"))
    other = issue(finding=finding(environment="staging"))
    since = START - DAY
    assert quiet_from(mine, [recycled_worker(5), recycled_worker(50)], since) == START - 5 * MINUTE
    assert quiet_from(other, [recycled_worker(5)], since) == since
    assert quiet_from(None, [recycled_worker(5)], since) == since


def test_what_hinders_until_somebody_acts_is_reported_once() -> None:
    budget = safety_net(hindrance=Hindrance.BUDGET, because="recycling: 6 went → raise it")
    passing = safety_net(hindrance=Hindrance.TURN, because="recycling: another one leaves → wait")
    told = [living(net=one) for one in (budget, budget, passing, safety_net(), None)]
    assert lasting_hindrances(told) == [budget]
