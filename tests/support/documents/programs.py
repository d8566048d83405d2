"""What programs are answered below `/api/v1/`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.shapes import ByName
from tests.support.site import Site
from tests.support.walks import heap, orphans, retainer
from tests.support.whole import token_of, whole_site

from bugsly.protocol.evidence import Answer
from bugsly_server.store.meta import asks

WALK = "/api/v1/workers/{}/heap"


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield workers, issues, what comes of a heap that was asked for, and refusals."""
    with whole_site(folder) as made:
        headers = token_of(made)
        yield "GET /healthz", made.client.get("/healthz").json()
        yield from _listed(made, headers)
        yield from _figures(made.client.get("/metrics", headers=headers).text)
        yield from _walked(made, headers)
        yield from _refused(made, headers)


def _listed(made: Site, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    yield "GET /api/v1/workers", ByName(made.client.get("/api/v1/workers", headers=headers).json())
    found = made.client.get("/api/v1/issues", headers=headers).json()
    for kind in ("error", "leak", "net"):
        mine = [one for one in found["shop"] if one["kind"] == kind]
        assert mine, kind
        yield f"GET /api/v1/issues, {kind}", ByName({"shop": mine})


def _figures(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the labels of each metric."""
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)\{(.*)\} \d+", line)
        if found is not None:
            yield f"GET /metrics, {found[1]}", dict(re.findall(r'(\w+)="(\w+)"', found[2]))


def _walked(made: Site, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    for number in (1, 2):
        asked = made.client.post(WALK.format(1), headers=headers)
        yield f"POST /api/v1/workers/1/heap {asked.status_code}", asked.json()
        yield _told(made, headers, number)
        found = heap(retainer(), orphans()) if number == 1 else None
        answer = Answer(ask=number, heap=found, problem="" if found else "no room")
        with made.database.writing() as connection:
            assert asks.settle(connection, 1, answer, made.clock())
        yield _told(made, headers, number)


def _told(made: Site, headers: dict[str, str], number: int) -> tuple[str, Any]:
    return "GET /api/v1/asks/1", made.client.get(f"/api/v1/asks/{number}", headers=headers).json()


def _refused(made: Site, headers: dict[str, str]) -> Iterator[tuple[str, Any]]:
    made.client.post(WALK.format(1), headers=headers)
    answers = (
        made.client.post(WALK.format(1), headers=headers),
        made.client.post(WALK.format(99), headers=headers),
        made.client.post(WALK.format(1)),
        made.client.get("/api/v1/asks/99", headers=headers),
        made.client.get("/api/v1/asks/1"),
        made.client.get("/api/v1/workers"),
        made.client.get("/api/v1/issues"),
    )
    for one in answers:
        what = f"{one.request.method} {one.request.url.path} {one.status_code}"
        yield what, one.json()
