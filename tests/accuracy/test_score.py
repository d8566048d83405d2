"""The score of a result, and the figures of all."""

from pathlib import Path
from typing import Any

import pytest
from tools.accuracy.case import Case
from tools.accuracy.page import page
from tools.accuracy.peers.answer import Opinion
from tools.accuracy.run import Result
from tools.accuracy.score import Score, figures, score
from tools.accuracy.truth import Truth

LEAK = Truth(
    verdict="leak",
    causes=("growing-container",),
    holders=("shop.seen",),
    endpoints=("GET /a",),
)
RIGHT: dict[str, Any] = {
    "cause": "growing-container",
    "bytes_per_request": 812.0,
    "is_leak": True,
    "holder": "shop.seen",
    "site": "",
    "endpoint": "GET /a",
}
OTHER = {**RIGHT, "cause": "threads", "holder": "", "endpoint": "GET /b"}
BOUND = {**RIGHT, "cause": "bounded", "is_leak": False}


def case(truth: Truth, name: str = "shop") -> Case:
    return Case(
        name=name,
        variant="leaky",
        story="it | grows",
        folder=Path(),
        target="shop:app",
        requirements=None,
        truth=truth,
        plan={},
        gunicorn=(),
        environ={},
        sidecar=(),
    )


def scored(truth: Truth, verdict: str, *findings: dict[str, Any]) -> Score:
    report = {"verdict": verdict, "requests": 900, "seconds": 9.5, "findings": list(findings)}
    return score(case(truth), Result(exit_code=1, report=report))


def share(name: str, *scores: Score) -> float | None:
    return next(one.share for one in figures(scores) if name in one.name)


def test_a_right_finding_is_right_in_everything() -> None:
    one = scored(LEAK, "leak", RIGHT)
    assert (one.verdict_right, one.cause, one.place, one.place_top, one.endpoint) == (True,) * 5


def test_a_right_finding_behind_a_wrong_one_is_among_the_first_three() -> None:
    one = scored(LEAK, "leak", OTHER, RIGHT)
    assert (one.cause, one.place, one.place_top, one.endpoint) == (False, False, True, False)


def test_what_is_no_leak_does_not_count_as_a_finding_of_one() -> None:
    one = scored(LEAK, "leak", BOUND, RIGHT)
    assert (one.cause, one.place) == (True, True)


def test_a_leak_that_was_missed_has_no_cause_to_be_right_about() -> None:
    one = scored(LEAK, "no leak")
    assert (one.verdict_right, one.cause, one.place, one.endpoint) == (False, None, None, None)


def test_an_alarm_about_an_honest_app_is_a_false_one() -> None:
    false = scored(Truth(verdict="no leak"), "leak", RIGHT)
    assert false.cause is None
    assert share("precision", false, scored(LEAK, "leak", RIGHT)) == 0.5
    assert share("recall", false, scored(LEAK, "leak", RIGHT), scored(LEAK, "no leak")) == 0.5


@pytest.mark.parametrize(
    ("rest", "told", "right"),
    [(1_127.0, 1_300.0, True), (1_127.0, 2_100.0, False), (60.0, 50.0, False), (0.0, 0.0, False)],
)
def test_growth_that_is_described_of_an_honest_case_may_be_told(
    rest: float,
    told: float,
    right: bool,  # noqa: FBT001
) -> None:
    one = scored(Truth(verdict="no leak", rest=rest), "leak", {**RIGHT, "bytes_per_request": told})
    assert (one.verdict_right, one.is_rest) == (right, right)
    assert share("precision", one) == float(right)
    assert share("were the rests", one) == 0.0


def test_a_case_that_could_not_be_made_here_counts_nowhere() -> None:
    missing = score(case(LEAK), Result(problem="redis-server: not there"))
    assert missing.verdict_right is None
    assert share("recall", missing, scored(LEAK, "leak", RIGHT)) == 1.0


def test_a_run_that_doctor_gave_up_counts_as_missed() -> None:
    given_up = score(case(LEAK), Result(exit_code=2, problem="shop:app: answers no request"))
    assert share("recall", given_up) == 0.0


def test_the_page_has_a_row_for_every_case_and_every_peer() -> None:
    opinions = {"shop-leaky": {"RSS +20 %": Opinion(alarmed=True), "memray": Opinion(place=False)}}
    text = page([scored(LEAK, "leak", RIGHT)], opinions, "abc")
    assert "| shop | it \\| grows (leaky) | leak | yes | yes | yes | yes | yes | 900 | 10 |" in text
    assert "| RSS +20 % | 1.000 (1 of 1) | 1.000 (1 of 1) | – |" in text
    assert "| memray | – | – | 0.000 (0 of 1) |" in text
