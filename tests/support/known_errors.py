"""What a server of the test knows of a project's errors."""

from tests.support.serving import Project, Serving

from bugsly_server.model.error import ErrorIssue
from bugsly_server.store.meta import errors


def known(server: Serving, project: Project) -> list[ErrorIssue]:
    """Return the errors that are not resolved, last seen first."""
    with server.server.store.database.reading() as connection:
        return errors.unresolved(connection, project.id, 100)
