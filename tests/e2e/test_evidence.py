"""What workers of a real Gunicorn tell of why they grow, and do when they are asked."""

from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer, reply, reply_with_probe_requests
from tests.support.gunicorn import running_gunicorn
from tests.support.running_program import APPS, Program
from tests.support.wait import wait_until

from bugsly.protocol.evidence import Holder, ProbeRequest, ProbeResult
from bugsly.protocol.memory import SampledTraffic

KINDS = ("sync", "gthread", "gevent")
LOADED = {"in the worker": (), "before the fork": ("--preload",)}
APP = "leaking:app"


def level(server: FakeServer, holder: str) -> int:
    """Return the last count heard of *holder*, whose name is shortened."""
    found = [
        one.count
        for sample in server.samples
        for one in sample.levels
        if one.holder.startswith(holder)
    ]
    return found[-1] if found else 0


def holder(server: FakeServer, name: str) -> Holder:
    (found,) = [one for key, one in server.holders.items() if key.startswith(name)]
    return found


def site(text: str) -> str:
    """Return the line of the app that has *text* in it."""
    lines = (APPS / "leaking.py").read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"leaking.py:{number}"


def traffic(server: FakeServer, endpoint: str) -> list[SampledTraffic]:
    return [row for one in server.samples for row in one.traffic if row.endpoint == endpoint]


def get(running: Program, path: str, times: int) -> None:
    for _ in range(times):
        running.get(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loaded", LOADED)
def test_connections_left_open_are_told_by_line_and_endpoint(
    kind: str, loaded: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, *LOADED[loaded])
    with running_gunicorn(server, tmp_path, *options, app=APP, workers=1) as running:
        get(running, "/closed", 5)
        get(running, "/connection", 7)
        name = "connections left open at leaking.py:"
        wait_until(lambda: level(server, name) >= 6, what="they are told")
        found = holder(server, name)
    assert (found.kind, found.site) == ("connection", site("taken = engine.connect()"))
    assert found.endpoint == "GET /connection"
    assert found.details["pool_size"] == 100
    assert sum(one.kind == "connection" for one in server.holders.values()) == 1
    assert all(report.lost == {} for report in server.reports)


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_threads_started_by_requests_are_told_by_what_they_run(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, app=APP, workers=1) as running:
        get(running, "/thread", 1)
        heard = len(server.samples)
        wait_until(lambda: len(server.samples) > heard + 1, what="the first thread is met")
        get(running, "/thread", 4)
        name = "threads running leaking.wait"
        wait_until(lambda: level(server, name) == 5, what="all five are told")
        found = holder(server, name)
    assert (found.kind, found.site) == ("thread", site("def wait()"))


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_are_told_as_built_whole_or_streamed(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, app=APP, workers=1) as running:
        get(running, "/whole", 1)
        get(running, "/streamed", 1)
        wait_until(lambda: traffic(server, "GET /streamed"), what="they are told")
    (whole,), (streamed,) = traffic(server, "GET /whole"), traffic(server, "GET /streamed")
    assert (whole.whole, whole.streamed) == (1_000_000, 0)
    assert (streamed.whole, streamed.streamed, streamed.sent) == (0, 1, 1_000_000)


def test_failed_requests_that_are_kept_are_told(server: FakeServer, tmp_path: Path) -> None:
    name = "failed requests alive after they ended"
    with running_gunicorn(server, tmp_path, app=APP, workers=1) as running:
        get(running, "/broken", 6)
        wait_until(lambda: level(server, name) == 6, what="all six are told")
        assert holder(server, name).endpoint == "GET /broken"


def test_the_allocator_and_the_collector_are_told(server: FakeServer, tmp_path: Path) -> None:
    with running_gunicorn(server, tmp_path, app=APP, workers=1):
        pass
    first = server.samples[0]
    assert 1_000_000 < first.in_use <= first.held
    assert first.blocks
    facts = server.reports[0].evidence
    assert facts is not None
    assert facts.facts["gc_enabled"] == 1


def answers(server: FakeServer) -> dict[int, ProbeResult]:
    return {one.ask: one for one in server.probe_results}


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_does_what_it_is_asked_while_it_serves(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    asks = (
        ProbeRequest(id=1, probe="trim"),
        ProbeRequest(id=2, probe="source", files=("leaking", "/etc/passwd")),
        ProbeRequest(id=3, probe="window", requests=20),
    )
    server.default_reply = reply_with_probe_requests(*asks)
    with running_gunicorn(server, tmp_path, "-k", kind, app=APP, workers=1) as running:
        wait_until(lambda: (running.get("/broken"), 3 in answers(server))[1], 30, "all three")
        server.default_reply = reply()
        wait_until(
            lambda: len(server.probe_results) == len(answers(server)), what="they are told once"
        )
    told = answers(server)
    assert told[1].trim is not None
    module, secret = told[2].sources
    assert (module.module, module.edited, "def broken()" in module.text) == ("leaking", False, True)
    assert (secret.text, bool(secret.problem)) == ("", True)
    window = told[3].window
    assert window is not None
    assert window.requests >= 20
    assert any(line.site.startswith("leaking.py:") for line in window.lines)
