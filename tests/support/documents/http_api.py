"""What programs are answered below `/api/v1/`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.complete_values import program_headers, whole_site
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.json_shapes import KeyedByData
from tests.support.site_harness import SiteHarness

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.detect.outages import next_outage_change
from bugsly_server.issue_changes import record_outage_change
from bugsly_server.model.outage import Outage, OutageKind
from bugsly_server.store.meta import probe_requests

HEAP_PATH = "/api/v1/workers/{}/heap"


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield workers, issues, what comes of a heap that was asked for, and refusals."""
    with whole_site(folder) as made:
        headers = program_headers(made)
        _record_outage(made)
        yield "GET /healthz", made.client.get("/healthz").json()
        yield from _listed(made, headers)
        yield from _figures(made.client.get("/metrics", headers=headers).text)
        yield from _heap_requests(made, headers)
        yield from _refused(made, headers)
        yield from _erased(made, headers)


def _listed(made: SiteHarness, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    yield (
        "GET /api/v1/workers",
        KeyedByData(made.client.get("/api/v1/workers", headers=headers).json()),
    )
    found = made.client.get("/api/v1/issues", headers=headers).json()
    for kind in ("error", "leak", "net", "outage"):
        of_kind = [one for one in found["shop"] if one["kind"] == kind]
        assert of_kind, kind
        yield f"GET /api/v1/issues, {kind}", KeyedByData({"shop": of_kind})


def _record_outage(made: SiteHarness) -> None:
    outage = Outage(kind=OutageKind.APP, title="The app does not report", because="it is silent")
    opened = next_outage_change(None, outage, made.clock())
    assert opened is not None
    with made.database.writing() as connection:
        record_outage_change(connection, made.project.id, None, outage, opened)


def _erased(made: SiteHarness, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    wanted = {"project": "shop", "user": "nobody@example.com"}
    for body in (wanted, {}):
        answer = made.client.post("/api/v1/erase", json=body, headers=headers)
        yield f"POST /api/v1/erase {answer.status_code}", answer.json()


def _figures(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the labels of each metric."""
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)\{(.*)\} \S+", line)
        if found is not None:
            yield f"GET /metrics, {found[1]}", dict(re.findall(r'(\w+)="(\w+)"', found[2]))


def _heap_requests(made: SiteHarness, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    for number in (1, 2):
        response = made.client.post(HEAP_PATH.format(1), headers=headers)
        yield f"POST /api/v1/workers/1/heap {response.status_code}", response.json()
        yield _probe_status(made, headers, number)
        found = heap_snapshot(heap_holder(), unreachable_objects()) if number == 1 else None
        answer = ProbeResult(ask=number, heap=found, problem="" if found else "no room")
        with made.database.writing() as connection:
            assert probe_requests.save_result(connection, 1, answer, made.clock())
        yield _probe_status(made, headers, number)


def _probe_status(made: SiteHarness, headers: dict[str, str], number: int) -> tuple[str, Any]:
    return "GET /api/v1/asks/1", made.client.get(f"/api/v1/asks/{number}", headers=headers).json()


def _refused(made: SiteHarness, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    made.client.post(HEAP_PATH.format(1), headers=headers)
    answers = (
        made.client.post(HEAP_PATH.format(1), headers=headers),
        made.client.post(HEAP_PATH.format(99), headers=headers),
        made.client.post(HEAP_PATH.format(1)),
        made.client.get("/api/v1/asks/99", headers=headers),
        made.client.get("/api/v1/asks/1"),
        made.client.get("/api/v1/workers"),
        made.client.get("/api/v1/issues"),
    )
    for response in answers:
        what = f"{response.request.method} {response.request.url.path} {response.status_code}"
        yield what, response.json()
