from typing import Any

import pytest

from bugsly.protocol.net import Hindrance
from bugsly.recycle.forecast import Outlook
from bugsly.recycle.policy import (
    Rules,
    Situation,
    Wait,
    another_leaves,
    find_hindrance,
    find_reason,
    stuck,
    unsupported,
)

MB = 1_000_000
RULES = Rules(at=400 * MB, least_age=60, per_hour=20)
DRAIN = 60.0


def situation(**told: Any) -> Situation:
    """Return one in which nothing hinders, but for what is *told*."""
    usual: dict[str, Any] = {"fresh": 100 * MB, "age": 3600, "ready": 4, "wanted": 4}
    return Situation(**{**usual, **told})


@pytest.mark.parametrize(
    ("memory", "outlook", "at", "because"),
    [
        (399 * MB, None, 400 * MB, ""),
        (412 * MB, None, 400 * MB, "its private memory, 412 MB, passed 400 MB"),
        (400 * MB, None, 400 * MB, "its private memory, 400 MB, passed 400 MB"),
        (380 * MB, Outlook(2.1 * MB, 61), 400 * MB, ""),
        (
            380 * MB,
            Outlook(2.1 * MB, 20),
            400 * MB,
            "at 380 MB, it grows by 2.1 MB/s, and memory may run out in 20 s",
        ),
        (900 * MB, Outlook(2.1 * MB, 20), 0, ""),
    ],
    ids=["below", "above", "on it", "time enough", "no time", "a share of an unknown limit"],
)
def test_a_worker_goes_at_its_limit_or_before_memory_runs_out(
    memory: int, outlook: Outlook | None, at: int, because: str
) -> None:
    rules = Rules(at=at, least_age=60, per_hour=20)
    assert find_reason(memory, outlook, DRAIN, rules) == because


@pytest.mark.parametrize(
    ("now", "hindrance"),
    [
        (situation(), None),
        (situation(ready=5), None),
        (situation(ready=1, wanted=1), None),
        (situation(age=60), None),
        (situation(age=59.9), Hindrance.YOUNG),
        (situation(ready=3), Hindrance.SIBLINGS),
        (situation(ready=3, overdue=61), Hindrance.REPLACEMENT),
        (situation(ready=4, overdue=61), None),
        (situation(elsewhere=True), Hindrance.TURN),
        (situation(recycled=19), None),
        (situation(recycled=20), Hindrance.BUDGET),
        (situation(changed="shop/views.py"), Hindrance.CHANGED),
        (situation(fresh=319 * MB), None),
        (situation(fresh=320 * MB), Hindrance.FRESH),
    ],
)
def test_a_worker_that_cannot_be_spared_waits(now: Situation, hindrance: Hindrance | None) -> None:
    word = find_hindrance(now, RULES)
    assert (word.hindrance if word else None) == hindrance


def test_what_lasts_is_said_before_what_passes() -> None:
    word = find_hindrance(situation(age=1, ready=3, recycled=20), RULES)
    assert word is not None
    assert word.hindrance is Hindrance.BUDGET


def word_of(**told: Any) -> Wait:
    word = find_hindrance(situation(**told), RULES)
    assert word is not None
    return word


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            word_of(fresh=350 * MB),
            "a fresh worker starts at 350 MB, and 400 MB is the limit → raise BUGSLY_RECYCLE_AT",
        ),
        (
            word_of(changed="shop/views.py"),
            (
                "shop/views.py was changed after it was loaded, so a replacement might not start"
                " → reload Gunicorn"
            ),
        ),
        (
            word_of(ready=3, overdue=90.2),
            "the worker that left 90 s ago has no replacement that is ready → see Gunicorn's log",
        ),
        (
            word_of(recycled=20),
            (
                "20 workers of this host went within an hour, and no more may"
                " → mend the leak, or raise BUGSLY_RECYCLES_PER_HOUR"
            ),
        ),
        (word_of(age=12), "it is 12 s old → it waits until it is 60 s"),
        (word_of(ready=3), "3 of 4 workers are ready → it waits for the others"),
        (
            another_leaves(),
            "another worker of this host is leaving or being replaced → it waits its turn",
        ),
        (
            stuck(95.4),
            (
                "it was told to leave 95 s ago and is still here, so no sibling of it can go"
                " → see which request does not end, and whether its worker class stops"
            ),
        ),
        (unsupported("no → do"), "no → do"),
    ],
)
def test_a_hindrance_says_what_to_do(word: Wait, text: str) -> None:
    assert word.because == f"recycling: {text}"
    assert len(word.because) <= 200
