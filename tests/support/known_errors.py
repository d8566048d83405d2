"""What a server of the test knows of a project's errors."""

from collections import Counter

from tests.support.serving import Project, Serving
from tests.support.wait import wait_until

from bugsly_server.digest.event import decode_event
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.event import Event, Frame
from bugsly_server.store.meta import errors, groupings, health
from bugsly_server.store.meta.health import Health


def known(server: Serving, project: Project) -> list[ErrorIssue]:
    """Return the errors that are not resolved, last seen first."""
    with server.server.store.database.reading() as connection:
        return errors.unresolved(connection, project.id, 100)


def only_error(server: Serving, project: Project, count: int = 1) -> ErrorIssue:
    """Wait until one error happened *count* times and no other did, and return it."""
    what = f"one error, {count} times"
    wait_until(lambda: [one.count for one in known(server, project)] == [count], what=what)
    return known(server, project)[0]


def first_event(server: Serving, error: ErrorIssue) -> Event:
    """Return the first event of *error* as it was kept."""
    with server.server.store.database.reading() as connection:
        kept = groupings.specimens(connection, error.id)[0]
    found = decode_event(kept.body, kept.at, Counter())
    assert found is not None
    return found


def own_calls(event: Event) -> list[Frame]:
    """Return the calls of the application that led to the exception, innermost last."""
    return [one for one in event.exceptions[0].frames if one.in_app]


def fares(server: Serving, project: Project) -> dict[str, Health]:
    """Return how the project's releases fare."""
    with server.server.store.database.reading() as connection:
        return {one.version: one.health for one in health.releases(connection, project.id, 0)}
