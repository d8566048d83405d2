"""Snapshots of a heap for a probe request, while requests are served, and of an exiting worker."""

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from tests.support.fake_agent import FakeAgent

from bugsly.heap import snapshot
from bugsly.heap.python_walker.walker import PythonWalker
from bugsly.heap.walker_choice import CWalker
from bugsly.integrations import flask
from bugsly.probes import heap_probe
from bugsly.probes.heap_probe import HeapProbe
from bugsly.probes.memory_limit import Headroom
from bugsly.protocol.evidence import ProbeRequest, ProbeResult

LOG: list[dict[str, list[int]]] = []


class LeakyHeapApp:
    """An app that keeps an object of each request, and a heap probe of it."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        app = Flask("shop")
        app.add_url_rule("/", "index", self._view)
        flask.install(app, self.fake)
        self._client = app.test_client()
        self.probe = HeapProbe(self.fake.traffic, lambda: [app])
        self.results: list[ProbeResult] = []
        self.thread = threading.Thread(target=self.take_snapshots, args=(60,))

    def _view(self) -> str:
        LOG.append({"lines": [len(LOG)]})
        return "ok"

    def get(self) -> None:
        self._client.get("/").close()

    def take_snapshots(self, requests: int) -> ProbeResult:
        self.results.append(
            self.probe.compare_snapshots(ProbeRequest(id=5, probe="heap", requests=requests))
        )
        return self.results[-1]


@pytest.fixture
def leaky() -> Iterator[LeakyHeapApp]:
    made = LeakyHeapApp()
    yield made
    made.probe.close()
    if made.thread.ident is not None:
        made.thread.join(60)
    LOG.clear()


def test_what_grows_between_the_snapshots_is_reported(leaky: LeakyHeapApp) -> None:
    leaky.thread.start()
    while not leaky.results:
        leaky.get()
        leaky.thread.join(0.01)
    (result,) = leaky.results
    assert (result.ask, result.problem) == (5, "")
    assert result.heap is not None
    holders = {one.path: one for one in result.heap.retainers}
    log = holders[f"{__name__}.LOG"]
    assert log.counts[-1] - log.counts[0] >= 60
    assert log.types["dict"] == log.counts[-1]
    assert (len(result.heap.requests), result.heap.walker) == (4, "c")


def test_one_snapshot_reports_what_retains_most(leaky: LeakyHeapApp) -> None:
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    found = leaky.take_snapshots(0).heap
    assert found is not None
    assert len(found.requests) == 1
    assert found.bytes > found.retainers[0].retained[0] > 20_000 * 200
    assert found.retainers[0].path.startswith(f"{__name__}.LOG")
    assert found.objects > 60_000


def test_without_traffic_it_ends_and_reports_that(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "MAX_PROBE_SECONDS", 0.1)
    assert (
        leaky.take_snapshots(9).problem
        == "no request came in 0 s → ask again when there is traffic"
    )


def test_an_exiting_worker_stops_it_at_once(leaky: LeakyHeapApp) -> None:
    leaky.thread.start()
    leaky.probe.close()
    leaky.thread.join(60)
    (result,) = leaky.results
    assert result.problem == snapshot.WORKER_EXITING


def test_a_refused_snapshot_is_a_problem(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "read_headroom", lambda: Headroom(511_000_000, 512_000_000, 0))
    fact = r"1 MB are free below the limit of memory, \d+ MB are needed"
    problem = leaky.take_snapshots(0).problem
    assert re.fullmatch(rf"the snapshot was refused: {fact}", problem)


class CuttingWalker(CWalker):
    """A walker whose earlier results have lost their last byte."""

    def __init__(self) -> None:
        super().__init__()
        start = self.start
        self.start = lambda descriptor, roots, include_unreachable, earlier_results: start(
            descriptor, roots, include_unreachable, tuple(one[:-1] for one in earlier_results)
        )


def test_a_damaged_earlier_snapshot_is_a_problem(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "best_walker", CuttingWalker)
    leaky.thread.start()
    while not leaky.results:
        leaky.get()
        leaky.thread.join(0.01)
    (result,) = leaky.results
    damage = "earlier snapshot 0 is damaged: it is cut off"
    assert (result.heap, result.problem) == (None, f"the snapshot was refused: {damage}")


def test_an_exiting_worker_reports_what_retains_most_and_waits_for_no_request(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "FINAL_SNAPSHOT_SECONDS", 60.0)
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    leaky.fake.traffic.request_started()
    final = leaky.probe.take_final_snapshot()
    assert final is not None
    assert (final.ask, final.problem) == (0, "")
    assert final.heap is not None
    assert final.heap.retainers[0].path.startswith(f"{__name__}.LOG")
    assert len(final.heap.retainers) <= heap_probe.MAX_FINAL_HOLDERS
    assert final.heap.orphans == ()


def test_near_the_limit_of_memory_an_exiting_worker_does_not_fork(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "read_headroom", lambda: Headroom(490_000_000, 512_000_000, 0))
    monkeypatch.setattr("bugsly.heap._walker.start", forbidden)
    final = leaky.probe.take_final_snapshot()
    assert final is not None
    assert final.problem.startswith("the snapshot was refused: 22 MB are free below")


def test_a_final_snapshot_that_takes_too_long_is_stopped(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "FINAL_SNAPSHOT_SECONDS", 0.0)
    final = leaky.probe.take_final_snapshot()
    assert final == ProbeResult(ask=0, problem=snapshot.WORKER_EXITING)


def test_without_the_walker_in_c_there_is_no_final_snapshot(
    leaky: LeakyHeapApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap_probe, "best_walker", PythonWalker)
    assert leaky.probe.take_final_snapshot() is None


def forbidden(*_args: object) -> None:
    raise AssertionError("a child is started")
