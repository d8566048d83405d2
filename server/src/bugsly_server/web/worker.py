"""One worker: its memory against time and against requests, and what it serves."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.clock import SECOND
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import workers
from bugsly_server.web.site import View, page


@page
def show(view: View) -> Response:
    """Show one worker."""
    with view.site.database.reading() as connection:
        found = workers.get(connection, view.shown.id, view.number("worker_id"))
        death = found and post_mortems.of_worker(connection, view.site.telemetry, found)
        names = workers.endpoint_names(connection, view.shown.id)
    if found is None:
        return view.render("missing.html", {"what": "this worker is not kept any more"}, 404)
    until = (found.ended_at or view.now) + SECOND
    traffic = view.site.telemetry.traffic([found.id], found.started_at, until)
    served = [one._replace(endpoint=names.get(key, "?")) for key, one in traffic.items()]
    context = {
        "death": death,
        "worker": found,
        "served": sorted(served, key=lambda one: one.requests, reverse=True),
    }
    return view.render("worker.html", context)
