"""What a batch of events leaves in the store, and what it changes about errors."""

from collections.abc import Iterable

import pytest
from sqlalchemy import func, select
from tests.support.events import payload
from tests.support.pipeline_harness import PipelineHarness

from bugsly_server.clock import DAY, HOUR, MINUTE
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.project_limits import ProjectLimits
from bugsly_server.record.event_batch import MAX_BODIES_PER_HOUR
from bugsly_server.store.meta import channels, error_issues, groupings, issue_listing
from bugsly_server.store.meta.issue_listing import IssueFilter
from bugsly_server.store.meta.tables import delivery
from bugsly_server.store.ports import SpoolEntry


def digest(desk: PipelineHarness, *payloads: bytes, project: int | None = None) -> None:
    where = project or desk.shop
    entries = [SpoolEntry(where, desk.clock(), "event", one) for one in payloads]
    desk.pipeline.digest(entries)


def event_payloads(
    numbers: Iterable[int], kind: str = "KeyError", **changes: object
) -> list[bytes]:
    return [payload(number, kind, **changes) for number in numbers]


def unresolved_errors(desk: PipelineHarness) -> list[ErrorIssue]:
    with desk.database.reading() as connection:
        return error_issues.list_unresolved(connection, desk.shop, 100)


def kinds(desk: PipelineHarness) -> list[str]:
    return [change.kind for _, change in desk.announced]


def resolve(desk: PipelineHarness, after: str | None = None) -> None:
    (error,) = unresolved_errors(desk)
    step = IssueChange(
        kind=IssueChangeKind.RESOLVED, at=desk.clock(), because="ada did", finding=None
    )
    with desk.database.writing() as connection:
        error_issues.record_change(connection, error, step, resolved_after=after)


def test_events_of_one_error_are_counted_together(desk: PipelineHarness) -> None:
    digest(desk, *event_payloads(range(3)), *event_payloads(range(3, 5), "ValueError"))
    assert sorted((one.title, one.count) for one in unresolved_errors(desk)) == [
        ("KeyError: 'currency'", 3),
        ("ValueError: 'currency'", 2),
    ]
    assert kinds(desk) == ["opened", "opened"]


def test_events_that_a_client_held_back_count(desk: PipelineHarness) -> None:
    digest(desk, payload(1, contexts={"bugsly": {"held_back": 40}}))
    assert [one.count for one in unresolved_errors(desk)] == [41]


def test_an_event_counts_once_however_often_it_arrives(desk: PipelineHarness) -> None:
    digest(desk, payload(1), payload(1))
    digest(desk, payload(1), payload(2))
    desk.start()
    digest(desk, payload(2))
    assert [one.count for one in unresolved_errors(desk)] == [2]
    assert kinds(desk) == ["opened"]
    with desk.database.reading() as connection:
        (grouping,) = groupings.of_issue(connection, unresolved_errors(desk)[0].id)
        assert len(desk.events.newest([grouping.id], 10)) == 2


def test_the_same_error_in_two_projects_is_two(desk: PipelineHarness) -> None:
    other = desk.project("other")
    digest(desk, payload(1))
    digest(desk, payload(1), project=other)
    with desk.database.reading() as connection:
        assert [error_issues.count_all(connection, one) for one in (desk.shop, other)] == [1, 1]


def test_all_events_of_a_flood_are_counted_and_some_are_kept(desk: PipelineHarness) -> None:
    digest(desk, *event_payloads(range(300)))
    digest(desk, *event_payloads(range(300, 500)))
    (error,) = unresolved_errors(desk)
    assert error.count == 500
    with desk.database.reading() as connection:
        (grouping,) = groupings.of_issue(connection, error.id)
    assert len(desk.events.newest([grouping.id], 1_000)) == MAX_BODIES_PER_HOUR + 5


def test_beyond_the_maximum_all_further_errors_share_one(desk: PipelineHarness) -> None:
    desk.limits = ProjectLimits(errors=10)
    desk.start()
    digest(desk, *[payload(n, f"Error{n}") for n in range(30)])
    digest(desk, payload(99, "Another"))
    found = unresolved_errors(desk)
    assert len(found) == 11
    assert sum(one.count for one in found) == 31
    assert max(found, key=lambda error: error.count).title == (
        "All errors beyond the 10 that a project may have"
    )


def test_releases_environments_and_users_are_counted_separately(desk: PipelineHarness) -> None:
    digest(desk, payload(1, user={"id": 1}), payload(2, user={"id": 2}, release="2.0"))
    digest(desk, payload(3, user={"id": 1}, environment="staging"))
    (error,) = unresolved_errors(desk)
    assert (error.users, error.first_release, error.environment) == (2, "1.0", "staging")
    with desk.database.reading() as connection:
        seen = groupings.tags(connection, error.id, "release", 9)
        for release, count in (("2.0", 1), ("3.0", 0)):
            assert (
                issue_listing.list_page(connection, desk.shop, IssueFilter(release=release))[1]
                == count
            )
    assert sorted(value for value, _ in seen) == ["1.0", "2.0"]


def test_what_was_resolved_comes_back_when_it_happens_again(desk: PipelineHarness) -> None:
    digest(desk, payload(1))
    desk.clock.advance(MINUTE)
    resolve(desk)
    desk.clock.advance(MINUTE)
    digest(desk, payload(2))
    assert kinds(desk) == ["opened", "came back"]
    assert [one.state for one in unresolved_errors(desk)] == [IssueState.OPEN]


def test_what_the_next_release_fixes_comes_back_only_with_that(desk: PipelineHarness) -> None:
    digest(desk, payload(1))
    desk.clock.advance(MINUTE)
    resolve(desk, after="1.0")
    desk.clock.advance(MINUTE)
    digest(desk, payload(2))
    assert unresolved_errors(desk) == []
    digest(desk, payload(3, release="1.1"))
    assert kinds(desk) == ["opened", "came back"]


def test_an_error_that_comes_far_more_often_than_usual_escalates_once(
    desk: PipelineHarness,
) -> None:
    for day in range(2):
        digest(desk, *event_payloads(range(day * 10, day * 10 + 10)))
        desk.clock.advance(DAY)
    digest(desk, *event_payloads(range(100, 150)))
    digest(desk, *event_payloads(range(150, 300)))
    assert kinds(desk) == ["opened", "escalating"]
    desk.clock.advance(HOUR)
    digest(desk, *event_payloads(range(300, 500)))
    assert kinds(desk) == ["opened", "escalating"]


def test_a_deploy_that_breaks_a_hundred_things_sends_thirty_alerts(desk: PipelineHarness) -> None:
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "hook", "https://h.test", desk.clock())
    digest(desk, *[payload(n, f"Error{n}") for n in range(100)])
    with desk.database.reading() as connection:
        waiting = select(func.count()).select_from(delivery)
        assert connection.execute(waiting).scalar_one() == 30


@pytest.mark.parametrize(("level", "alerts"), [("error", 1), ("fatal", 1), ("warning", 0)])
def test_what_an_application_logs_as_a_warning_alerts_nobody(
    desk: PipelineHarness, level: str, alerts: int
) -> None:
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "hook", "https://h.test", desk.clock())
    digest(desk, payload(1, level=level))
    with desk.database.reading() as connection:
        assert len(channels.list_due(connection, desk.clock(), 9)) == alerts


def test_the_first_event_and_a_late_one_outlast_the_day_files(desk: PipelineHarness) -> None:
    for number in range(3):
        digest(desk, payload(number))
        desk.clock.advance(2 * HOUR)
    with desk.database.reading() as connection:
        kept = groupings.specimens(connection, unresolved_errors(desk)[0].id)
    assert [(one.latest, one.event_id.hex()[-1]) for one in kept] == [(True, "2"), (False, "0")]
