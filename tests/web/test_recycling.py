"""What the pages say of the safety net."""

import json
from dataclasses import replace

import msgspec
import pytest
from tests.support.clock import START
from tests.support.final_snapshots import final_snapshot
from tests.support.issues import change, finding, forecast
from tests.support.recycling_values import recycled, safety_net
from tests.support.site_harness import SiteHarness

from bugsly.protocol.evidence import Evidence, ProbeResult
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server.clock import HOUR
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.recycling_monitor import RecyclingMonitor
from bugsly_server.store.meta import accounts, leak_issues, workers
from bugsly_server.web.api import living_workers

RECYCLED_EXIT = Exit(worker="a" * 32, reason=ExitReason.RECYCLED, because="it passed 400 MB & <b>")
BUDGET_SPENT = safety_net(
    state=RecyclerState.WAITING,
    hindrance=Hindrance.BUDGET,
    because="recycling: 6 workers went in an hour → raise <b>",
)
WAITING_FOR_TURN = safety_net(
    state=RecyclerState.WAITING, hindrance=Hindrance.TURN, because="recycling: it is not its turn"
)


def open_issue(site: SiteHarness, **changes: object) -> None:
    seen = finding(release="1.0", environment="production", **changes)
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, change(finding=seen))


def page(site: SiteHarness, path: str) -> str:
    return site.client.get(f"/p/shop/{path}").text


def test_an_open_leak_says_how_often_its_workers_were_recycled(visited: SiteHarness) -> None:
    open_issue(visited, recycled=recycled())
    shown = page(visited, "issues/1")
    assert "recycled 14 times in 24 hours for <code>shop.views.request_log</code>" in shown
    assert "without it memory would have run out at <time" in shown


@pytest.mark.parametrize(
    ("full_at", "moments"),
    [
        (None, ["Memory runs out"]),
        (START, ["would have run out at"]),
        (START + 16 * HOUR, ["would run out in about 16 h"]),
    ],
)
def test_only_one_time_is_shown_at_which_memory_runs_out(
    visited: SiteHarness, full_at: int | None, moments: list[str]
) -> None:
    visited.report()
    open_issue(visited, recycled=recycled(full_at=full_at), forecast=forecast())
    said = ("Memory runs out", "would have run out at", "would run out in about 16 h")
    assert [one for one in said if one in page(visited, "issues/1")] == moments
    assert ("memory runs out" in page(visited, "")) is (full_at is None)


def test_a_quiet_leak_shows_no_recycled_workers(visited: SiteHarness) -> None:
    open_issue(visited, recycled=recycled())
    with visited.database.writing() as connection:
        (known,) = leak_issues.list_all(connection, visited.project.id)
        record_leak_change(connection, visited.project.id, known, change(IssueChangeKind.QUIETED))
    assert "recycled 14 times" not in page(visited, "issues/1")


def test_recycled_workers_are_shown_without_an_open_issue(visited: SiteHarness) -> None:
    visited.report(exits=(RECYCLED_EXIT,))
    shown = page(visited, "")
    assert "Workers of production were recycled once in 24 hours" in shown
    assert "recycled by the safety net" in shown


def test_workers_recycled_while_the_server_was_down_are_counted(visited: SiteHarness) -> None:
    visited.report(id="b" * 32, net=safety_net(recycled_today=14))
    assert "Workers of production were recycled 14 times in 24 hours" in page(visited, "")


def test_the_page_of_a_recycled_worker_says_why(visited: SiteHarness) -> None:
    visited.report(exits=(RECYCLED_EXIT,))
    assert "Recycled because it passed 400 MB &amp; &lt;b&gt;." in page(visited, "workers/1")


@pytest.mark.parametrize("path", ["", "issues/1", "workers/1"])
def test_a_lasting_hindrance_is_on_every_page_it_concerns(visited: SiteHarness, path: str) -> None:
    open_issue(visited)
    visited.report(net=BUDGET_SPENT)
    shown = page(visited, path)
    assert "The safety net is held back." in shown
    assert "6 workers went in an hour → raise &lt;b&gt;." in shown


def test_a_passing_hindrance_is_only_on_the_page_of_the_worker(visited: SiteHarness) -> None:
    open_issue(visited)
    visited.report(net=WAITING_FOR_TURN)
    paths = ("", "issues/1", "workers/1")
    shown = [path for path in paths if "It is not its turn." in page(visited, path)]
    assert shown == ["workers/1"]


def test_the_page_of_a_worker_shows_its_safety_net(visited: SiteHarness) -> None:
    visited.report(net=safety_net(recycled=3))
    shown = page(visited, "workers/1")
    for words in ("Watching", "recycled at 400 MB private", "3 workers of its host"):
        assert words in shown


def test_the_json_of_a_worker_has_its_safety_net(site: SiteHarness) -> None:
    site.report(net=BUDGET_SPENT)
    with site.database.reading() as connection:
        (facts,) = living_workers(connection, site.project.id, site.clock())
    assert json.loads(msgspec.json.encode(facts))["net"] == {
        "at": 400_000_000,
        "state": "waiting",
        "because": BUDGET_SPENT.because,
        "hindrance": "budget",
        "recycled": 0,
        "recycled_today": 0,
    }


def test_a_final_snapshot_is_on_the_page_of_its_worker_and_of_the_leak(
    visited: SiteHarness,
) -> None:
    open_issue(visited)
    visited.report(exits=(RECYCLED_EXIT,), evidence=Evidence(parting=final_snapshot()))
    for place in ("workers/1", "issues/1"):
        shown = page(visited, place)
        assert "What it held when it was recycled" in shown
        assert "shop.views.request_log" in shown
        assert "list of 12,000 × dict" in shown
        assert "214 MB" in shown
    assert 'href="/p/shop/workers/1"' in page(visited, "issues/1")


def test_a_missing_final_snapshot_is_explained_on_the_page_of_its_worker(
    visited: SiteHarness,
) -> None:
    open_issue(visited)
    said = ProbeResult(ask=0, problem="the snapshot was refused: 12 MB are free")
    visited.report(exits=(RECYCLED_EXIT,), evidence=Evidence(parting=said))
    assert "The snapshot was refused: 12 MB are free." in page(visited, "workers/1")
    assert "What it held" not in page(visited, "issues/1")


def test_a_hindrance_has_a_page_a_row_in_the_list_and_json(
    visited: SiteHarness,
) -> None:
    visited.report(net=replace(BUDGET_SPENT, hindrance=Hindrance.FRESH))
    with visited.database.reading() as connection:
        fleet = workers.list_living(connection, visited.project.id)
    watch = RecyclingMonitor(visited.database, lambda _issue, _change: None)
    assert watch.check(visited.project.id, fleet, visited.clock())
    shown = page(visited, "issues/1")
    for words in ("The safety net is held back", "production", "6 workers went", "Opened"):
        assert words in shown
    assert "<b>The safety net is held back</b>" in page(visited, "issues")
    with visited.database.writing() as connection:
        secret = accounts.make_token(connection, 1, "ci", visited.clock())
    headers = {"Authorization": f"Bearer {secret}"}
    (facts,) = visited.client.get("/api/v1/issues", headers=headers).json()["shop"]
    assert (facts["kind"], facts["verdict"], facts["id"]) == ("net", "held back", 1)
    assert facts["because"].endswith("→ raise <b>")
