"""Which issue a finding belongs to."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.diagnoses import diagnosis
from tests.support.issues import finding, issue, suspect

from bugsly_server.detect.identity import pair
from bugsly_server.detect.lifecycle import next_change
from bugsly_server.inquiry import fingerprint
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.issue import ChangeKind, Finding, Issue, State

HERE: dict[str, Any] = {"environment": "production"}
GROWTH = finding(**HERE)
UNKNOWN = finding(diagnosis=diagnosis(Cause.UNKNOWN), **HERE)
NAMED = finding(fingerprint="1/growing-container/log/production", diagnosis=diagnosis(), **HERE)
OTHER = finding(fingerprint="1/threads/x/production", diagnosis=diagnosis(), **HERE)
WASTEFUL = finding(
    fingerprint="1/buffered-response//production",
    diagnosis=diagnosis(Cause.BUFFERED_RESPONSE),
    **HERE,
)


BELOW = finding(
    fingerprint="1/native//production",
    diagnosis=diagnosis(Cause.NATIVE, holder="", site=""),
    **HERE,
)
AT_LINE = finding(
    fingerprint="1/native/shop/views.py/production",
    diagnosis=diagnosis(Cause.NATIVE, holder=""),
    **HERE,
)


def elsewhere(one: Finding) -> Finding:
    return replace(one, suspects=(suspect(worker_id=99),))


def known(found: Finding, state: State = State.OPEN) -> dict[str, Issue]:
    return {found.fingerprint: issue(fingerprint=found.fingerprint, finding=found, state=state)}


def told(issues: dict[str, Issue], *found: Finding) -> list[ChangeKind | None]:
    """Return what each finding changes, of those that belong anywhere."""
    changes = [
        next_change(one, finding, START, 0)
        for one, finding in pair(issues, found)
        if finding is not None
    ]
    return [None if one is None else one.kind for one in changes]


def test_what_nobody_knows_opens_an_issue() -> None:
    assert told({}, GROWTH, NAMED) == [ChangeKind.OPENED] * 2


def test_what_is_known_goes_on() -> None:
    assert pair(known(NAMED), [NAMED]) == [(known(NAMED)[NAMED.fingerprint], NAMED)]
    assert told(known(NAMED), NAMED) == [None]


def test_a_cause_takes_over_the_open_issue_of_the_growth() -> None:
    assert told(known(GROWTH), NAMED) == [ChangeKind.NAMED]


def test_a_growth_whose_cause_is_unknown_is_taken_over_as_well() -> None:
    assert told(known(UNKNOWN), NAMED) == [ChangeKind.NAMED]


def test_what_is_wasteful_is_told_beside_an_open_cause() -> None:
    assert told(known(NAMED), WASTEFUL) == [ChangeKind.OPENED]


def test_one_cause_alone_takes_it_over() -> None:
    assert told(known(GROWTH), NAMED, OTHER) == [ChangeKind.NAMED, ChangeKind.OPENED]


@pytest.mark.parametrize("state", [State.QUIET, State.RESOLVED])
def test_a_growth_that_is_over_is_not_taken_over(state: State) -> None:
    assert told(known(GROWTH, state), NAMED) == [ChangeKind.OPENED]


def test_what_is_only_wasteful_takes_nothing_over() -> None:
    assert told(known(GROWTH), WASTEFUL) == [ChangeKind.OPENED]


@pytest.mark.parametrize(("less", "more"), [(BELOW, AT_LINE), (BELOW, NAMED), (AT_LINE, NAMED)])
def test_what_names_more_of_the_same_workers_leak_takes_its_issue_over(
    less: Finding, more: Finding
) -> None:
    assert told(known(less), more) == [ChangeKind.NAMED]
    assert told(known(less), elsewhere(more)) == [ChangeKind.OPENED]
    assert told(known(less), less, more) == [None, ChangeKind.OPENED]
    assert told(known(less, State.QUIET), more) == [ChangeKind.OPENED]


@pytest.mark.parametrize(("less", "more"), [(BELOW, AT_LINE), (BELOW, NAMED), (AT_LINE, NAMED)])
def test_what_names_less_of_the_same_workers_leak_opens_no_issue(
    less: Finding, more: Finding
) -> None:
    assert told(known(more), less) == []
    assert told(known(more), elsewhere(less)) == [ChangeKind.OPENED]
    assert told(known(more), more, less) == [None, ChangeKind.OPENED]


def test_a_holder_takes_over_no_other_holder() -> None:
    assert told(known(OTHER), NAMED) == [ChangeKind.OPENED]


@pytest.mark.parametrize("growth", [GROWTH, UNKNOWN], ids=["no cause", "unknown cause"])
def test_a_growth_beside_an_open_cause_opens_no_other_issue(growth: Finding) -> None:
    assert told(known(NAMED), growth) == []
    assert pair(known(NAMED), [growth]) == [(known(NAMED)[NAMED.fingerprint], None)]


@pytest.mark.parametrize(
    "issues", [known(NAMED, State.QUIET), known(WASTEFUL), known(NAMED, State.RESOLVED)]
)
def test_a_growth_beside_what_does_not_explain_it_is_told(issues: dict[str, Issue]) -> None:
    assert told(issues, GROWTH) == [ChangeKind.OPENED]


def test_another_environment_is_another_matter() -> None:
    elsewhere = finding(fingerprint="1/growing/staging", environment="staging")
    assert told(known(NAMED), elsewhere) == [ChangeKind.OPENED]


def test_issues_that_nothing_speaks_for_are_told_of_as_well() -> None:
    assert pair(known(NAMED), []) == [(known(NAMED)[NAMED.fingerprint], None)]


@pytest.mark.parametrize(
    ("facts", "printed"),
    [
        ({}, "1/growing-container/shop.views.request_log/production"),
        ({"site": "shop/views.py:99"}, "1/growing-container/shop.views.request_log/production"),
        ({"holder": ""}, "1/growing-container/shop/views.py/production"),
        ({"holder": "", "site": ""}, "1/growing-container/GET /api/orders/production"),
        ({"holder": "a.own.<thread 3>.log"}, "1/growing-container/a.own.<thread>.log/production"),
        ({"holder": "", "cause": Cause.CYCLES}, "1/cycles//production"),
    ],
)
def test_a_cause_keeps_its_fingerprint_while_lines_move(
    facts: dict[str, Any], printed: str
) -> None:
    assert fingerprint(diagnosis(**facts), "production") == printed
