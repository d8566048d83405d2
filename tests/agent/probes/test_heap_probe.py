"""A heap that is looked at several times while requests come in."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from tests.support.fake_agent import FakeAgent

from bugsly.heap import snapshot, walker_choice
from bugsly.heap.python_walker.walker import PythonWalker
from bugsly.integrations import flask
from bugsly.probes import heap_probe
from bugsly.probes.heap_probe import HeapProbe
from bugsly.probes.memory_limit import Headroom
from bugsly.protocol.evidence import ProbeRequest, ProbeResult

LOG: list[dict[str, list[int]]] = []


class LeakyHeapApp:
    """An app that keeps something of each request, and a probe of it."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        app = Flask("shop")
        app.add_url_rule("/", "index", self._view)
        flask.install(app, self.fake)
        self._client = app.test_client()
        self.probe = HeapProbe(self.fake.traffic, lambda: [app])
        self.answers: list[ProbeResult] = []
        self.thread = threading.Thread(target=self.take_snapshots, args=(60,))

    def _view(self) -> str:
        LOG.append({"lines": [len(LOG)]})
        return "ok"

    def get(self) -> None:
        self._client.get("/").close()

    def take_snapshots(self, requests: int) -> ProbeResult:
        self.answers.append(
            self.probe.compare_snapshots(ProbeRequest(id=5, probe="heap", requests=requests))
        )
        return self.answers[-1]


@pytest.fixture
def leaky() -> Iterator[LeakyHeapApp]:
    made = LeakyHeapApp()
    yield made
    made.probe.close()
    if made.thread.ident is not None:
        made.thread.join(60)
    LOG.clear()


def test_what_grows_between_the_looks_is_told(leaky: LeakyHeapApp) -> None:
    leaky.thread.start()
    while not leaky.answers:
        leaky.get()
    (answer,) = leaky.answers
    assert (answer.ask, answer.problem) == (5, "")
    assert answer.heap is not None
    told = {one.path: one for one in answer.heap.retainers}
    log = told[f"{__name__}.LOG"]
    assert log.counts[-1] - log.counts[0] >= 60
    assert log.types["dict"] == log.counts[-1]
    assert (len(answer.heap.requests), answer.heap.walker) == (4, "c")


def test_one_look_tells_what_keeps_most(leaky: LeakyHeapApp) -> None:
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    found = leaky.take_snapshots(0).heap
    assert found is not None
    assert len(found.requests) == 1
    assert found.bytes > found.retainers[0].retained[0] > 20_000 * 200
    assert found.retainers[0].path.startswith(f"{__name__}.LOG")
    assert found.objects > 60_000


def test_without_traffic_it_ends_and_says_so(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "MAX_PROBE_SECONDS", 0.1)
    assert (
        leaky.take_snapshots(9).problem
        == "no request came in 0 s → ask again when there is traffic"
    )


def test_a_worker_that_leaves_gives_up_at_once(leaky: LeakyHeapApp) -> None:
    leaky.thread.start()
    leaky.probe.close()
    leaky.thread.join(60)
    (answer,) = leaky.answers
    assert answer.problem == snapshot.WORKER_EXITING


def test_a_refused_snapshot_is_a_problem(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(511_000_000, 512_000_000, 0))
    assert leaky.take_snapshots(0).problem.startswith(
        "the snapshot was refused: 1 MB are free below"
    )


def test_a_worker_that_parts_tells_what_keeps_most_and_waits_for_no_request(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "FINAL_SNAPSHOT_SECONDS", 60.0)
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    leaky.fake.traffic.request_started()
    held = leaky.probe.take_final_snapshot()
    assert held is not None
    assert (held.ask, held.problem) == (0, "")
    assert held.heap is not None
    assert held.heap.retainers[0].path.startswith(f"{__name__}.LOG")
    assert len(held.heap.retainers) <= heap_probe.MAX_FINAL_HOLDERS
    assert held.heap.orphans == ()


def test_near_the_limit_of_memory_a_worker_parts_without_a_fork(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(490_000_000, 512_000_000, 0))
    monkeypatch.setattr(walker_choice.CWalker, "start", forbidden, raising=False)
    held = leaky.probe.take_final_snapshot()
    assert held is not None
    assert held.problem.startswith("the snapshot was refused: 22 MB are free below")


def test_a_look_that_takes_too_long_holds_up_no_worker_that_parts(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "FINAL_SNAPSHOT_SECONDS", 0.0)
    held = leaky.probe.take_final_snapshot()
    assert held == ProbeResult(ask=0, problem=snapshot.WORKER_EXITING)


def test_without_the_walker_in_c_a_worker_parts_without_a_look(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "best_walker", PythonWalker)
    assert leaky.probe.take_final_snapshot() is None


def forbidden(*_args: object) -> None:
    raise AssertionError("a child is made")
