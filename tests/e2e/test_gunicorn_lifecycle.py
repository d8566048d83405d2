import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import AgentInstall, running_gunicorn
from tests.support.running_program import Program
from tests.support.wait import wait_until

from bugsly.protocol.memory import ExitReason, Sample

KINDS = ("sync", "gthread", "gevent")
LOADED = {"in the worker": (), "before the fork": ("--preload",)}


def served_by_endpoint(server: FakeServer) -> Counter[str]:
    """Return the requests told of so far, by endpoint."""
    counted: Counter[str] = Counter()
    for sample in server.samples:
        counted.update({one.endpoint: one.requests for one in sample.traffic})
    return counted


def reasons(server: FakeServer) -> list[ExitReason]:
    return sorted(one.reason for report in server.reports for one in report.exits)


def reported_facts(server: FakeServer) -> dict[str, int]:
    """Return the facts that workers told of themselves, later ones last."""
    told: dict[str, int] = {}
    for report in server.reports:
        told |= {} if report.evidence is None else report.evidence.facts
    return told


def shop_around(running: Program) -> None:
    for number in range(10):
        running.get(f"/items/{number}")
    running.get("/stream")
    running.get("/file")
    running.get("/nowhere")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loaded", LOADED)
@pytest.mark.parametrize("way", AgentInstall)
def test_the_life_of_workers_is_told(
    kind: str, loaded: str, way: AgentInstall, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, *LOADED[loaded], way=way) as running:
        workers = list(server.workers.values())
        assert {worker.pid for worker in workers} == set(running.children)
        assert sorted(worker.number for worker in workers) == [1, 2]
        assert {worker.parent for worker in workers} == {running.pid}
        assert {worker.generation for worker in workers} == {0}
        assert {worker.release for worker in workers} == {"7"}
        assert all(worker.server.startswith("gunicorn ") for worker in workers)
        assert all(worker.server.endswith(f" {kind}") for worker in workers)
        assert served_by_endpoint(server) == {}
        shop_around(running)
        wait_until(
            lambda: sum(served_by_endpoint(server).values()) == 13, what="all requests are told"
        )
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
    assert served_by_endpoint(server) == {
        "GET /items/<int:number>": 10,
        "GET /stream": 1,
        "GET /file": 1,
        "GET (no route)": 1,
    }
    assert reasons(server) == [ExitReason.TERMINATED, ExitReason.TERMINATED]
    assert all(report.lost == {} for report in server.reports)


@pytest.mark.parametrize("loaded", LOADED)
def test_an_app_that_is_watched_in_two_ways_is_watched_once(
    loaded: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(
        server, tmp_path, *LOADED[loaded], way=AgentInstall.RUN, app="watched:app"
    ) as running:
        assert {worker.generation for worker in server.workers.values()} == {0}
        shop_around(running)
        wait_until(
            lambda: sum(served_by_endpoint(server).values()) == 13, what="all requests are told"
        )
        assert sum(one.requests for one in latest(server)) == 13
        pid = running.children[0]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server.exits_of(pid, by_itself=False), what="its master knows its id")


def latest(server: FakeServer) -> list[Sample]:
    """Return the last sample of each worker."""
    return [server.samples_of(worker.pid)[-1] for worker in server.workers.values()]


@pytest.mark.parametrize("loaded", LOADED)
def test_workers_tell_how_many_requests_they_may_serve(
    loaded: str, server: FakeServer, tmp_path: Path
) -> None:
    limits = ("--max-requests", "5000", "--max-requests-jitter", "250")
    with running_gunicorn(server, tmp_path, *limits, *LOADED[loaded]):
        wait_until(lambda: "max_requests" in reported_facts(server), what="the facts are told")
    told = reported_facts(server)
    assert (told["max_requests"], told["max_requests_jitter"]) == (5_000, 250)
