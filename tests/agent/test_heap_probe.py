"""A heap that is looked at several times while requests come in."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from tests.support.fake_agent import FakeAgent

from bugsly.heap import snapshot, walkers
from bugsly.heap.twin import PythonWalker
from bugsly.integrations import flask
from bugsly.probes import heap
from bugsly.probes.heap import HeapProbe
from bugsly.probes.limit import Headroom
from bugsly.protocol.evidence import Answer, Ask

LOG: list[dict[str, list[int]]] = []


class Leaky:
    """An app that keeps something of each request, and a probe of it."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        app = Flask("shop")
        app.add_url_rule("/", "index", self._view)
        flask.install(app, self.fake.agent)
        self._client = app.test_client()
        self.probe = HeapProbe(self.fake.traffic, lambda: [app])
        self.answers: list[Answer] = []
        self.thread = threading.Thread(target=self.look, args=(60,))

    def _view(self) -> str:
        LOG.append({"lines": [len(LOG)]})
        return "ok"

    def get(self) -> None:
        self._client.get("/").close()

    def look(self, requests: int) -> Answer:
        self.answers.append(self.probe.look(Ask(id=5, probe="heap", requests=requests)))
        return self.answers[-1]


@pytest.fixture
def leaky() -> Iterator[Leaky]:
    made = Leaky()
    yield made
    made.probe.close()
    if made.thread.ident is not None:
        made.thread.join(60)
    LOG.clear()


def test_what_grows_between_the_looks_is_told(leaky: Leaky) -> None:
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


def test_one_look_tells_what_keeps_most(leaky: Leaky) -> None:
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    found = leaky.look(0).heap
    assert found is not None
    assert len(found.requests) == 1
    assert found.bytes > found.retainers[0].retained[0] > 20_000 * 200
    assert found.retainers[0].path.startswith(f"{__name__}.LOG")
    assert found.objects > 60_000


def test_without_traffic_it_ends_and_says_so(leaky: Leaky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "LONGEST", 0.1)
    assert leaky.look(9).problem == "no request came in 0 s → ask again when there is traffic"


def test_a_worker_that_leaves_gives_up_at_once(leaky: Leaky) -> None:
    leaky.thread.start()
    leaky.probe.close()
    leaky.thread.join(60)
    (answer,) = leaky.answers
    assert answer.problem == snapshot.LEAVING


def test_a_refused_snapshot_is_a_problem(leaky: Leaky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(511_000_000, 512_000_000, 0))
    assert leaky.look(0).problem.startswith("the snapshot was refused: 1 MB are free below")


def test_a_worker_that_parts_tells_what_keeps_most_and_waits_for_no_request(
    leaky: Leaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "PARTING", 60.0)
    LOG.extend({"lines": [number] * 300} for number in range(20_000))
    leaky.fake.traffic.started()
    held = leaky.probe.part()
    assert held is not None
    assert (held.ask, held.problem) == (0, "")
    assert held.heap is not None
    assert held.heap.retainers[0].path.startswith(f"{__name__}.LOG")
    assert len(held.heap.retainers) <= heap.MOST_PARTING
    assert held.heap.orphans == ()


def test_near_the_limit_of_memory_a_worker_parts_without_a_fork(
    leaky: Leaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(490_000_000, 512_000_000, 0))
    monkeypatch.setattr(walkers.CWalker, "start", forbidden, raising=False)
    held = leaky.probe.part()
    assert held is not None
    assert held.problem.startswith("the snapshot was refused: 22 MB are free below")


def test_a_look_that_takes_too_long_holds_up_no_worker_that_parts(
    leaky: Leaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "PARTING", 0.0)
    held = leaky.probe.part()
    assert held == Answer(ask=0, problem=snapshot.LEAVING)


def test_without_the_walker_in_c_a_worker_parts_without_a_look(
    leaky: Leaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "best_walker", PythonWalker)
    assert leaky.probe.part() is None


def forbidden(*_args: object) -> None:
    raise AssertionError("a child is made")
