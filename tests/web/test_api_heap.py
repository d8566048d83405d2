"""The API that requests heap walks and returns their results."""

from typing import Any

import pytest
from tests.support.heap_snapshots import heap_holder, heap_snapshot
from tests.support.site_harness import SiteHarness

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.store.meta import probe_requests

HEAP_PATH = "/api/v1/workers/1/heap"


@pytest.fixture
def token(visited: SiteHarness) -> dict[str, str]:
    page = visited.client.post("/account/tokens", data={"name": "laptop"}).text
    secret = page[page.index("bugsly_") :].split("<", 1)[0]
    visited.report()
    return {"authorization": f"Bearer {secret}"}


def settle(site: SiteHarness, answer: ProbeResult) -> None:
    with site.database.writing() as connection:
        assert probe_requests.save_result(connection, 1, answer, site.clock())


def test_a_heap_walk_is_requested_and_its_result_read(
    visited: SiteHarness, token: dict[str, str]
) -> None:
    asked = visited.client.post(f"{HEAP_PATH}?requests=300", headers=token)
    assert (asked.status_code, asked.json()) == (202, {"ask": 1})
    with visited.database.reading() as connection:
        (request,) = probe_requests.list_open(connection, visited.project.id)
    assert (request.request.probe, request.request.requests) == ("heap", 300)
    waits = visited.client.get("/api/v1/asks/1", headers=token).json()
    assert waits == {"state": "asked", "problem": "", "heap": None}
    settle(visited, ProbeResult(ask=1, heap=heap_snapshot(heap_holder())))
    result = visited.client.get("/api/v1/asks/1", headers=token).json()
    assert (result["state"], result["heap"]["objects"]) == ("answered", 1_234_567)


@pytest.mark.parametrize("given", ["", "?requests=-3", "?requests=x", "?requests=99999999"])
def test_an_invalid_number_of_requests_counts_as_zero(
    visited: SiteHarness, token: dict[str, str], given: str
) -> None:
    assert visited.client.post(f"{HEAP_PATH}{given}", headers=token).status_code == 202
    with visited.database.reading() as connection:
        (request,) = probe_requests.list_open(connection, visited.project.id)
    assert request.request.requests == 0


def test_one_worker_of_a_project_is_walked_at_a_time(
    visited: SiteHarness, token: dict[str, str]
) -> None:
    visited.client.post(HEAP_PATH, headers=token)
    busy = visited.client.post(HEAP_PATH, headers=token)
    assert busy.status_code == 409
    assert busy.json()["detail"].endswith("is being probed → try again in a few minutes")


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/api/v1/workers/99/heap"), ("get", "/api/v1/asks/99")]
)
def test_an_unknown_id_is_not_found(
    visited: SiteHarness, token: dict[str, str], method: str, path: str
) -> None:
    answer: Any = getattr(visited.client, method)(path, headers=token)
    assert answer.status_code == 404
    assert "does not exist" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path"), [("post", HEAP_PATH), ("get", "/api/v1/asks/1")])
def test_without_a_token_nothing_is_requested(visited: SiteHarness, method: str, path: str) -> None:
    visited.report()
    assert getattr(visited.client, method)(path).status_code == 401
    with visited.database.reading() as connection:
        assert probe_requests.list_open(connection, visited.project.id) == []
