from typing import Any

import pytest
from tests.support.clock import START
from tests.support.issues import finding, forecast, issue, suspect
from tests.support.recycling_values import recycled
from tests.support.release_comparison import pace, proof

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.detect.leak_lifecycle import next_leak_change
from bugsly_server.model.issue import (
    Finding,
    FindingScope,
    Issue,
    IssueChange,
    IssueChangeKind,
    IssueState,
)

ALWAYS: Micros = 0
ALL = finding(scope=FindingScope.ALL)


def at(minutes: float) -> Micros:
    return START + round(minutes * MINUTE)


def open_issue(**changes: Any) -> Issue:
    """Return an issue that opened at `START`, seen growing last at that moment."""
    fields = {"state": IssueState.OPEN, "opened_at": START, "changed_at": START, "seen_at": START}
    return issue(**(fields | changes))


def next_kind(known: Issue | None, found: Finding | None, minutes: float) -> IssueChangeKind | None:
    change = next_leak_change(known, found, at(minutes), ALWAYS)
    return None if change is None else change.kind


def test_a_finding_opens_an_issue_with_its_because() -> None:
    found = finding()
    assert next_leak_change(None, found, START, ALWAYS) == IssueChange(
        kind=IssueChangeKind.OPENED, at=START, because=found.because, finding=found
    )


def test_nothing_comes_of_nothing() -> None:
    assert next_leak_change(None, None, START, ALWAYS) is None


def test_the_same_finding_is_not_reported_twice() -> None:
    assert [next_kind(open_issue(), finding(), minute) for minute in (0, 9, 10, 500)] == [None] * 4


@pytest.mark.parametrize(
    ("before", "now", "minutes", "kind"),
    [
        (FindingScope.ONE, FindingScope.SOME, 10, IssueChangeKind.WORSENED),
        (FindingScope.ONE, FindingScope.ALL, 10, IssueChangeKind.WORSENED),
        (FindingScope.SOME, FindingScope.RESTARTS, 10, IssueChangeKind.WORSENED),
        (FindingScope.ONE, FindingScope.ALL, 9.9, None),
        (FindingScope.ALL, FindingScope.RESTARTS, 10, None),
        (FindingScope.ALL, FindingScope.ONE, 10, None),
    ],
)
def test_it_worsens_when_more_workers_grow_but_not_within_ten_minutes(
    before: FindingScope, now: FindingScope, minutes: float, kind: IssueChangeKind | None
) -> None:
    assert next_kind(open_issue(finding=finding(scope=before)), finding(scope=now), minutes) is kind


def test_what_got_worse_within_ten_minutes_is_reported_after_them() -> None:
    known = open_issue(finding=ALL, reported=finding(scope=FindingScope.ONE))
    change = next_leak_change(known, ALL, at(10), ALWAYS)
    assert change is not None
    assert change.kind is IssueChangeKind.WORSENED
    assert change.because == "it was one worker, and is all workers now"


def test_what_was_reported_once_is_not_reported_again_after_an_improvement() -> None:
    known = open_issue(finding=finding(scope=FindingScope.ONE), reported=ALL)
    assert next_kind(known, ALL, 30) is None


@pytest.mark.parametrize(
    ("before", "seconds", "kind"),
    [
        (3 * 3600.0, 3599.0, IssueChangeKind.WORSENED),
        (3 * 3600.0, 3600.0, None),
        (1.9 * 3600.0, 3000.0, None),
        (None, 3000.0, IssueChangeKind.WORSENED),
    ],
)
def test_it_worsens_when_memory_runs_out_within_the_hour_and_that_is_news(
    before: float | None, seconds: float, kind: IssueChangeKind | None
) -> None:
    earlier = None if before is None else forecast(expected=before)
    known = open_issue(finding=finding(forecast=earlier))
    assert next_kind(known, finding(forecast=forecast(expected=seconds)), 10) is kind


@pytest.mark.parametrize(
    ("seen", "watched_since", "minutes", "quiet"),
    [
        (0, -600, 29.9, False),
        (0, -600, 30, True),
        (0, 20, 49.9, False),
        (0, 20, 50, True),
        (45, -600, 74.9, False),
    ],
)
def test_it_is_quiet_after_half_an_hour_in_which_workers_reported_and_none_grew(
    seen: float, watched_since: float, minutes: float, *, quiet: bool
) -> None:
    change = next_leak_change(open_issue(seen_at=at(seen)), None, at(minutes), at(watched_since))
    assert (change is not None and change.kind is IssueChangeKind.QUIETED) is quiet


def test_a_quiet_issue_says_how_long_it_has_been_quiet() -> None:
    change = next_leak_change(open_issue(), None, at(31), ALWAYS)
    assert change is not None
    assert change.because == "no worker has grown for 31 min"
    assert change.finding is None


def test_a_quiet_issue_comes_back_with_any_growth() -> None:
    known = issue(state=IssueState.QUIET, changed_at=START)
    assert next_kind(known, finding(), 1) is IssueChangeKind.CAME_BACK


def test_after_three_quiet_days_it_is_resolved() -> None:
    known = issue(state=IssueState.QUIET, changed_at=START)
    assert next_leak_change(known, None, START + 3 * DAY - SECOND, ALWAYS) is None
    change = next_leak_change(known, None, START + 3 * DAY, ALWAYS)
    assert change is not None
    assert (change.kind, change.because) == (IssueChangeKind.RESOLVED, "it was quiet for 3 d")


def test_a_resolved_issue_stays_so_while_nothing_grows() -> None:
    assert next_kind(issue(state=IssueState.RESOLVED, resolved_at=START), None, 99_999) is None


@pytest.mark.parametrize(
    ("ages", "kind"),
    [
        ([2 * 3600.0], None),
        ([1800.0], IssueChangeKind.CAME_BACK),
        ([2 * 3600.0, 1800.0], IssueChangeKind.CAME_BACK),
    ],
)
def test_what_a_person_resolved_comes_back_only_with_a_worker_that_started_later(
    ages: list[float], kind: IssueChangeKind | None
) -> None:
    known = issue(state=IssueState.RESOLVED, resolved_at=START, changed_at=START)
    found = finding(suspects=tuple(suspect(age=age) for age in ages))
    assert next_kind(known, found, 60) is kind


@pytest.mark.parametrize(
    ("oldest", "kind"), [(START - HOUR, None), (START + HOUR, IssueChangeKind.CAME_BACK)]
)
def test_what_a_person_resolved_comes_back_across_restarts_with_lives_begun_later(
    oldest: Micros, kind: IssueChangeKind | None
) -> None:
    known = issue(state=IssueState.RESOLVED, resolved_at=START, changed_at=START)
    found = finding(scope=FindingScope.RESTARTS, suspects=(), since=oldest)
    assert next_kind(known, found, 120) is kind


@pytest.mark.parametrize(
    ("age", "kind"),
    [(2 * 3600.0, None), (3600.0, IssueChangeKind.CAME_BACK), (1.0, IssueChangeKind.CAME_BACK)],
)
def test_what_was_fixed_comes_back_with_workers_of_the_release_that_fixed_it_or_later(
    age: float, kind: IssueChangeKind | None
) -> None:
    mended = proof(after=pace(release="1.1", since=START))
    known = issue(state=IssueState.RESOLVED, proof=mended, changed_at=START)
    assert next_kind(known, finding(suspects=(suspect(age=age),)), 60) is kind


def test_what_was_fixed_comes_back_as_a_regression() -> None:
    known = issue(state=IssueState.RESOLVED, proof=proof(after=pace(release="1.1", since=START)))
    change = next_leak_change(known, finding(suspects=(suspect(age=1.0),)), at(60), ALWAYS)
    assert change is not None
    assert change.because == "a regression: it was fixed in 1.1, and grows again"


def test_what_time_resolved_comes_back_with_any_growth() -> None:
    known = issue(state=IssueState.RESOLVED, resolved_at=None, changed_at=START)
    assert next_kind(known, finding(suspects=(suspect(age=9e6),)), 60) is IssueChangeKind.CAME_BACK


@pytest.mark.parametrize(
    ("told", "minutes", "kind"),
    [
        (None, 10, IssueChangeKind.WORSENED),
        (None, 9, None),
        (recycled(times=1), 10, None),
        (recycled(times=1), 24 * 60 - 1, None),
        (recycled(times=1), 24 * 60, IssueChangeKind.WORSENED),
    ],
)
def test_recycling_is_reported_at_first_and_every_day(
    told: Any, minutes: float, kind: IssueChangeKind | None
) -> None:
    known = open_issue(reported=finding(recycled=told))
    assert next_kind(known, finding(recycled=recycled()), minutes) is kind


def test_recycling_is_reported_in_words() -> None:
    change = next_leak_change(open_issue(), finding(recycled=recycled()), at(10), ALWAYS)
    assert change is not None
    assert change.because == f"its workers were {recycled().because}"


def test_a_report_of_recycling_is_remembered() -> None:
    assert finding().no_milder_than(finding(recycled=recycled())).recycled == recycled()
