"""What the page of a leak says about the release that may have fixed it."""

from tests.support.issues import change, finding
from tests.support.release_comparison import proof
from tests.support.site_harness import SiteHarness

from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.store.meta import leak_issues

QUESTION = "Did release {} fix it?"


def open_issue(site: SiteHarness) -> None:
    seen = finding(release="1.0", environment="production")
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, change(finding=seen))


def issue_page(site: SiteHarness) -> str:
    return site.client.get("/p/shop/issues/1").text


def test_a_fixed_leak_shows_both_releases_with_their_intervals(visited: SiteHarness) -> None:
    open_issue(visited)
    with visited.database.writing() as connection:
        (known,) = leak_issues.list_all(connection, visited.project.id)
        step = change(IssueChangeKind.FIXED, because=proof().because, proof=proof())
        record_leak_change(connection, visited.project.id, known, step)
    page = issue_page(visited)
    assert QUESTION.format("2026.11.3") in page
    assert "Fixed in 2026.11.3: 4.2 kB per request before (4 kB to 4.4 kB)" in page
    for figure in ("2026.11.2", "+4.2 kB", "4 kB and 4.4 kB", "-95 B and 95 B", "12,000"):
        assert figure in page


def test_while_only_the_old_release_runs_there_is_no_proof(visited: SiteHarness) -> None:
    open_issue(visited)
    visited.report(release="1.0", environment="production")
    assert "fix it?" not in issue_page(visited)
