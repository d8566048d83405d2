from typing import Any

import pytest
from tests.support.clock import START
from tests.support.issues import finding, forecast, issue, suspect
from tests.support.proofs import pace, proof
from tests.support.recycled import recycled

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.detect.lifecycle import next_change
from bugsly_server.model.issue import Change, ChangeKind, Finding, Issue, Scope, State

ALWAYS: Micros = 0
ALL = finding(scope=Scope.ALL)


def at(minutes: float) -> Micros:
    return START + round(minutes * MINUTE)


def open_issue(**changes: Any) -> Issue:
    """Return an issue that opened at `START`, seen growing last at that moment."""
    fields = {"state": State.OPEN, "opened_at": START, "changed_at": START, "seen_at": START}
    return issue(**(fields | changes))


def step(known: Issue | None, found: Finding | None, minutes: float) -> ChangeKind | None:
    change = next_change(known, found, at(minutes), ALWAYS)
    return None if change is None else change.kind


def test_a_finding_opens_an_issue_with_its_because() -> None:
    found = finding()
    assert next_change(None, found, START, ALWAYS) == Change(
        kind=ChangeKind.OPENED, at=START, because=found.because, finding=found
    )


def test_nothing_comes_of_nothing() -> None:
    assert next_change(None, None, START, ALWAYS) is None


def test_the_same_finding_again_is_not_told_again() -> None:
    assert [step(open_issue(), finding(), minute) for minute in (0, 9, 10, 500)] == [None] * 4


@pytest.mark.parametrize(
    ("before", "now", "minutes", "kind"),
    [
        (Scope.ONE, Scope.SOME, 10, ChangeKind.WORSENED),
        (Scope.ONE, Scope.ALL, 10, ChangeKind.WORSENED),
        (Scope.SOME, Scope.RESTARTS, 10, ChangeKind.WORSENED),
        (Scope.ONE, Scope.ALL, 9.9, None),
        (Scope.ALL, Scope.RESTARTS, 10, None),
        (Scope.ALL, Scope.ONE, 10, None),
    ],
)
def test_it_worsens_when_more_workers_grow_but_not_within_ten_minutes(
    before: Scope, now: Scope, minutes: float, kind: ChangeKind | None
) -> None:
    assert step(open_issue(finding=finding(scope=before)), finding(scope=now), minutes) is kind


def test_what_got_worse_within_ten_minutes_is_told_after_them() -> None:
    known = open_issue(finding=ALL, told=finding(scope=Scope.ONE))
    change = next_change(known, ALL, at(10), ALWAYS)
    assert change is not None
    assert change.kind is ChangeKind.WORSENED
    assert change.because == "it was one worker, and is all workers now"


def test_what_was_told_once_is_not_told_again_when_it_gets_better_in_between() -> None:
    known = open_issue(finding=finding(scope=Scope.ONE), told=ALL)
    assert step(known, ALL, 30) is None


@pytest.mark.parametrize(
    ("before", "seconds", "kind"),
    [
        (3 * 3600.0, 3599.0, ChangeKind.WORSENED),
        (3 * 3600.0, 3600.0, None),
        (1.9 * 3600.0, 3000.0, None),
        (None, 3000.0, ChangeKind.WORSENED),
    ],
)
def test_it_worsens_when_memory_runs_out_within_the_hour_and_that_is_news(
    before: float | None, seconds: float, kind: ChangeKind | None
) -> None:
    earlier = None if before is None else forecast(expected=before)
    known = open_issue(finding=finding(forecast=earlier))
    assert step(known, finding(forecast=forecast(expected=seconds)), 10) is kind


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
    change = next_change(open_issue(seen_at=at(seen)), None, at(minutes), at(watched_since))
    assert (change is not None and change.kind is ChangeKind.QUIETED) is quiet


def test_the_quiet_is_told_with_its_length() -> None:
    change = next_change(open_issue(), None, at(31), ALWAYS)
    assert change is not None
    assert change.because == "no worker has grown for 31 min"
    assert change.finding is None


def test_a_quiet_issue_comes_back_with_any_growth() -> None:
    known = issue(state=State.QUIET, changed_at=START)
    assert step(known, finding(), 1) is ChangeKind.CAME_BACK


def test_after_three_quiet_days_it_is_resolved() -> None:
    known = issue(state=State.QUIET, changed_at=START)
    assert next_change(known, None, START + 3 * DAY - SECOND, ALWAYS) is None
    change = next_change(known, None, START + 3 * DAY, ALWAYS)
    assert change is not None
    assert (change.kind, change.because) == (ChangeKind.RESOLVED, "it was quiet for 3 d")


def test_a_resolved_issue_stays_so_while_nothing_grows() -> None:
    assert step(issue(state=State.RESOLVED, resolved_at=START), None, 99_999) is None


@pytest.mark.parametrize(
    ("ages", "kind"),
    [
        ([2 * 3600.0], None),
        ([1800.0], ChangeKind.CAME_BACK),
        ([2 * 3600.0, 1800.0], ChangeKind.CAME_BACK),
    ],
)
def test_what_a_person_resolved_comes_back_only_with_a_worker_that_started_later(
    ages: list[float], kind: ChangeKind | None
) -> None:
    known = issue(state=State.RESOLVED, resolved_at=START, changed_at=START)
    found = finding(suspects=tuple(suspect(age=age) for age in ages))
    assert step(known, found, 60) is kind


@pytest.mark.parametrize(
    ("oldest", "kind"), [(START - HOUR, None), (START + HOUR, ChangeKind.CAME_BACK)]
)
def test_what_a_person_resolved_comes_back_across_restarts_with_lives_begun_later(
    oldest: Micros, kind: ChangeKind | None
) -> None:
    known = issue(state=State.RESOLVED, resolved_at=START, changed_at=START)
    found = finding(scope=Scope.RESTARTS, suspects=(), since=oldest)
    assert step(known, found, 120) is kind


@pytest.mark.parametrize(
    ("age", "kind"),
    [(2 * 3600.0, None), (3600.0, ChangeKind.CAME_BACK), (1.0, ChangeKind.CAME_BACK)],
)
def test_what_was_fixed_comes_back_with_workers_of_the_release_that_fixed_it_or_later(
    age: float, kind: ChangeKind | None
) -> None:
    mended = proof(after=pace(release="1.1", since=START))
    known = issue(state=State.RESOLVED, proof=mended, changed_at=START)
    assert step(known, finding(suspects=(suspect(age=age),)), 60) is kind


def test_what_was_fixed_comes_back_as_a_regression() -> None:
    known = issue(state=State.RESOLVED, proof=proof(after=pace(release="1.1", since=START)))
    change = next_change(known, finding(suspects=(suspect(age=1.0),)), at(60), ALWAYS)
    assert change is not None
    assert change.because == "a regression: it was fixed in 1.1, and grows again"


def test_what_time_resolved_comes_back_with_any_growth() -> None:
    known = issue(state=State.RESOLVED, resolved_at=None, changed_at=START)
    assert step(known, finding(suspects=(suspect(age=9e6),)), 60) is ChangeKind.CAME_BACK


@pytest.mark.parametrize(
    ("told", "minutes", "kind"),
    [
        (None, 10, ChangeKind.WORSENED),
        (None, 9, None),
        (recycled(times=1), 10, None),
        (recycled(times=1), 24 * 60 - 1, None),
        (recycled(times=1), 24 * 60, ChangeKind.WORSENED),
    ],
)
def test_that_workers_are_recycled_is_told_at_first_and_every_day(
    told: Any, minutes: float, kind: ChangeKind | None
) -> None:
    known = open_issue(told=finding(recycled=told))
    assert step(known, finding(recycled=recycled()), minutes) is kind


def test_that_workers_are_recycled_is_told_in_words() -> None:
    change = next_change(open_issue(), finding(recycled=recycled()), at(10), ALWAYS)
    assert change is not None
    assert change.because == f"its workers were {recycled().because}"


def test_what_was_told_of_recycling_stays_told() -> None:
    assert finding().at_least(finding(recycled=recycled())).recycled == recycled()
