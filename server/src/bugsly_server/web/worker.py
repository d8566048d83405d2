"""One worker: its memory against time and against requests, and what it serves."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.responses import Response

from bugsly_server.clock import SECOND, Micros
from bugsly_server.detect.max_requests import advise
from bugsly_server.model.growth import Verdict
from bugsly_server.model.max_requests import MaxRequests
from bugsly_server.model.worker import Worker
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import partings, workers
from bugsly_server.web.site import View, page

MOST_LIVES = 50


@page
def show(view: View) -> Response:
    """Show one worker."""
    with view.site.database.reading() as connection:
        found = workers.get(connection, view.shown.id, view.number("worker_id"))
        death = found and post_mortems.of_worker(connection, view.site.telemetry, found)
        parting = found and partings.of_worker(connection, found.id)
        limits = found and _limits(connection, found, view.now)
        names = workers.endpoint_names(connection, view.shown.id)
    if found is None:
        return view.render("missing.html", {"what": "this worker is not kept any more"}, 404)
    until = (found.ended_at or view.now) + SECOND
    traffic = view.site.telemetry.traffic([found.id], found.started_at, until)
    served = [one._replace(endpoint=names.get(key, "?")) for key, one in traffic.items()]
    context = {
        "limits": limits,
        "death": death,
        "parting": parting,
        "worker": found,
        "served": sorted(served, key=lambda one: one.requests, reverse=True),
    }
    return view.render("worker.html", context)


def _limits(connection: Connection, worker: Worker, now: Micros) -> MaxRequests | None:
    """Return what would hold *worker* down, where it grows and its safety net is off."""
    grows = worker.judgement.verdict is Verdict.GROWING
    if not grows or worker.net is not None or not worker.is_alive(now):
        return None
    environment, release = worker.environment, worker.release
    lives = workers.of_release(connection, worker.project_id, environment, release, MOST_LIVES)
    return advise(lives, 0.0, now)
