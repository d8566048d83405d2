"""The releases page: first seen, new errors, and crashed sessions of each release."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.store.meta import release_sessions
from bugsly_server.web.page_context import View, page

LISTED_PERIOD = 30 * DAY


@page
def show(view: View) -> Response:
    """Show the latest releases of the project."""
    with view.server.database.reading() as connection:
        releases = release_sessions.list_releases(
            connection, view.current_project.id, view.now - LISTED_PERIOD
        )
    return view.render("releases.html", {"releases": releases})
