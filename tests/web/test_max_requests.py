"""The proposed max_requests until a leak is fixed, on its page and in its JSON."""

import dataclasses
from typing import Any

import pytest
from tests.support.issues import change, finding, suspect
from tests.support.recycling_values import safety_net
from tests.support.site_harness import SiteHarness
from tests.support.stored_workers import judgement_of

from bugsly.protocol.evidence import Evidence
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.store.meta import accounts, leak_issues, workers

LINES = "max_requests = {}\nmax_requests_jitter = {}"


def open_leak(site: SiteHarness, **reported: Any) -> None:
    """Open a leak of 100 kB per request whose only worker started at 50 MB."""
    seen = finding(
        release="1.0", environment="production", suspects=(suspect(slope=1e5, low=9e4, high=1e5),)
    )
    site.report(**reported)
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, change(finding=seen))
        (worker,) = workers.list_living(connection, site.project.id)
        grows = judgement_of(GrowthVerdict.GROWING, 2_000.0, low=2_000.0, high=2_000.0)
        workers.update_judgements(connection, [dataclasses.replace(worker, judgement=grows)])


def issue_page(site: SiteHarness) -> str:
    return site.client.get("/p/shop/issues/1").text


def suggested_limits(site: SiteHarness) -> dict[str, Any]:
    with site.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, site.clock())
        secret = accounts.make_token(connection, ada.id, "a program", site.clock())
    answer = site.client.get("/api/v1/issues", headers={"authorization": f"Bearer {secret}"})
    facts: dict[str, Any] = answer.json()["shop"][0]
    return facts


def test_the_lines_can_be_copied_and_have_their_cost(visited: SiteHarness) -> None:
    open_leak(visited)
    page = issue_page(visited)
    assert LINES.format(43_000, 8_600) in page
    assert 'data-copy="max-requests"' in page
    assert "1 worker below 8 GB may hold 5.3 GB each; a fresh one holds 50 MB" in page
    assert "workers a day at the present rate" in page


def test_without_a_safety_net_the_page_says_what_it_would_do(visited: SiteHarness) -> None:
    open_leak(visited)
    page = issue_page(visited)
    assert "BUGSLY_RECYCLE_AT=5250MB" in page
    assert 'data-copy="recycle-at"' in page
    assert "it would recycle a worker after" in page


def test_with_a_safety_net_it_is_not_offered(visited: SiteHarness) -> None:
    open_leak(visited, net=safety_net())
    assert "BUGSLY_RECYCLE_AT" not in issue_page(visited)


@pytest.mark.parametrize(
    ("set_to", "words"),
    [
        (100, "max_requests = 100 is lower than it has to be"),
        (40_000, "max_requests = 40,000 is about right"),
        (90_000, "max_requests = 90,000 is too high"),
    ],
)
def test_the_page_judges_the_present_max_requests(
    visited: SiteHarness, set_to: int, words: str
) -> None:
    open_leak(visited, evidence=Evidence(facts={"max_requests": set_to}))
    assert words in issue_page(visited)


def test_a_quiet_leak_has_no_proposal(visited: SiteHarness) -> None:
    open_leak(visited)
    with visited.database.writing() as connection:
        (known,) = leak_issues.list_all(connection, visited.project.id)
        record_leak_change(connection, visited.project.id, known, change(IssueChangeKind.QUIETED))
    assert "Until it is fixed" not in issue_page(visited)


def test_the_json_has_the_lines_and_the_proof(visited: SiteHarness) -> None:
    open_leak(visited)
    found = suggested_limits(visited)
    assert found["max_requests"]["lines"] == LINES.format(43_000, 8_600).splitlines()
    assert found["max_requests"]["present"] == "not set"
    assert found["max_requests"]["recycle_at"] == "BUGSLY_RECYCLE_AT=5250MB"
    assert found["proof"] is None


def test_the_json_has_a_proof_that_is_not_stored_yet(visited: SiteHarness) -> None:
    open_leak(visited)
    visited.report(id="b" * 32, release="1.1", age=201_000_000)
    with visited.database.writing() as connection:
        for worker in workers.list_living(connection, visited.project.id):
            still = judgement_of(GrowthVerdict.STEADY, 0.0, low=0.0, high=0.0)
            if worker.release == "1.1":
                workers.update_judgements(
                    connection, [dataclasses.replace(worker, judgement=still)]
                )
    found = suggested_limits(visited)["proof"]
    assert found["outcome"] == "not known yet"
    assert found["because"].endswith("workers of 1.0 are still running")


@pytest.mark.parametrize(
    ("changes", "offered"),
    [({}, 1), ({"net": safety_net()}, 0)],
)
def test_the_page_of_a_growing_worker_says_what_a_safety_net_would_do(
    visited: SiteHarness, changes: dict[str, Any], offered: int
) -> None:
    open_leak(visited, **changes)
    page = visited.client.get("/p/shop/workers/1").text
    assert page.count("With <code>BUGSLY_RECYCLE_AT=5250MB</code> it would be recycled") == offered
