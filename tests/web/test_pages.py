import re

import pytest
from sqlalchemy import update
from tests.support.clock import START, FakeClock
from tests.support.issues import change, forecast
from tests.support.site_harness import SiteHarness

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.store.meta import leak_issues, projects
from bugsly_server.store.meta.tables import issue
from bugsly_server.web import template_filters


def _open_issue(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, change())


@pytest.mark.parametrize(
    ("later", "changes", "left", "between"),
    [
        (0, {}, "in about 3 h", "between 05:36 and 07:00"),
        (2 * HOUR, {}, "in about 1 h", "between 05:36 and 07:00"),
        (4 * HOUR, {}, "about now", "between 05:36 and 07:00"),
        (0, {"latest": None}, "in about 3 h", "05:36 at the soonest"),
        (0, {"latest": 1e12}, "in about 3 h", "05:36 at the soonest"),
        (0, {"expected": 4e7, "soonest": 2e7}, "in about 463 d", "in 231 d at the soonest"),
    ],
)
def test_a_forecast_names_times_and_counts_down_to_them(
    later: int, changes: dict[str, float | None], left: str, between: str
) -> None:
    found = forecast(**changes)
    assert template_filters.time_left(found, START, START + later) == left
    shown = re.sub(
        r"<time[^>]*>[-0-9]* (.{5}) UTC</time>",
        r"\1",
        template_filters.runs_out_between(found, START),
    )
    assert shown == between


def test_a_stored_finding_of_another_version_fails_one_page_and_says_so_in_the_log(
    visited: SiteHarness, caplog: pytest.LogCaptureFixture
) -> None:
    _open_issue(visited)
    with visited.database.writing() as connection:
        connection.execute(update(issue).values(finding='{"version": 3}'))
    page = visited.client.get("/p/shop/issues/1")
    assert page.status_code == 500
    (problem,) = (one.getMessage() for one in caplog.records if one.levelname == "ERROR")
    assert problem == (
        "/p/shop/issues/1: stored finding: it has version 3, and this Bugsly reads version 2"
        " → run the Bugsly that wrote it"
    )


def test_a_project_without_workers_leads_to_its_set_up_page(visited: SiteHarness) -> None:
    assert visited.client.get("/p/shop/").headers["location"] == "/p/shop/setup"
    page = visited.client.get("/p/shop/setup").text
    assert f"export BUGSLY_DSN=http://{visited.key}@bugs.test/1" in page
    assert "Waiting for the first sample." in page


def test_the_light_turns_green_with_the_first_sample(visited: SiteHarness) -> None:
    assert "Waiting" in visited.client.get("/p/shop/setup?part=light").text
    visited.report()
    light = visited.client.get("/p/shop/setup?part=light").text
    assert "Samples arrive." in light
    assert "web-1 pid 4242" in light


def test_the_overview_shows_what_is_known_of_every_worker(visited: SiteHarness) -> None:
    visited.report()
    visited.report(id="b" * 32, pid=4243)
    page = visited.client.get("/p/shop/").text
    for shown in ("4242", "4243", "52 MB", "1,000", "1.0", "too early", "2 workers"):
        assert shown in page
    assert page.count("<polyline") == 2


def test_two_hosts_of_the_same_name_are_distinguished(visited: SiteHarness) -> None:
    visited.report()
    visited.report(id="b" * 32, machine="ffffffff")
    page = visited.client.get("/p/shop/").text
    assert "web-1 (0a1b2c3d)" in page
    assert "web-1 (ffffffff)" in page


def test_a_worker_without_reports_is_silent_and_an_ended_one_says_how(
    visited: SiteHarness,
) -> None:
    visited.report()
    _clock(visited).advance(5 * MINUTE)
    ended = Exit(worker="b" * 32, reason=ExitReason.MAX_REQUESTS)
    visited.report(id="b" * 32, pid=4243, exits=(ended,))
    page = visited.client.get("/p/shop/").text
    assert "silent" in page
    assert "reached max_requests" in page


def test_a_worker_page_shows_its_process_and_its_traffic(visited: SiteHarness) -> None:
    visited.report()
    page = visited.client.get("/p/shop/workers/1").text
    for shown in ("GET /items/&lt;int:id&gt;", "1.8 ms", "gunicorn 27.0.1 sync", "Python 3.11.7"):
        assert shown in page


@pytest.mark.parametrize("path", ["workers/99", "issues/99"])
def test_an_unknown_worker_or_issue_is_not_found(visited: SiteHarness, path: str) -> None:
    answer = visited.client.get(f"/p/shop/{path}")
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_a_worker_of_another_project_is_not_shown(visited: SiteHarness) -> None:
    visited.report()
    with visited.database.writing() as connection:
        projects.ensure(connection, "other", visited.clock())
    assert visited.client.get("/p/other/workers/1").status_code == 404
    assert visited.client.get("/p/other/workers/1/chart.json").status_code == 404


def test_the_chart_has_all_workers_on_a_common_grid_with_marks(visited: SiteHarness) -> None:
    visited.report()
    visited.report(id="b" * 32, pid=4243)
    chart = visited.client.get("/p/shop/chart.json?span=900").json()
    assert [line["name"] for line in chart["lines"]] == ["web-1 pid 4242", "web-1 pid 4243"]
    for line in chart["lines"]:
        assert len(line["y"]) == len(chart["x"])
        known = [value for value in line["y"] if value is not None]
        assert (known[0], known[-1]) == (50_100_000, 52_000_000)
    assert {mark["kind"] for mark in chart["marks"]} == {"boot", "deploy"}
    assert all(chart["since"] <= mark["at"] <= chart["until"] for mark in chart["marks"])


@pytest.mark.parametrize(
    "query",
    [
        "since=-5",
        "span=nan",
        "span=1e400",
        "since=9e18&until=1",
        "span=x",
        "until=-1",
        "span=0",
        "since=inf",
    ],
)
def test_a_chart_of_an_absurd_span_is_answered(visited: SiteHarness, query: str) -> None:
    visited.report()
    assert visited.client.get(f"/p/shop/chart.json?{query}").status_code == 200


def test_the_chart_of_a_worker_has_time_and_requests(visited: SiteHarness) -> None:
    visited.report()
    life = visited.client.get("/p/shop/workers/1/chart.json").json()
    assert life["requests"][-1] == 1000
    assert life["memory"][-1] == 52_000_000
    assert len(life["x"]) == 20


def test_an_issue_shows_its_history_and_can_be_snoozed_and_resolved(visited: SiteHarness) -> None:
    visited.report()
    _open_issue(visited)
    assert "One worker on web-1 grows apart from its peers" in visited.client.get("/p/shop/").text
    page = visited.client.get("/p/shop/issues/1").text
    assert "Growing, cause not yet known" in page
    assert "leak" not in page.lower()
    assert "Memory runs out" in page

    visited.client.post("/p/shop/issues/1/snooze", data={"for": "1d"})
    assert "snoozed" in visited.client.get("/p/shop/issues").text
    visited.client.post("/p/shop/issues/1/snooze", data={"for": ""})
    assert "snoozed" not in visited.client.get("/p/shop/issues").text

    visited.client.post("/p/shop/issues/1/resolve")
    page = visited.client.get("/p/shop/issues/1").text
    assert "owner resolved it." in page
    assert "Memory runs out" not in page
    assert 'action="/p/shop/issues/1/resolve"' not in page


def test_resolving_twice_is_one_change(visited: SiteHarness) -> None:
    _open_issue(visited)
    visited.client.post("/p/shop/issues/1/resolve")
    visited.client.post("/p/shop/issues/1/resolve")
    with visited.database.reading() as connection:
        kinds = [one.change.kind for one in leak_issues.history(connection, 1)]
    assert kinds == [IssueChangeKind.RESOLVED, IssueChangeKind.OPENED]


def test_a_new_project_gets_its_own_set_up_page(visited: SiteHarness) -> None:
    made = visited.client.post("/account/projects", data={"slug": "Back Office"})
    assert made.headers["location"] == "/p/back-office/setup"
    refused = visited.client.post("/account/projects", data={"slug": "§§"})
    assert refused.status_code == 422
    assert "is no name for one" in refused.text


@pytest.mark.parametrize("span", [HOUR, 29 * DAY])
def test_moments_are_written_for_machines_and_readable_without_a_script(
    visited: SiteHarness, span: int
) -> None:
    _open_issue(visited)
    _clock(visited).advance(span)
    page = visited.client.get("/p/shop/issues/1").text
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00">', page)


def _clock(site: SiteHarness) -> FakeClock:
    assert isinstance(site.clock, FakeClock)
    return site.clock
