"""What a worker of a real Gunicorn tells of its heap, and that its requests do not notice."""

import threading
from functools import partial
from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer, reply, reply_with_probe_requests
from tests.support.gunicorn import running_gunicorn
from tests.support.running_program import Program
from tests.support.wait import wait_until

from bugsly.protocol.evidence import HeapGrowth, ProbeRequest

KINDS = ("sync", "gthread", "gevent")
PATHS_BY_ENDPOINT = {
    "closure": "keeping.make.<locals>.see.<closure>.seen",
    "instance": "keeping.client.transport.log",
    "signal": "keeping.order_placed.receivers",
    "error": "keeping.errors",
    "call": "keeping.gather.<local>.gathered",
}
LOCAL = "keeping.mine.<thread>.cache"


def reported_heap(server: FakeServer, request_id: int) -> HeapGrowth | None:
    """Return the heap that was told for *request_id*, and take no other answer."""
    results = {one.ask: one for one in server.probe_results}
    if request_id not in results:
        return None
    assert results[request_id].problem == ""
    return results[request_id].heap


def drive(running: Program, server: FakeServer, endpoints: tuple[str, ...]) -> HeapGrowth:
    """Ask for the *endpoints* in turn until the worker has told of its heap."""
    numbers = iter(range(100_000))

    def is_reported() -> bool:
        for endpoint in endpoints:
            running.get(f"/{endpoint}/{next(numbers)}")
        return reported_heap(server, 1) is not None

    wait_until(is_reported, 90, "the heap is told")
    server.default_reply = reply()
    found = reported_heap(server, 1)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_keeps_more_with_every_request_is_named(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.default_reply = reply_with_probe_requests(ProbeRequest(id=1, probe="heap", requests=240))
    with running_gunicorn(server, tmp_path, "-k", kind, app="keeping:app", workers=1) as running:
        found = drive(running, server, (*PATHS_BY_ENDPOINT, "local"))
    assert found.walker == "c"
    assert len(found.requests) == 4
    assert 0 < found.pause < found.seconds
    told = {one.path: one for one in found.retainers}
    assert set(PATHS_BY_ENDPOINT.values()) <= set(told)
    each_request_is_a_thread = kind == "gevent"
    assert (LOCAL in told) is not each_request_is_a_thread
    instance = told[PATHS_BY_ENDPOINT["instance"]]
    assert list(instance.counts) == sorted(instance.counts)
    assert instance.types["keeping.Order"] == instance.counts[-1]
    assert instance.retained[-1] - instance.retained[0] >= 100 * 30
    assert not any("bugsly" in path for path in told)
    assert all(report.lost == {} for report in server.reports)


@pytest.mark.parametrize("kind", KINDS)
def test_cycles_with_the_collector_off_are_told_by_type(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.default_reply = reply_with_probe_requests(ProbeRequest(id=1, probe="heap", requests=120))
    with running_gunicorn(server, tmp_path, "-k", kind, app="keeping:app", workers=1) as running:
        running.get("/cycle/0")
        found = drive(running, server, ("cycle",))
    lost = {one.type: one for one in found.orphans}
    counts = lost["keeping.Order"].counts
    assert counts[-1] - counts[0] >= 100


@pytest.mark.parametrize("snapshots", [10, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_busy_worker_answers_every_request_while_it_is_looked_at(
    snapshots: int, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", "gthread", "--threads", "8")
    with running_gunicorn(server, tmp_path, *options, app="keeping:app", workers=1) as running:
        (pid,) = running.children
        done, wrong = threading.Event(), []

        def visit() -> None:
            while not done.is_set():
                if (told := running.get("/plain")) != "ok":
                    wrong.append(told)

        clients = [threading.Thread(target=visit) for _ in range(6)]
        for client in clients:
            client.start()
        try:
            for number in range(1, snapshots + 1):
                server.default_reply = reply_with_probe_requests(
                    ProbeRequest(id=number, probe="heap")
                )
                wait_until(partial(reported_heap, server, number), 60, "the heap is told")
        finally:
            done.set()
            for client in clients:
                client.join()
        assert wrong == []
        assert running.children == [pid]
    assert all(report.lost == {} for report in server.reports)
