"""The window in which allocations are traced, and the lines that it finds."""

import ctypes
import re
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, request
from tests.support.fake_agent import FakeAgent

from bugsly.integrations import flask
from bugsly.integrations.memray import MemrayTracer
from bugsly.probes import allocation_window, malloc_trim, process
from bugsly.probes.allocation_window import AllocationTracer, AllocationWindowProbe
from bugsly.probes.memory_limit import Headroom
from bugsly.probes.process import ProcessMemory
from bugsly.probes.tracemalloc_tracer import ALREADY_TRACING, TracemallocTracer
from bugsly.protocol.evidence import ProbeRequest, ProbeResult, TrimResult

HERE = "tests/agent/probes/test_allocation_window.py"
TRACERS: dict[str, type[MemrayTracer | TracemallocTracer]] = {
    "memray": MemrayTracer,
    "tracemalloc": TracemallocTracer,
}


class LeakyWindowApp:
    """An app that keeps two objects of each request, and an allocation window around it."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        self.kept: list[object] = []
        self.probe = AllocationWindowProbe(self.fake.traffic, TracemallocTracer)
        self.answers: list[ProbeResult] = []
        app = Flask("shop")
        app.add_url_rule("/", "index", self._view)
        flask.install(app, self.fake)
        self._client = app.test_client()
        self._thread: threading.Thread | None = None

    def _view(self) -> str:
        self.kept.append(request.args)
        self.kept.append(bytes(10_000))  # the line
        bytes(1_000_000)
        return "ok"

    @property
    def line(self) -> int:
        return self._view.__code__.co_firstlineno + 2

    def get(self, times: int) -> None:
        for _ in range(times):
            self._client.get("/?a=1").close()

    def open(self, requests: int) -> None:
        """Open a window on its own thread, and wait until it is open."""
        self._thread = threading.Thread(target=self._watch, args=(requests,))
        opened = threading.Event()
        wait = self.probe._wait_for_requests

        def waiting(tracer: AllocationTracer, first: int, requests: int, started: float) -> None:
            opened.set()
            wait(tracer, first, requests, started)

        self.probe._wait_for_requests = waiting  # type: ignore[method-assign]
        self._thread.start()
        assert opened.wait(20)

    def _watch(self, requests: int) -> None:
        self.answers.append(
            self.probe.trace_window(ProbeRequest(id=5, probe="window", requests=requests))
        )

    def result(self) -> ProbeResult:
        assert self._thread is not None
        self._thread.join(30)
        (result,) = self.answers
        assert result.ask == 5
        return result


@pytest.fixture
def leaky() -> Iterator[LeakyWindowApp]:
    made = LeakyWindowApp()
    made.get(3)
    yield made
    made.probe.close()


@pytest.fixture(params=TRACERS)
def method(request: pytest.FixtureRequest, leaky: LeakyWindowApp) -> str:
    name = str(request.param)
    leaky.probe._new_tracer = TRACERS[name]
    return name


def test_the_lines_whose_allocations_outlive_their_requests_are_reported(
    method: str, leaky: LeakyWindowApp
) -> None:
    leaky.open(requests=50)
    leaky.get(50)
    found = leaky.result().window
    assert found is not None
    assert (found.method, found.requests) == (method, 50)
    assert 0 < found.seconds < 30
    first = found.lines[0]
    assert first.site == f"{HERE}:{leaky.line}"
    assert first.inner == ""
    assert first.count == 50
    assert 50 * 10_000 <= first.bytes < 60 * 10_000
    inside = [one for one in found.lines if one.site == f"{HERE}:{leaky.line - 1}" and one.inner]
    assert any(one.inner.startswith("werkzeug/") for one in inside)
    assert not any(one.site == f"{HERE}:{leaky.line + 1}" for one in found.lines)
    assert not tracemalloc.is_tracing()


@pytest.mark.usefixtures("method")
def test_without_traffic_the_window_ends_and_reports_that(
    leaky: LeakyWindowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocation_window, "MAX_WINDOW_SECONDS", 0.1)
    leaky.open(requests=50)
    problem = leaky.result().problem
    assert re.fullmatch(r"no request came in \d s → ask again when there is traffic", problem)


@pytest.mark.usefixtures("method")
def test_an_exiting_worker_closes_its_window(leaky: LeakyWindowApp) -> None:
    leaky.open(requests=50)
    leaky.get(1)
    leaky.probe.close()
    found = leaky.result().window
    assert found is not None
    assert found.requests == 1


@pytest.mark.parametrize("name", TRACERS)
def test_a_window_ends_when_its_tracer_is_full(
    name: str, leaky: LeakyWindowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = TRACERS[name]
    monkeypatch.setattr(sys.modules[tracer.__module__], "MAX_BYTES", 10)
    leaky.probe._new_tracer = tracer
    leaky.open(requests=100_000)
    while not leaky.answers:
        leaky.get(20)
    found = leaky.result().window
    assert found is None or found.requests < 100_000


def test_where_memory_is_short_the_window_is_refused(
    leaky: LeakyWindowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        allocation_window, "read_headroom", lambda: Headroom(430_000_000, 512_000_000, 0)
    )
    leaky._watch(5)
    (result,) = leaky.answers
    fact = "82 MB are free below the limit of memory, 150 MB are needed"
    assert result.problem == f"the window was refused: {fact}"


def test_an_app_that_traces_itself_is_left_alone(leaky: LeakyWindowApp) -> None:
    tracemalloc.start()
    try:
        leaky._watch(5)
        assert [one.problem for one in leaky.answers] == [ALREADY_TRACING]
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_memray_without_a_writable_folder_is_refused(
    leaky: LeakyWindowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_options: object) -> None:
        raise OSError("Read-only file system")

    leaky.probe._new_tracer = MemrayTracer
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    leaky._watch(5)
    problem = "the window was refused: memray says Read-only file system"
    assert [one.problem for one in leaky.answers] == [problem]


def test_memray_leaves_no_file(
    leaky: LeakyWindowApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leaky.probe._new_tracer = MemrayTracer
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    leaky.open(requests=1)
    assert len(list(tmp_path.iterdir())) == 1
    leaky.get(1)
    assert leaky.result().window
    assert list(tmp_path.iterdir()) == []


def test_a_trim_reports_private_memory_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([90, 40])
    monkeypatch.setattr(malloc_trim, "MAX_COLLECTED_BLOCKS", sys.getallocatedblocks() * 2)
    monkeypatch.setattr(process, "read_memory", lambda: ProcessMemory(next(sizes), 0, 0, 0, 1))
    result = malloc_trim.trim_memory(ProbeRequest(id=2, probe="trim"))
    assert result.trim is not None
    assert (result.ask, result.problem) == (2, "")
    assert result.trim == TrimResult(before=90, after=40, garbage=result.trim.garbage)
    assert result.trim.garbage >= 0


def test_a_trim_returns_free_memory_below_allocated_memory() -> None:
    pieces = [ctypes.create_string_buffer(b"x" * 60_000) for _ in range(2_000)]
    del pieces[:-1]
    result = malloc_trim.trim_memory(ProbeRequest(id=2, probe="trim"))
    assert result.trim is not None
    assert result.trim.after < result.trim.before - 50_000_000


@pytest.mark.parametrize("library", [SimpleNamespace(), None])
def test_a_c_library_without_a_trim_is_a_problem(
    library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library is None:
        monkeypatch.setitem(sys.modules, "ctypes", None)
    else:
        monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    assert (
        malloc_trim.trim_memory(ProbeRequest(id=2, probe="trim")).problem
        == malloc_trim.NO_MALLOC_TRIM
    )


@pytest.mark.parametrize(
    ("served", "seconds", "goes_on"),
    [
        (0, 59.0, True),
        (0, 60.0, False),
        (200, 0.1, False),
        (199, 9.9, True),
        (199, 10.0, False),
        (29, 30.0, True),
        (30, 10.0, False),
    ],
)
def test_a_window_ends_after_enough_requests_or_earlier_if_tracing_is_slow(
    served: int, seconds: float, *, goes_on: bool
) -> None:
    assert allocation_window._stays_open(served, 200, seconds) is goes_on
