"""The page of a worker that was killed, and its entry in the history of a leak."""

from markupsafe import escape
from tests.support.issues import change, finding
from tests.support.site_harness import SiteHarness

from bugsly.protocol.memory import EndpointInFlight, Exit, ExitReason
from bugsly_server.clock import MINUTE
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.store.meta import accounts

KILLED = Exit(worker="a" * 32, reason=ExitReason.OUT_OF_MEMORY, signal=9)


def page(site: SiteHarness, path: str) -> str:
    return site.client.get(f"/p/shop/{path}").text


def test_the_page_of_a_killed_worker_shows_its_last_minutes(visited: SiteHarness) -> None:
    visited.report(exits=(KILLED,))
    shown = page(visited, "workers/1")
    assert "Its last 3.3 min" in shown
    assert "Killed by the kernel for lack of memory at 52 MB, +1.9 MB in its last 3.3 min" in shown
    assert "GET /items/&lt;int:id&gt;" in shown
    assert "/p/shop/workers/1/chart.json?part=last" in shown


def test_requests_in_flight_are_on_the_pages_and_in_the_json(visited: SiteHarness) -> None:
    stuck = EndpointInFlight(endpoint="GET /report/<int:year>", requests=1, micros=28_000_000)
    visited.report(under_way=(stuck,))
    assert "GET /report/&lt;int:year&gt; for 28 s" in page(visited, "workers/1")
    with visited.database.writing() as connection:
        secret = accounts.make_token(connection, 1, "ci", visited.clock())
    headers = {"Authorization": f"Bearer {secret}"}
    (living,) = visited.client.get("/api/v1/workers", headers=headers).json()["shop"]
    assert living["in_flight"] == [
        {"endpoint": "GET /report/<int:year>", "requests": 1, "seconds": 28.0}
    ]
    leak = finding(release="1.0", environment="production")
    with visited.database.writing() as connection:
        at = visited.clock() - MINUTE
        record_leak_change(connection, visited.project.id, None, change(finding=leak, at=at))
    visited.report(samples=21, under_way=(stuck,), exits=(KILLED,))
    because = "in flight when it was last heard of: GET /report/<int:year> for 28 s"
    for place in ("workers/1", "issues/1"):
        assert str(escape(because)) in page(visited, place)
    (facts,) = visited.client.get("/api/v1/issues", headers=headers).json()["shop"]
    (dead,) = facts["killed"]
    assert because in dead["because"]
    assert dead["in_flight"] == living["in_flight"]


def test_the_page_of_a_living_worker_has_no_post_mortem(visited: SiteHarness) -> None:
    visited.report()
    assert "post-mortem" not in page(visited, "workers/1")


def test_the_post_mortem_chart_covers_the_last_ten_minutes(visited: SiteHarness) -> None:
    visited.report(samples=200, exits=(KILLED,))
    whole = visited.client.get("/p/shop/workers/1/chart.json").json()["x"]
    last = visited.client.get("/p/shop/workers/1/chart.json?part=last").json()["x"]
    assert len(whole) == 200
    assert 59 <= len(last) <= 61
    assert last[-1] == whole[-1]


def test_the_history_of_a_leak_links_to_the_post_mortem(visited: SiteHarness) -> None:
    at = visited.clock() - MINUTE
    leak = finding(release="1.0", environment="production")
    with visited.database.writing() as connection:
        record_leak_change(connection, visited.project.id, None, change(finding=leak, at=at))
    visited.report(exits=(KILLED,))
    shown = page(visited, "issues/1")
    assert "A worker was killed" in shown
    assert 'href="/p/shop/workers/1#post-mortem"' in shown
    assert shown.index("A worker was killed") < shown.index("<b>Opened</b>")
    dead = page(visited, "workers/1")
    assert 'href="/p/shop/issues/1"' in dead
