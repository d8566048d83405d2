"""Collects what shows whether a release fixed a leak: the workers before it and since."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.model.diagnosis import EndpointAttribution
from bugsly_server.model.fix_proof import ReleaseWorkers
from bugsly_server.model.issue import Issue
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import workers
from bugsly_server.store.ports import Telemetry

MAX_WORKERS = 50


def compare_releases(
    connection: Connection, telemetry: Telemetry, issue: Issue, now: Micros
) -> tuple[ReleaseWorkers, ReleaseWorkers] | None:
    """Return the workers of the release that *issue* was seen in, and of the newest that runs.

    None where they are the same, or have no names.
    """
    newest = _newest_release(connection, issue, now) or ""
    seen_in = [one.release for one in (issue.finding, issue.reported) if one is not None]
    earlier = next((one for one in seen_in if one and one != newest), "")
    if not newest or not earlier:
        return None
    before, after = (
        _lives(connection, telemetry, issue, release, now) for release in (earlier, newest)
    )
    return before, after


def newest_release_workers(connection: Connection, issue: Issue, now: Micros) -> list[Worker]:
    """Return the latest workers of the newest release that runs where *issue* was seen."""
    newest = _newest_release(connection, issue, now)
    if newest is None:
        return []
    environment = issue.finding.environment
    return workers.list_of_release(connection, issue.project_id, environment, newest, MAX_WORKERS)


def _newest_release(connection: Connection, issue: Issue, now: Micros) -> str | None:
    living = [
        one
        for one in workers.list_living(connection, issue.project_id)
        if one.environment == issue.finding.environment and one.is_alive(now)
    ]
    return max(living, key=lambda worker: worker.started_at).release if living else None


def _lives(
    connection: Connection, telemetry: Telemetry, issue: Issue, release: str, now: Micros
) -> ReleaseWorkers:
    project_id, environment = issue.project_id, issue.finding.environment
    members = workers.list_of_release(connection, project_id, environment, release, MAX_WORKERS)
    diagnosis = issue.finding.diagnosis
    driven = 1.0
    if diagnosis is not None and diagnosis.attribution.endpoint is not None:
        names = workers.endpoint_names(connection, project_id)
        driven = _driving_share(telemetry, members, names, diagnosis.attribution, now)
    return ReleaseWorkers(
        release=release,
        workers=tuple(members),
        driving_part=driven,
        is_running=any(one.is_alive(now) for one in members),
    )


def _driving_share(
    telemetry: Telemetry,
    members: Sequence[Worker],
    names: dict[int, str],
    attribution: EndpointAttribution,
    now: Micros,
) -> float:
    """Return the share of the requests of *members* that can cause what *attribution* names."""
    since = min((one.started_at for one in members), default=now)
    served = telemetry.traffic([one.id for one in members], since, now + 1)
    total = sum(one.requests for one in served.values())
    of_endpoint = [one for key, one in served.items() if names.get(key) == attribution.endpoint]
    failing = any(one.failing for one in attribution.shares[:1])
    driving = sum(
        one.client_errors + one.server_errors if failing else one.requests for one in of_endpoint
    )
    return driving / total if total else 0.0
