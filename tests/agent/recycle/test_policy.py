from typing import Any

import pytest

from bugsly.protocol.safety_net import Hindrance
from bugsly.recycle.forecast import ExhaustionForecast
from bugsly.recycle.policy import (
    HindranceReport,
    RecycleConditions,
    RecycleRules,
    another_worker_leaving,
    find_hindrance,
    find_recycle_reason,
    stuck_worker,
    unsupported_worker,
)

MB = 1_000_000
RULES = RecycleRules(limit_bytes=400 * MB, min_age_seconds=60, max_per_hour=20)
EXIT_SECONDS = 60.0


def conditions(**changes: Any) -> RecycleConditions:
    """Return conditions without a hindrance, but for *changes*."""
    usual: dict[str, Any] = {
        "initial_memory": 100 * MB,
        "age_seconds": 3600,
        "ready": 4,
        "expected": 4,
    }
    return RecycleConditions(**{**usual, **changes})


@pytest.mark.parametrize(
    ("memory", "forecast", "limit_bytes", "reason"),
    [
        (399 * MB, None, 400 * MB, ""),
        (412 * MB, None, 400 * MB, "its private memory, 412 MB, passed 400 MB"),
        (400 * MB, None, 400 * MB, "its private memory, 400 MB, passed 400 MB"),
        (380 * MB, ExhaustionForecast(2.1 * MB, 61), 400 * MB, ""),
        (
            380 * MB,
            ExhaustionForecast(2.1 * MB, 20),
            400 * MB,
            "at 380 MB, it grows by 2.1 MB/s, and memory may run out in 20 s",
        ),
        (900 * MB, ExhaustionForecast(2.1 * MB, 20), 0, ""),
    ],
    ids=["below", "above", "on it", "time enough", "no time", "a share of an unknown limit"],
)
def test_a_worker_leaves_at_its_limit_or_before_memory_runs_out(
    memory: int, forecast: ExhaustionForecast | None, limit_bytes: int, reason: str
) -> None:
    rules = RecycleRules(limit_bytes=limit_bytes, min_age_seconds=60, max_per_hour=20)
    assert find_recycle_reason(memory, forecast, EXIT_SECONDS, rules) == reason


@pytest.mark.parametrize(
    ("now", "hindrance"),
    [
        (conditions(), None),
        (conditions(ready=5), None),
        (conditions(ready=1, expected=1), None),
        (conditions(age_seconds=60), None),
        (conditions(age_seconds=59.9), Hindrance.YOUNG),
        (conditions(ready=3), Hindrance.SIBLINGS),
        (conditions(ready=3, replacement_overdue=61), Hindrance.REPLACEMENT),
        (conditions(ready=4, replacement_overdue=61), None),
        (conditions(is_other_master_replacing=True), Hindrance.TURN),
        (conditions(recycled=19), None),
        (conditions(recycled=20), Hindrance.BUDGET),
        (conditions(changed_file="shop/views.py"), Hindrance.CHANGED),
        (conditions(initial_memory=319 * MB), None),
        (conditions(initial_memory=320 * MB), Hindrance.FRESH),
    ],
)
def test_a_worker_that_cannot_be_spared_waits(
    now: RecycleConditions, hindrance: Hindrance | None
) -> None:
    report = find_hindrance(now, RULES)
    assert (report.kind if report else None) == hindrance


def test_what_lasts_is_reported_before_what_passes() -> None:
    report = find_hindrance(conditions(age_seconds=1, ready=3, recycled=20), RULES)
    assert report is not None
    assert report.kind is Hindrance.BUDGET


def hindrance_report(**changes: Any) -> HindranceReport:
    report = find_hindrance(conditions(**changes), RULES)
    assert report is not None
    return report


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (
            hindrance_report(initial_memory=350 * MB),
            "a fresh worker starts at 350 MB, and 400 MB is the limit → raise BUGSLY_RECYCLE_AT",
        ),
        (
            hindrance_report(changed_file="shop/views.py"),
            (
                "shop/views.py was changed after it was loaded, so a replacement might not start"
                " → reload Gunicorn"
            ),
        ),
        (
            hindrance_report(ready=3, replacement_overdue=90.2),
            "the worker that left 90 s ago has no replacement that is ready → see Gunicorn's log",
        ),
        (
            hindrance_report(recycled=20),
            (
                "20 workers of this host left within an hour, and no more may"
                " → fix the leak, or raise BUGSLY_RECYCLES_PER_HOUR"
            ),
        ),
        (hindrance_report(age_seconds=12), "it is 12 s old → it waits until it is 60 s"),
        (hindrance_report(ready=3), "3 of 4 workers are ready → it waits for the others"),
        (
            another_worker_leaving(),
            "another worker of this host is leaving or being replaced → it waits its turn",
        ),
        (
            stuck_worker(95.4),
            (
                "it was told to leave 95 s ago and is still here, so no sibling can leave"
                " → see which request does not end, and whether its worker class stops"
            ),
        ),
        (unsupported_worker("no → do"), "no → do"),
    ],
)
def test_a_hindrance_says_what_to_do(report: HindranceReport, text: str) -> None:
    assert report.reason == f"recycling: {text}"
    assert len(report.reason) <= 200
