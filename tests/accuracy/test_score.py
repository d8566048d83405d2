"""The score of a result, and the figures of all."""

from pathlib import Path
from typing import Any

import pytest
from tools.accuracy.accuracy_page import render_page
from tools.accuracy.case_catalog import AccuracyCase
from tools.accuracy.doctor_run import DoctorResult
from tools.accuracy.ground_truth import GroundTruth
from tools.accuracy.peers.peer_opinion import PeerOpinion
from tools.accuracy.score import CaseScore, accuracy_figures, score_result

LEAK = GroundTruth(
    verdict="leak",
    causes=("growing-container",),
    holders=("shop.seen",),
    endpoints=("GET /a",),
)
RIGHT_FINDING: dict[str, Any] = {
    "cause": "growing-container",
    "bytes_per_request": 812.0,
    "is_leak": True,
    "holder": "shop.seen",
    "site": "",
    "endpoint": "GET /a",
}
WRONG_FINDING = {**RIGHT_FINDING, "cause": "threads", "holder": "", "endpoint": "GET /b"}
BOUNDED_FINDING = {**RIGHT_FINDING, "cause": "bounded", "is_leak": False}


def accuracy_case(truth: GroundTruth, name: str = "shop") -> AccuracyCase:
    return AccuracyCase(
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


def scored(truth: GroundTruth, verdict: str, *findings: dict[str, Any]) -> CaseScore:
    report = {"verdict": verdict, "requests": 900, "seconds": 9.5, "findings": list(findings)}
    return score_result(accuracy_case(truth), DoctorResult(exit_code=1, report=report))


def share(name: str, *scores: CaseScore) -> float | None:
    return next(one.share for one in accuracy_figures(scores) if name in one.name)


def test_a_right_finding_is_right_in_everything() -> None:
    scored_case = scored(LEAK, "leak", RIGHT_FINDING)
    assert (
        scored_case.verdict_right,
        scored_case.cause_right,
        scored_case.location_right,
        scored_case.location_right_in_top,
        scored_case.endpoint_right,
    ) == (True,) * 5


def test_a_right_finding_behind_a_wrong_one_is_among_the_first_three() -> None:
    scored_case = scored(LEAK, "leak", WRONG_FINDING, RIGHT_FINDING)
    assert (
        scored_case.cause_right,
        scored_case.location_right,
        scored_case.location_right_in_top,
        scored_case.endpoint_right,
    ) == (False, False, True, False)


def test_what_is_no_leak_does_not_count_as_a_finding_of_one() -> None:
    scored_case = scored(LEAK, "leak", BOUNDED_FINDING, RIGHT_FINDING)
    assert (scored_case.cause_right, scored_case.location_right) == (True, True)


def test_a_leak_that_was_missed_has_no_cause_to_be_right_about() -> None:
    scored_case = scored(LEAK, "no leak")
    assert (
        scored_case.verdict_right,
        scored_case.cause_right,
        scored_case.location_right,
        scored_case.endpoint_right,
    ) == (False, None, None, None)


def test_an_alarm_about_an_honest_app_is_a_false_one() -> None:
    false = scored(GroundTruth(verdict="no leak"), "leak", RIGHT_FINDING)
    assert false.cause_right is None
    assert share("precision", false, scored(LEAK, "leak", RIGHT_FINDING)) == 0.5
    assert (
        share("recall", false, scored(LEAK, "leak", RIGHT_FINDING), scored(LEAK, "no leak")) == 0.5
    )


@pytest.mark.parametrize(
    ("rest", "told", "right"),
    [(1_127.0, 1_300.0, True), (1_127.0, 2_100.0, False), (60.0, 50.0, False), (0.0, 0.0, False)],
)
def test_growth_that_is_described_of_an_honest_case_may_be_told(
    rest: float,
    told: float,
    right: bool,  # noqa: FBT001
) -> None:
    scored_case = scored(
        GroundTruth(verdict="no leak", residual_growth=rest),
        "leak",
        {**RIGHT_FINDING, "bytes_per_request": told},
    )
    assert (scored_case.verdict_right, scored_case.is_residual) == (right, right)
    assert share("precision", scored_case) == float(right)
    assert share("were the rests", scored_case) == 0.0


def test_a_case_that_could_not_be_made_here_counts_nowhere() -> None:
    missing = score_result(accuracy_case(LEAK), DoctorResult(problem="redis-server: not there"))
    assert missing.verdict_right is None
    assert share("recall", missing, scored(LEAK, "leak", RIGHT_FINDING)) == 1.0


def test_a_run_that_doctor_gave_up_counts_as_missed() -> None:
    given_up = score_result(
        accuracy_case(LEAK), DoctorResult(exit_code=2, problem="shop:app: answers no request")
    )
    assert share("recall", given_up) == 0.0


def test_the_page_has_a_row_for_every_case_and_every_peer() -> None:
    opinions = {
        "shop-leaky": {
            "RSS +20 %": PeerOpinion(alarmed=True),
            "memray": PeerOpinion(line_right=False),
        }
    }
    text = render_page([scored(LEAK, "leak", RIGHT_FINDING)], opinions, "abc")
    assert "| shop | it \\| grows (leaky) | leak | yes | yes | yes | yes | yes | 900 | 10 |" in text
    assert "| RSS +20 % | 1.000 (1 of 1) | 1.000 (1 of 1) | – |" in text
    assert "| memray | – | – | 0.000 (0 of 1) |" in text
