"""The usage page: what is used of each budget, and which one is reached."""

from collections import Counter
from pathlib import Path

import pytest
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.site_harness import SiteHarness, site_harness

from bugsly_server.ingest.quota import BYTES_REASON
from bugsly_server.model.project_limits import OTHER_ENVIRONMENTS
from bugsly_server.settings import SETTINGS
from bugsly_server.store.ports import SpoolEntry


def page_rows(site: SiteHarness) -> dict[str, str]:
    """Return the text of each row of the usage page, by its first words."""
    text = site.client.get("/p/shop/usage").text
    rows = text.split("<tr>")[1:]
    return {row.partition("<b>")[2].partition("</b>")[0]: row for row in rows if "<b>" in row}


def digest(site: SiteHarness, *payloads: bytes) -> None:
    entries = [SpoolEntry(site.project.id, site.clock(), "event", one) for one in payloads]
    site.server.pipeline.digest(entries)
    site.server.pipeline.maintain(Counter(), {}, site.clock())


def test_every_budget_has_its_figures_and_the_setting_that_raises_it(
    visited: SiteHarness,
) -> None:
    visited.report()
    digest(visited, payload(1, user={"id": "ada"}), payload(2, "ValueError", release="2.0"))
    visited.server.pipeline.maintain(
        Counter({(visited.project.id, BYTES_REASON): 3}),
        {visited.project.id: 1_500_000},
        visited.clock(),
    )
    rows = page_rows(visited)
    figures = {
        "Events today": "2<small>of 1,000,000",
        "Data today, unpacked": "1.5 MB<small>of 2 GB",
        "Errors": "2<small>of 10,000",
        "Leaks": "0<small>of 500",
        "Workers alive": "1<small>of 2,000",
        "Releases": "2<small>of 5,000",
        "Environments": "1<small>of 50",
        "Tags: releases, environments and users of all errors": "5<small>of 500,000",
    }
    for name, figure in figures.items():
        assert figure in rows[name], name
    assert "3 not kept as sent today" in rows["Data today, unpacked"]
    assert [name for name, row in rows.items() if ">reached<" in row] == ["Data today, unpacked"]
    variables = {one.variable for one in SETTINGS}
    named = {row.partition("<code>")[2].partition("</code>")[0] for row in rows.values()}
    assert named <= variables
    assert len(named) == len(rows) == 11


def test_a_budget_that_is_reached_is_told_on_the_list_of_issues(
    tmp_path: Path, clock: FakeClock
) -> None:
    with site_harness(tmp_path, clock, most_environments="1") as site:
        site.log_in()
        digest(site, payload(1, environment="live"), payload(2, environment="x"))
        assert ">reached<" in page_rows(site)["Environments"]
        issues = site.client.get("/p/shop/issues").text
        assert "Budgets: 1 item was refused or left out today" in issues
        assert OTHER_ENVIRONMENTS in issues


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
