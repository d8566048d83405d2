"""The overview: every worker of a project on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from bugsly_server.clock import DAY, HOUR, MINUTE, Micros
from bugsly_server.detect.recycled import count_recycled
from bugsly_server.model.growth import Verdict
from bugsly_server.model.issue import State
from bugsly_server.model.recycled import Recycled, hindered
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import issues, projects, workers
from bugsly_server.web.site import SEE_OTHER, View, page

SPARK_POINTS = 40
SPARK_SPAN: Micros = HOUR
ENDED_SINCE: Micros = DAY
MOST_ENDED = 20
CALM = 100
"""With more workers than this the table is refreshed every fifteen seconds, not at each sample."""
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
    """Go to the first project; to the making of one where there is none."""
    with view.site.database.reading() as connection:
        every = projects.every(connection)
    return RedirectResponse(f"/p/{every[0].slug}/" if every else "/account", SEE_OTHER)


@page
def overview(view: View) -> Response:
    """Show the living workers, those that ended lately, and what is the matter."""
    with view.site.database.reading() as connection:
        living = workers.living(connection, view.shown.id)
        ended = workers.ended(connection, view.shown.id, view.now - ENDED_SINCE, MOST_ENDED)
        gone = workers.recycled(connection, view.shown.id, view.now - DAY)
        every = issues.every(connection, view.shown.id)
    if not living and not ended:
        return view.redirect("setup")
    living.sort(key=lambda one: one.judgement.verdict is not Verdict.GROWING)
    context = {
        "living": living,
        "recycled": recycled(living, gone, view.now),
        "hindered": hindered(one for one in living if one.is_alive(view.now)),
        "ended": ended,
        "sparks": sparks(view, living),
        "hosts": hosts(living),
        "issues": [one for one in every if one.state is State.OPEN],
        "ranges": RANGES,
        "span": first_span(living + ended, view.now),
        "calm": len(living) > CALM,
    }
    return view.render("workers_now.html" if view.wants("now") else "workers.html", context)


def recycled(living: Sequence[Worker], gone: Sequence[Worker], now: Micros) -> dict[str, Recycled]:
    """Return how often the safety net stepped in, by environment, where it did."""
    lives = (*living, *gone)
    counted = {
        name: count_recycled([one for one in lives if one.environment == name], now)
        for name in sorted({one.environment for one in lives})
    }
    return {name: one for name, one in counted.items() if one is not None}


def sparks(view: View, shown: Sequence[Worker]) -> Mapping[int, list[int]]:
    """Return the memory of each worker over the last hour, or over its life if that is shorter."""
    oldest = min((one.started_at for one in shown), default=view.now)
    since = max(oldest, view.now - SPARK_SPAN)
    return view.site.telemetry.outlines(
        [one.id for one in shown], since, view.now + 1, SPARK_POINTS
    )


def hosts(living: Sequence[Worker]) -> list[Host]:
    """Return the machines of *living*; two of one name are told apart by their mark."""
    machines: dict[tuple[str, str], list[Worker]] = {}
    for one in living:
        machines.setdefault((one.host, one.machine), []).append(one)
    names = [name for name, _ in machines]
    return [
        Host(
            name=f"{name} ({machine})" if names.count(name) > 1 else name,
            workers=len(members),
            anonymous=sum(one.anonymous for one in members),
            used=max(members, key=lambda one: one.seen_at).used,
            limit=max(members, key=lambda one: one.seen_at).limit,
            rate=sum(one.rate for one in members),
        )
        for (name, machine), members in machines.items()
    ]


def first_span(shown: Sequence[Worker], now: Micros) -> int:
    """Return the shortest offered range, in seconds, that shows the whole life of *shown*."""
    oldest = min(one.started_at for one in shown)
    needed = min(now - oldest, DAY) // MINUTE * 60
    return next((seconds for seconds, _ in RANGES if seconds >= needed), RANGES[-1][0])
