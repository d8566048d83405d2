"""What a server of the test knows of a project's errors."""

from collections import Counter

from tests.support.running_server import RunningServer, ServedProject
from tests.support.wait import wait_until

from bugsly_server.decode.event import decode_event
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.event import ErrorEvent, StackFrame
from bugsly_server.model.session_counts import SessionCounts
from bugsly_server.store.meta import error_issues, groupings, release_sessions


def unresolved_errors(server: RunningServer, project: ServedProject) -> list[ErrorIssue]:
    """Return the errors that are not resolved, last seen first."""
    with server.server.store.database.reading() as connection:
        return error_issues.list_unresolved(connection, project.id, 100)


def only_error(server: RunningServer, project: ServedProject, count: int = 1) -> ErrorIssue:
    """Wait until one error happened *count* times and no other did, and return it."""
    what = f"one error, {count} times"
    wait_until(
        lambda: [one.count for one in unresolved_errors(server, project)] == [count], what=what
    )
    return unresolved_errors(server, project)[0]


def first_event(server: RunningServer, error: ErrorIssue) -> ErrorEvent:
    """Return the first event of *error* as it was kept."""
    with server.server.store.database.reading() as connection:
        kept = groupings.specimens(connection, error.id)[0]
    found = decode_event(kept.body, kept.at, Counter())
    assert found is not None
    return found


def app_frames(event: ErrorEvent) -> list[StackFrame]:
    """Return the calls of the application that led to the exception, innermost last."""
    return [one for one in event.exceptions[0].frames if one.in_app]


def release_health(server: RunningServer, project: ServedProject) -> dict[str, SessionCounts]:
    """Return how the project's releases fare."""
    with server.server.store.database.reading() as connection:
        return {
            one.version: one.health
            for one in release_sessions.list_releases(connection, project.id, 0)
        }
