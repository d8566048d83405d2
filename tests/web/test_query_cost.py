"""What a list of issues costs does not grow with what a project has besides."""

from tests.support.events import payload
from tests.support.site_harness import SiteHarness

from bugsly_server.store.ports import SpoolEntry
from bugsly_server.web import api

ERRORS = 40
RELEASES = 2_000
STEPS = 100
"""Of SQLite's machine, between two counts."""


def digest_releases(site: SiteHarness, first: int, last: int) -> None:
    entries = [
        SpoolEntry(
            site.project.id,
            site.clock(),
            "event",
            payload(number, f"Error{number % ERRORS}", release=f"r{number}"),
        )
        for number in range(first, last)
    ]
    site.server.pipeline.digest(entries)


def count_steps(site: SiteHarness) -> int:
    """Return what `GET /api/v1/issues` costs the database."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    with site.database.reading() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, STEPS)
        listed = api.open_issues(
            connection, site.project.id, site.clock(), site.server.store.telemetry
        )
        driver.set_progress_handler(None, 0)
    assert len(listed) == ERRORS
    return counted


def test_issues_cost_the_same_however_many_releases_there_are(site: SiteHarness) -> None:
    digest_releases(site, 1, ERRORS + 1)
    before = count_steps(site)
    digest_releases(site, ERRORS + 1, RELEASES)
    assert count_steps(site) < 2 * before
