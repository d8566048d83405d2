"""What the page of a leak says about the release that may have fixed it."""

from tests.support.issues import change, finding
from tests.support.proofs import proof
from tests.support.site import Site

from bugsly_server.model.issue import ChangeKind
from bugsly_server.pipeline import record_change
from bugsly_server.store.meta import issues

QUESTION = "Did release {} fix it?"


def opened(site: Site) -> None:
    seen = finding(release="1.0", environment="production")
    with site.database.writing() as connection:
        record_change(connection, site.project.id, None, change(finding=seen))


def shown(site: Site) -> str:
    return site.client.get("/p/shop/issues/1").text


def test_a_fixed_leak_shows_both_releases_with_their_intervals(visited: Site) -> None:
    opened(visited)
    with visited.database.writing() as connection:
        (known,) = issues.every(connection, visited.project.id)
        step = change(ChangeKind.FIXED, because=proof().because, proof=proof())
        record_change(connection, visited.project.id, known, step)
    page = shown(visited)
    assert QUESTION.format("2026.11.3") in page
    assert "Fixed in 2026.11.3: 4.2 kB per request before (4 kB to 4.4 kB)" in page
    for figure in ("2026.11.2", "+4.2 kB", "4 kB and 4.4 kB", "-95 B and 95 B", "12,000"):
        assert figure in page


def test_while_only_the_old_release_runs_there_is_no_question(visited: Site) -> None:
    opened(visited)
    visited.report(release="1.0", environment="production")
    assert "fix it?" not in shown(visited)
