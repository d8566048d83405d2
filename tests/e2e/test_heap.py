"""What a worker of a real Gunicorn tells of its heap, and that its requests do not notice."""

import threading
from functools import partial
from pathlib import Path

import pytest
from tests.support.command import Program
from tests.support.fake_server import FakeServer, asking, reply
from tests.support.gunicorn import gunicorn
from tests.support.wait import wait_until

from bugsly.protocol.evidence import Ask, Heap

KINDS = ("sync", "gthread", "gevent")
WAYS = {
    "closure": "keeping.make.<locals>.see.<closure>.seen",
    "instance": "keeping.client.transport.log",
    "signal": "keeping.order_placed.receivers",
    "error": "keeping.errors",
    "call": "keeping.gather.<local>.gathered",
}
LOCAL = "keeping.mine.<thread>.cache"


def heap(server: FakeServer, ask: int) -> Heap | None:
    """Return the heap that was told for *ask*, and take no other answer."""
    told = {one.ask: one for one in server.told}
    if ask not in told:
        return None
    assert told[ask].problem == ""
    return told[ask].heap


def drive(running: Program, server: FakeServer, endpoints: tuple[str, ...]) -> Heap:
    """Ask for the *endpoints* in turn until the worker has told of its heap."""
    numbers = iter(range(100_000))

    def told() -> bool:
        for endpoint in endpoints:
            running.get(f"/{endpoint}/{next(numbers)}")
        return heap(server, 1) is not None

    wait_until(told, 90, "the heap is told")
    server.always = reply()
    found = heap(server, 1)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_keeps_more_with_every_request_is_named(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.always = asking(Ask(id=1, probe="heap", requests=240))
    with gunicorn(server, tmp_path, "-k", kind, app="keeping:app", workers=1) as running:
        found = drive(running, server, (*WAYS, "local"))
    assert found.walker == "c"
    assert len(found.requests) == 4
    assert 0 < found.pause < found.seconds
    told = {one.path: one for one in found.retainers}
    assert set(WAYS.values()) <= set(told)
    each_request_is_a_thread = kind == "gevent"
    assert (LOCAL in told) is not each_request_is_a_thread
    instance = told[WAYS["instance"]]
    assert list(instance.counts) == sorted(instance.counts)
    assert instance.types["keeping.Order"] == instance.counts[-1]
    assert instance.retained[-1] - instance.retained[0] >= 100 * 30
    assert not any("bugsly" in path for path in told)
    assert all(report.lost == {} for report in server.reports)


@pytest.mark.parametrize("kind", KINDS)
def test_cycles_with_the_collector_off_are_told_by_type(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.always = asking(Ask(id=1, probe="heap", requests=120))
    with gunicorn(server, tmp_path, "-k", kind, app="keeping:app", workers=1) as running:
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
    with gunicorn(server, tmp_path, *options, app="keeping:app", workers=1) as running:
        (pid,) = running.children
        done, wrong = threading.Event(), []

        def visit() -> None:
            while not done.is_set():
                if (told := running.get("/plain")) != "ok":
                    wrong.append(told)

        clients = [threading.Thread(target=visit) for _ in range(6)]
        for one in clients:
            one.start()
        try:
            for number in range(1, snapshots + 1):
                server.always = asking(Ask(id=number, probe="heap"))
                wait_until(partial(heap, server, number), 60, "the heap is told")
        finally:
            done.set()
            for one in clients:
                one.join()
        assert wrong == []
        assert running.children == [pid]
    assert all(report.lost == {} for report in server.reports)
