"""Which issue a finding belongs to."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.diagnoses import diagnosis
from tests.support.issues import finding, issue, suspect

from bugsly_server.detect.issue_matching import match_issues
from bugsly_server.detect.leak_lifecycle import next_leak_change
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.issue import Finding, Issue, IssueChangeKind, IssueState

IN_PRODUCTION: dict[str, Any] = {"environment": "production"}
GROWTH = finding(**IN_PRODUCTION)
UNKNOWN = finding(diagnosis=diagnosis(Cause.UNKNOWN), **IN_PRODUCTION)
NAMED = finding(
    fingerprint="1/growing-container/log/production", diagnosis=diagnosis(), **IN_PRODUCTION
)
OTHER = finding(fingerprint="1/threads/x/production", diagnosis=diagnosis(), **IN_PRODUCTION)
WASTEFUL = finding(
    fingerprint="1/buffered-response//production",
    diagnosis=diagnosis(Cause.BUFFERED_RESPONSE),
    **IN_PRODUCTION,
)


BELOW_THRESHOLD = finding(
    fingerprint="1/native//production",
    diagnosis=diagnosis(Cause.NATIVE, holder=None, site=None),
    **IN_PRODUCTION,
)
AT_LINE = finding(
    fingerprint="1/native/shop/views.py/production",
    diagnosis=diagnosis(Cause.NATIVE, holder=None),
    **IN_PRODUCTION,
)


def in_another_worker(original: Finding) -> Finding:
    return replace(original, suspects=(suspect(worker_id=99),))


def known_issues(found: Finding, state: IssueState = IssueState.OPEN) -> dict[str, Issue]:
    return {found.fingerprint: issue(fingerprint=found.fingerprint, finding=found, state=state)}


def changes_of(issues: dict[str, Issue], *found: Finding) -> list[IssueChangeKind | None]:
    """Return what each finding changes, of those that belong anywhere."""
    changes = [
        next_leak_change(one, finding, START, 0)
        for one, finding in match_issues(issues, found)
        if finding is not None
    ]
    return [None if one is None else one.kind for one in changes]


def test_what_nobody_knows_opens_an_issue() -> None:
    assert changes_of({}, GROWTH, NAMED) == [IssueChangeKind.OPENED] * 2


def test_what_is_known_goes_on() -> None:
    assert match_issues(known_issues(NAMED), [NAMED]) == [
        (known_issues(NAMED)[NAMED.fingerprint], NAMED)
    ]
    assert changes_of(known_issues(NAMED), NAMED) == [None]


def test_a_cause_takes_over_the_open_issue_of_the_growth() -> None:
    assert changes_of(known_issues(GROWTH), NAMED) == [IssueChangeKind.NAMED]


def test_a_growth_whose_cause_is_unknown_is_taken_over_as_well() -> None:
    assert changes_of(known_issues(UNKNOWN), NAMED) == [IssueChangeKind.NAMED]


def test_what_is_wasteful_is_reported_next_to_an_open_cause() -> None:
    assert changes_of(known_issues(NAMED), WASTEFUL) == [IssueChangeKind.OPENED]


def test_one_cause_alone_takes_it_over() -> None:
    assert changes_of(known_issues(GROWTH), NAMED, OTHER) == [
        IssueChangeKind.NAMED,
        IssueChangeKind.OPENED,
    ]


@pytest.mark.parametrize("state", [IssueState.QUIET, IssueState.RESOLVED])
def test_a_growth_that_is_over_is_not_taken_over(state: IssueState) -> None:
    assert changes_of(known_issues(GROWTH, state), NAMED) == [IssueChangeKind.OPENED]


def test_what_is_only_wasteful_takes_nothing_over() -> None:
    assert changes_of(known_issues(GROWTH), WASTEFUL) == [IssueChangeKind.OPENED]


@pytest.mark.parametrize(
    ("less", "more"), [(BELOW_THRESHOLD, AT_LINE), (BELOW_THRESHOLD, NAMED), (AT_LINE, NAMED)]
)
def test_what_names_more_of_the_same_workers_leak_takes_its_issue_over(
    less: Finding, more: Finding
) -> None:
    assert changes_of(known_issues(less), more) == [IssueChangeKind.NAMED]
    assert changes_of(known_issues(less), in_another_worker(more)) == [IssueChangeKind.OPENED]
    assert changes_of(known_issues(less), less, more) == [None, IssueChangeKind.OPENED]
    assert changes_of(known_issues(less, IssueState.QUIET), more) == [IssueChangeKind.OPENED]


@pytest.mark.parametrize(
    ("less", "more"), [(BELOW_THRESHOLD, AT_LINE), (BELOW_THRESHOLD, NAMED), (AT_LINE, NAMED)]
)
def test_what_names_less_of_the_same_workers_leak_opens_no_issue(
    less: Finding, more: Finding
) -> None:
    assert changes_of(known_issues(more), less) == []
    assert changes_of(known_issues(more), in_another_worker(less)) == [IssueChangeKind.OPENED]
    assert changes_of(known_issues(more), more, less) == [None, IssueChangeKind.OPENED]


def test_a_holder_takes_over_no_other_holder() -> None:
    assert changes_of(known_issues(OTHER), NAMED) == [IssueChangeKind.OPENED]


@pytest.mark.parametrize("growth", [GROWTH, UNKNOWN], ids=["no cause", "unknown cause"])
def test_a_growth_next_to_an_open_cause_opens_no_other_issue(growth: Finding) -> None:
    assert changes_of(known_issues(NAMED), growth) == []
    assert match_issues(known_issues(NAMED), [growth]) == [
        (known_issues(NAMED)[NAMED.fingerprint], None)
    ]


@pytest.mark.parametrize(
    "issues",
    [
        known_issues(NAMED, IssueState.QUIET),
        known_issues(WASTEFUL),
        known_issues(NAMED, IssueState.RESOLVED),
    ],
)
def test_a_growth_that_no_open_issue_explains_is_reported(issues: dict[str, Issue]) -> None:
    assert changes_of(issues, GROWTH) == [IssueChangeKind.OPENED]


def test_another_environment_is_another_matter() -> None:
    elsewhere = finding(fingerprint="1/growing/staging", environment="staging")
    assert changes_of(known_issues(NAMED), elsewhere) == [IssueChangeKind.OPENED]


def test_issues_without_a_finding_are_returned_as_well() -> None:
    assert match_issues(known_issues(NAMED), []) == [(known_issues(NAMED)[NAMED.fingerprint], None)]
