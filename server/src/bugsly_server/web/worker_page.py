"""The page of a worker: memory over time and requests, traffic, and how it ended."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.responses import Response

from bugsly_server.clock import SECOND, Micros
from bugsly_server.detect.max_requests import propose_max_requests
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.model.probe_status import problem_texts
from bugsly_server.model.worker import Worker
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import final_snapshots, probe_requests, workers
from bugsly_server.web.page_context import View, page

MAX_COMPARED_WORKERS = 50


@page
def show(view: View) -> Response:
    """Show one worker."""
    with view.server.database.reading() as connection:
        worker = workers.get(connection, view.current_project.id, view.path_number("worker_id"))
        post_mortem = worker and post_mortems.of_worker(connection, view.server.telemetry, worker)
        final_snapshot = worker and final_snapshots.of_worker(connection, worker.id)
        limits = worker and _recycling_limits(connection, worker, view.now)
        problems = worker and probe_requests.latest_problems(connection, [worker.id])[worker.id]
        endpoint_names = workers.endpoint_names(connection, view.current_project.id)
    if worker is None:
        return view.render("missing.html", {"what": "this worker is no longer kept"}, 404)
    until = (worker.ended_at or view.now) + SECOND
    traffic = view.server.telemetry.traffic([worker.id], worker.started_at, until)
    served = [one._replace(endpoint=endpoint_names.get(key, "?")) for key, one in traffic.items()]
    context = {
        "limits": limits,
        "post_mortem": post_mortem,
        "final_snapshot": final_snapshot,
        "worker": worker,
        "refusals": problem_texts(worker.pid, problems or {}),
        "served": sorted(served, key=lambda traffic_row: traffic_row.requests, reverse=True),
    }
    return view.render("worker.html", context)


def _recycling_limits(
    connection: Connection, worker: Worker, now: Micros
) -> MaxRequestsProposal | None:
    """Return the proposed limits of a living worker that grows without a safety net."""
    grows = worker.judgement.verdict is GrowthVerdict.GROWING
    if not grows or worker.net is not None or not worker.is_alive(now):
        return None
    environment, release = worker.environment, worker.release
    release_workers = workers.list_of_release(
        connection, worker.project_id, environment, release, MAX_COMPARED_WORKERS
    )
    return propose_max_requests(release_workers, 0.0, now)
