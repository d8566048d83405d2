import pytest
from tests.support.clock import START
from tests.support.issues import change, finding, forecast
from tests.support.release_comparison import proof

from bugsly_server.clock import MINUTE
from bugsly_server.model.issue import FindingScope, Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.store.meta import accounts, leak_issues, projects
from bugsly_server.store.meta.database import Database


@pytest.fixture
def project(database: Database) -> int:
    with database.writing() as connection:
        return projects.ensure(connection, "shop", START).id


def record(database: Database, project: int, known: Issue | None, step: IssueChange) -> Issue:
    with database.writing() as connection:
        issue_id, _ = leak_issues.record_change(connection, project, known, step)
        found = leak_issues.get(connection, project, issue_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (IssueChangeKind.WORSENED, IssueState.OPEN),
        (IssueChangeKind.QUIETED, IssueState.QUIET),
        (IssueChangeKind.CAME_BACK, IssueState.OPEN),
        (IssueChangeKind.RESOLVED, IssueState.RESOLVED),
    ],
)
def test_each_change_leads_to_its_state(
    database: Database, project: int, kind: IssueChangeKind, state: IssueState
) -> None:
    opened = record(database, project, None, change())
    changed = record(database, project, opened, change(kind, at=START + MINUTE))
    assert (opened.state, changed.state) == (IssueState.OPEN, state)
    assert (changed.opened_at, changed.changed_at) == (START, START + MINUTE)


def test_an_issue_comes_back_from_the_database_as_it_was_found(
    database: Database, project: int
) -> None:
    found = finding(forecast=forecast(latest=None))
    opened = record(database, project, None, change(finding=found))
    assert opened.finding == opened.reported == found
    assert (opened.fingerprint, opened.title) == (found.fingerprint, found.title)


def test_a_proof_is_kept_until_the_leak_comes_back(database: Database, project: int) -> None:
    known = record(database, project, None, change())
    known = record(database, project, known, change(IssueChangeKind.FIXED, proof=proof()))
    assert (known.state, known.proof, known.resolved_at) == (IssueState.RESOLVED, proof(), None)
    known = record(database, project, known, change(IssueChangeKind.CAME_BACK))
    assert (known.state, known.proof) == (IssueState.OPEN, None)


def test_the_worst_report_is_remembered_until_the_leak_comes_back(
    database: Database, project: int
) -> None:
    narrow = finding(scope=FindingScope.ONE, forecast=forecast(expected=60.0))
    wide = finding(scope=FindingScope.ALL, forecast=None)
    known = record(database, project, None, change(finding=narrow))
    known = record(database, project, known, change(IssueChangeKind.WORSENED, finding=wide))
    assert known.reported is not None
    assert (known.finding, known.reported.scope) == (wide, FindingScope.ALL)
    assert known.reported.forecast == narrow.forecast
    known = record(database, project, known, change(IssueChangeKind.CAME_BACK, finding=narrow))
    assert known.reported == narrow


def test_updating_a_finding_changes_neither_state_nor_the_worst_report(
    database: Database, project: int
) -> None:
    opened = record(database, project, None, change(finding=finding(scope=FindingScope.ONE)))
    with database.writing() as connection:
        wide = finding(scope=FindingScope.ALL)
        leak_issues.update_finding(connection, opened.id, wide, START + MINUTE)
        found = leak_issues.get(connection, project, opened.id)
    assert found is not None
    assert (found.finding, found.reported, found.changed_at) == (wide, opened.reported, START)
    assert found.seen_at == START + MINUTE


def test_only_a_person_leaves_the_moment_of_resolving(database: Database, project: int) -> None:
    opened = record(database, project, None, change())
    by_time = record(database, project, opened, change(IssueChangeKind.RESOLVED))
    assert by_time.resolved_at is None
    with database.writing() as connection:
        ada = accounts.create(connection, "ada", None, START)
        leak_issues.record_change(
            connection, project, opened, change(IssueChangeKind.RESOLVED), ada.id
        )
        by_hand = leak_issues.get(connection, project, opened.id)
        story = leak_issues.history(connection, opened.id)
    assert by_hand is not None
    assert by_hand.resolved_at == START
    assert [(one.change.kind, one.by) for one in story] == [
        (IssueChangeKind.RESOLVED, "ada"),
        (IssueChangeKind.RESOLVED, ""),
        (IssueChangeKind.OPENED, ""),
    ]


def test_open_issues_come_first_and_are_counted(database: Database, project: int) -> None:
    staging = finding(fingerprint="1/growing/staging")
    quiet = record(database, project, None, change(finding=staging))
    record(database, project, quiet, change(IssueChangeKind.QUIETED, at=START + 2 * MINUTE))
    record(database, project, None, change(at=START + MINUTE))
    with database.reading() as connection:
        assert [one.state for one in leak_issues.list_all(connection, project)] == ["open", "quiet"]
        assert leak_issues.count_open(connection, project) == 1


def test_changes_are_found_by_time_with_their_issues(database: Database, project: int) -> None:
    opened = record(database, project, None, change())
    record(database, project, opened, change(IssueChangeKind.QUIETED, at=START + MINUTE))
    with database.reading() as connection:
        found = leak_issues.changes_between(connection, project, START + 1, START + 2 * MINUTE)
    assert [(one.id, step.kind) for one, step in found] == [(opened.id, IssueChangeKind.QUIETED)]


def test_a_snooze_holds_until_its_end(database: Database, project: int) -> None:
    opened = record(database, project, None, change())
    with database.writing() as connection:
        leak_issues.snooze(connection, opened.id, START + MINUTE)
        found = leak_issues.get(connection, project, opened.id)
    assert found is not None
    assert [found.is_snoozed(START + MINUTE - 1), found.is_snoozed(START + MINUTE)] == [True, False]
