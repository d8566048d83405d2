"""Releases: when each came, what errors it brought, and how many sessions crashed in it."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.store.meta import health
from bugsly_server.web.site import View, page

SPAN = 30 * DAY


@page
def show(view: View) -> Response:
    """Show the latest releases of the project."""
    with view.site.database.reading() as connection:
        found = health.releases(connection, view.shown.id, view.now - SPAN)
    return view.render("releases.html", {"releases": found})
