"""Which changes of issues cause an alert, and what is returned of each."""

from dataclasses import replace

import pytest
from tests.support.events import payload
from tests.support.issues import change, finding
from tests.support.pipeline_harness import PipelineHarness

from bugsly_server.clock import HOUR
from bugsly_server.issue_changes import (
    record_error_change,
    record_error_triage,
    record_hindrance_change,
    record_leak_change,
)
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.issue import IssueChangeKind, IssueState
from bugsly_server.store.meta import accounts, channels, error_issues, leak_issues
from bugsly_server.store.ports import SpoolEntry

ESCALATED = replace(change(IssueChangeKind.ESCALATED), finding=None)
RESOLVED = replace(change(IssueChangeKind.RESOLVED), finding=None)


@pytest.fixture(autouse=True)
def channel(desk: PipelineHarness) -> None:
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "hook", "https://h.test", desk.clock())


def waiting_alerts(desk: PipelineHarness) -> int:
    with desk.database.reading() as connection:
        return len(channels.list_due(connection, 1 << 62, 99))


def opened_error(desk: PipelineHarness) -> ErrorIssue:
    """Return an error that was opened by a warning, which alerts nobody, and is an error now."""
    desk.pipeline.digest(
        [SpoolEntry(desk.shop, desk.clock(), "event", payload(1, level="warning"))]
    )
    with desk.database.writing() as connection:
        (error,) = error_issues.list_unresolved(connection, desk.shop, 9)
        error_issues.record_change(connection, error, RESOLVED, level="error")
        return error_issues.find(connection, [error.id])[error.id]


def test_a_leak_alerts_and_is_returned_as_it_is_afterwards(desk: PipelineHarness) -> None:
    with desk.database.writing() as connection:
        leak = record_leak_change(connection, desk.shop, None, change(finding=finding()))
        quiet = record_leak_change(connection, desk.shop, leak, change(IssueChangeKind.QUIETED))
    assert (leak.state, quiet.state) == (IssueState.OPEN, IssueState.QUIET)
    assert waiting_alerts(desk) == 1
    with desk.database.reading() as connection:
        assert len(channels.of_change(connection, 2)) == 1


def test_a_snoozed_leak_alerts_nobody(desk: PipelineHarness) -> None:
    with desk.database.writing() as connection:
        leak = record_leak_change(connection, desk.shop, None, change(finding=finding()))
        leak_issues.snooze(connection, leak.id, change().at + HOUR)
        record_leak_change(connection, desk.shop, leak, change(IssueChangeKind.WORSENED))
    with desk.database.reading() as connection:
        assert channels.of_change(connection, 2) == []


@pytest.mark.parametrize("may_alert", [True, False])
def test_a_leak_alerts_within_the_limit(desk: PipelineHarness, *, may_alert: bool) -> None:
    with desk.database.writing() as connection:
        record_leak_change(
            connection, desk.shop, None, change(finding=finding()), may_alert=lambda *_: may_alert
        )
    assert waiting_alerts(desk) == may_alert


@pytest.mark.parametrize("may_alert", [True, False])
def test_an_error_alerts_within_the_limit(desk: PipelineHarness, *, may_alert: bool) -> None:
    error = opened_error(desk)
    with desk.database.writing() as connection:
        escalated = record_error_change(connection, error, ESCALATED, lambda *_: may_alert)
    assert (escalated.state, escalated.escalated_at) == (IssueState.OPEN, ESCALATED.at)
    assert waiting_alerts(desk) == may_alert


def test_what_a_person_does_about_an_error_alerts_nobody(desk: PipelineHarness) -> None:
    error = opened_error(desk)
    with desk.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, desk.clock())
        resolved = record_error_triage(connection, error, RESOLVED, ada.id, resolved_after="1.0")
    assert (resolved.state, resolved.resolved_after) == (IssueState.RESOLVED, "1.0")
    assert waiting_alerts(desk) == 0


def test_a_hindrance_alerts_when_it_opens(desk: PipelineHarness) -> None:
    opening = replace(change(IssueChangeKind.OPENED), finding=None)
    with desk.database.writing() as connection:
        hindrance = record_hindrance_change(connection, desk.shop, None, opening, "production")
    assert (hindrance.state, hindrance.environment) == (IssueState.OPEN, "production")
    assert waiting_alerts(desk) == 1
