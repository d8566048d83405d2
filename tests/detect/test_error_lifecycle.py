"""When an error is back, ignored no more, or escalating."""

from typing import Any

import pytest

from bugsly_server.clock import DAY, HOUR
from bugsly_server.detect.error_lifecycle import next_error_change
from bugsly_server.model.error_issue import ErrorIssue, EventBurst
from bugsly_server.model.issue import IssueChangeKind, IssueState

NOW = 1_000 * DAY
RELEASED = {"1.0": NOW - 9 * DAY, "1.1": NOW - 2 * DAY, "1.2": NOW - HOUR}


def error(state: IssueState = IssueState.OPEN, **changes: Any) -> ErrorIssue:
    fields: dict[str, Any] = {
        "id": 3,
        "project_id": 1,
        "title": "KeyError: 'currency'",
        "opened_at": NOW - 9 * DAY,
        "changed_at": NOW - DAY,
        "seen_at": NOW,
        "resolved_at": NOW - DAY if state is IssueState.RESOLVED else None,
        "snoozed_until": None,
        "endpoint": "",
        "release": "1.1",
        "environment": "",
        "place": "",
        "level": "error",
        "count": 40,
        "users": 0,
        "first_release": "1.0",
        "resolved_after": None,
        "ignored_until": None,
        "escalated_at": 0,
        "merged_into": None,
    }
    return ErrorIssue(**(fields | changes), state=state)


def burst(**changes: Any) -> EventBurst:
    fields: dict[str, Any] = {
        "at": NOW,
        "count": 41,
        "releases": frozenset({"1.1"}),
        "hour": 1,
        "usual": 1.0,
    }
    return EventBurst(**(fields | changes))


def change(issue: ErrorIssue, met: EventBurst) -> IssueChangeKind | None:
    step = next_error_change(issue, met, RELEASED, NOW)
    return None if step is None else step.kind


BACK, ESCALATED = IssueChangeKind.CAME_BACK, IssueChangeKind.ESCALATED
NEXT = error(IssueState.RESOLVED, resolved_after="1.1")


@pytest.mark.parametrize(
    ("issue", "met", "kind"),
    [
        (error(), burst(), None),
        (error(), burst(hour=19, usual=1.0), None),
        (error(), burst(hour=20, usual=1.0), ESCALATED),
        (error(), burst(hour=79, usual=10.0), None),
        (error(), burst(hour=80, usual=10.0), ESCALATED),
        (error(), burst(hour=9_000, usual=0.0), None),
        (error(escalated_at=NOW - DAY + 1), burst(hour=90), None),
        (error(escalated_at=NOW - DAY), burst(hour=90), ESCALATED),
        (error(IssueState.RESOLVED), burst(), BACK),
        (error(IssueState.RESOLVED), burst(at=NOW - DAY), None),
        (NEXT, burst(), None),
        (NEXT, burst(releases=frozenset({"1.0"})), None),
        (NEXT, burst(releases=frozenset({""})), None),
        (NEXT, burst(releases=frozenset({"1.1", "1.2"})), BACK),
        (NEXT, burst(at=NOW - DAY, releases=frozenset({"1.2"})), None),
        (error(IssueState.IGNORED), burst(count=9_000, hour=9_000), None),
        (error(IssueState.IGNORED, ignored_until=50), burst(count=49), None),
        (error(IssueState.IGNORED, ignored_until=50), burst(count=50), BACK),
        (error(IssueState.IGNORED, snoozed_until=NOW + 1), burst(), None),
        (error(IssueState.IGNORED, snoozed_until=NOW), burst(), BACK),
    ],
)
def test_what_a_burst_changes(
    issue: ErrorIssue, met: EventBurst, kind: IssueChangeKind | None
) -> None:
    assert change(issue, met) is kind


def test_it_is_said_in_which_release_it_is_back() -> None:
    step = next_error_change(NEXT, burst(releases=frozenset({"1.2"})), RELEASED, NOW)
    assert step is not None
    assert step.because == "it happened again in release 1.2, and 1.1 was to be the last"
