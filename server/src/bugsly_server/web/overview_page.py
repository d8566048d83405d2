"""The overview: every worker of a project on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from bugsly_server.clock import DAY, HOUR, MINUTE, Micros
from bugsly_server.detect.recycling import summarise_recycling
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.issue import IssueState
from bugsly_server.model.recycling import RecyclingSummary, lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import leak_issues, projects, workers
from bugsly_server.web.page_context import SEE_OTHER, View, page

SPARK_POINTS = 40
SPARK_SPAN: Micros = HOUR
ENDED_SINCE: Micros = DAY
MAX_ENDED_ROWS = 20
MAX_LIVE_REFRESHED = 100
"""With more workers the table is refreshed every 15 seconds, not at each sample."""
RANGES = (
    (15 * 60, "15 min"),
    (3600, "1 h"),
    (6 * 3600, "6 h"),
    (24 * 3600, "24 h"),
    (7 * 86400, "7 d"),
    (30 * 86400, "30 d"),
)


@dataclass(frozen=True, slots=True)
class Host:
    """What the workers of one machine have in common."""

    name: str
    workers: int
    anonymous: int
    used: int
    limit: int
    rate: float


@page
def home(view: View) -> Response:
    """Go to the first project, or to the account page if there is none."""
    with view.server.database.reading() as connection:
        all_projects = projects.list_all(connection)
    return RedirectResponse(
        f"/p/{all_projects[0].slug}/" if all_projects else "/account", SEE_OTHER
    )


@page
def overview(view: View) -> Response:
    """Show the living workers, those that ended recently, and open leaks."""
    with view.server.database.reading() as connection:
        living = workers.list_living(connection, view.current_project.id)
        ended = workers.list_ended(
            connection, view.current_project.id, view.now - ENDED_SINCE, MAX_ENDED_ROWS
        )
        recycled_workers = workers.list_recycled(
            connection, view.current_project.id, view.now - DAY
        )
        leaks = leak_issues.list_all(connection, view.current_project.id)
    if not living and not ended:
        return view.redirect("setup")
    living.sort(key=lambda worker: worker.judgement.verdict is not GrowthVerdict.GROWING)
    context = {
        "living": living,
        "recycled": count_recycled_by_environment(living, recycled_workers, view.now),
        "hindered_nets": lasting_hindrances(one for one in living if one.is_alive(view.now)),
        "ended": ended,
        "sparks": sparks(view, living),
        "hosts": list_hosts(living),
        "issues": [one for one in leaks if one.state is IssueState.OPEN],
        "ranges": RANGES,
        "span": first_span(living + ended, view.now),
        "is_throttled": len(living) > MAX_LIVE_REFRESHED,
    }
    return view.render(
        "overview_workers.html" if view.is_part_requested("now") else "overview.html", context
    )


def count_recycled_by_environment(
    living: Sequence[Worker], recycled_workers: Sequence[Worker], now: Micros
) -> dict[str, RecyclingSummary]:
    """Return how often workers were recycled, for each environment where any were."""
    all_workers = (*living, *recycled_workers)
    counted = {
        name: summarise_recycling([one for one in all_workers if one.environment == name], now)
        for name in sorted({one.environment for one in all_workers})
    }
    return {name: one for name, one in counted.items() if one is not None}


def sparks(view: View, shown_workers: Sequence[Worker]) -> Mapping[int, list[int]]:
    """Return the memory of each worker over the last hour at most."""
    oldest = min((one.started_at for one in shown_workers), default=view.now)
    since = max(oldest, view.now - SPARK_SPAN)
    return view.server.telemetry.sparklines(
        [one.id for one in shown_workers], since, view.now + 1, SPARK_POINTS
    )


def list_hosts(living: Sequence[Worker]) -> list[Host]:
    """Return the hosts of *living*; the machine id distinguishes hosts of the same name."""
    machines: dict[tuple[str, str], list[Worker]] = {}
    for worker in living:
        machines.setdefault((worker.host, worker.machine), []).append(worker)
    names = [name for name, _ in machines]
    return [
        Host(
            name=f"{name} ({machine})" if names.count(name) > 1 else name,
            workers=len(members),
            anonymous=sum(one.anonymous for one in members),
            used=max(members, key=lambda worker: worker.seen_at).used,
            limit=max(members, key=lambda worker: worker.seen_at).limit,
            rate=sum(one.rate for one in members),
        )
        for (name, machine), members in machines.items()
    ]


def first_span(shown_workers: Sequence[Worker], now: Micros) -> int:
    """Return the shortest offered range, in seconds, that shows *shown_workers* from start on."""
    oldest = min(one.started_at for one in shown_workers)
    needed = min(now - oldest, DAY) // MINUTE * 60
    return next((seconds for seconds, _ in RANGES if seconds >= needed), RANGES[-1][0])
