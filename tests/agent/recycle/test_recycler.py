"""The safety net of one worker, with a way to leave that writes down what was asked of it."""

import logging
import threading
import time
from collections.abc import Callable
from itertools import chain, cycle, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.fake_agent import FakeAgent
from tests.support.wait import wait_until

from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly.recycle import policy
from bugsly.recycle import recycler as nets
from bugsly.recycle.host_coordinator import (
    HostCoordinator,
    WorkerCounts,
    WorkerSlot,
    open_host_coordinator,
)
from bugsly.recycle.memory_threshold import MemoryThreshold
from bugsly.recycle.recycler import Recycler
from bugsly.recycle.worker_controller import CallbackController, UnsupportedController

FRESH_WORKER, OVER_LIMIT = 40_000_000, 120_000_000
REACHED_LIMIT = MemoryThreshold(size=100_000_000)
UNREACHABLE_LIMIT = MemoryThreshold(size=1 << 60)
POST = WorkerSlot("7", 1, 1)


class FakeWorkerController(UnsupportedController):
    """Notes in *calls* what is asked of it; it is drained when asked the second time."""

    unsupported_reason = ""
    grace_seconds = 10.0

    def __init__(self, calls: list[str], standing: Callable[[], WorkerCounts]) -> None:
        self._calls = calls
        self._standing = standing

    @property
    def slot(self) -> WorkerSlot:
        return POST

    def stop_accepting(self) -> None:
        self._calls.append(f"refuse, {self._standing().ready} ready")

    def is_drained(self) -> bool:
        self._calls.append("drained?")
        return self._calls.count("drained?") == 2

    def stop(self) -> None:
        self._calls.append("stop")


class RecyclerHarness:
    """The net, and all it touches."""

    def __init__(self, coordinator: HostCoordinator | None) -> None:
        self.calls: list[str] = []
        self.fake = FakeAgent()
        self.fake.settings = SimpleNamespace(
            recycle_age=0.0, recycles_per_hour=20, dsn="http://key@server/1", environment="test"
        )
        self.coordinator = coordinator
        self.controller: Any = FakeWorkerController(self.calls, lambda: self.standing)

    @property
    def standing(self) -> WorkerCounts:
        assert self.coordinator is not None
        return self.coordinator.worker_counts()

    def start(self, limit: MemoryThreshold) -> Recycler:
        agent: Any = self.fake
        agent.flush_before_exit = lambda: self.calls.append(
            f"last words, {self.standing.ready} ready"
        )
        net = Recycler(agent, self.controller, limit)
        net.start()
        wait_until(net.report, what="it knows its limit")
        return net


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecyclerHarness:
    monkeypatch.setattr(nets, "CHECK_INTERVAL_SECONDS", 0.01)
    readings = chain([FRESH_WORKER], repeat(OVER_LIMIT))
    monkeypatch.setattr(
        nets,
        "process",
        SimpleNamespace(read_memory=lambda: SimpleNamespace(anonymous=next(readings))),
    )
    made = RecyclerHarness(open_host_coordinator(POST, [tmp_path]))
    monkeypatch.setattr(nets, "open_host_coordinator", lambda _post: made.coordinator)
    return made


def net_report_of(net: Recycler) -> RecyclerReport:
    word = net.report()
    assert word is not None
    return word


def exit_of(net: Recycler, reason: ExitReason = ExitReason.TERMINATED) -> Exit:
    return net.stop(Exit(worker="0" * 32, reason=reason))


def test_a_worker_speaks_then_refuses_then_drains_then_stops(desk: RecyclerHarness) -> None:
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in desk.calls, what="it stops")
    assert desk.calls == ["last words, 1 ready", "refuse, 0 ready", "drained?", "drained?", "stop"]
    word = net_report_of(net)
    assert (word.state, word.hindrance) == (RecyclerState.LEAVING, None)
    assert (word.recycled, word.recycled_today) == (1, 1)
    assert word.because.endswith("120 MB, passed 100 MB")
    assert exit_of(net).reason is ExitReason.RECYCLED
    assert exit_of(net).because == word.because


def test_a_worker_that_cannot_speak_stops_all_the_same(
    desk: RecyclerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUGSLY_STRICT", "0")
    agent: Any = desk.fake
    net = Recycler(agent, desk.controller, REACHED_LIMIT)  # whose agent has no last words
    net.start()
    wait_until(lambda: desk.calls == ["stop"], what="it stops")
    assert desk.fake.guards.failures == {"net": 1}
    exit_of(net)


def test_an_end_that_was_not_graceful_keeps_its_reason(desk: RecyclerHarness) -> None:
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in desk.calls, what="it stops")
    assert exit_of(net, ExitReason.TIMEOUT) == Exit(worker="0" * 32, reason=ExitReason.TIMEOUT)


@pytest.mark.parametrize("blocks", [False, True])
def test_a_worker_that_does_not_end_says_so_and_leaves_the_turn_to_other_masters(
    blocks: bool,  # noqa: FBT001
    desk: RecyclerHarness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "REPLACEMENT_SECONDS", 0.05)
    monkeypatch.setattr(
        desk.coordinator, "release_lock", lambda: desk.calls.append("gave the turn back")
    )
    released = threading.Event()
    desk.controller = CallbackController(released.wait if blocks else int, 1)
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: net_report_of(net).hindrance is Hindrance.REPLACEMENT, what="it says so")
    assert net_report_of(net).state is RecyclerState.WAITING
    assert "is still here" in net_report_of(net).because
    assert desk.standing.ready == 0
    wait_until(lambda: "gave the turn back" in desk.calls, what="others may go")
    released.set()
    assert exit_of(net).reason is ExitReason.RECYCLED


def test_the_clock_on_the_wall_may_jump(
    desk: RecyclerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumping = cycle([0.0, 4e9])
    monkeypatch.setattr(time, "time", lambda: next(jumping))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(jumping)) * 10**9)
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in desk.calls, what="it stops")
    assert net_report_of(net).recycled == 1
    exit_of(net)


def test_a_worker_below_its_limit_watches(desk: RecyclerHarness) -> None:
    net = desk.start(UNREACHABLE_LIMIT)
    wait_until(lambda: desk.standing.ready == 1, what="it is ready")
    assert net_report_of(net).state is RecyclerState.WATCHING
    assert exit_of(net).reason is ExitReason.TERMINATED
    assert desk.standing.ready == 0
    assert desk.calls == []


def test_a_worker_that_others_wait_for_stays(desk: RecyclerHarness, tmp_path: Path) -> None:
    desk.coordinator = open_host_coordinator(POST._replace(expected_workers=2), [tmp_path])
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: net_report_of(net).hindrance is Hindrance.SIBLINGS, what="it waits")
    assert net_report_of(net).state is RecyclerState.WAITING
    exit_of(net)
    assert desk.calls == []


def test_a_worker_that_nothing_replaces_says_so_once(
    desk: RecyclerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    desk.controller = UnsupportedController()
    with caplog.at_level(logging.WARNING, "bugsly"):
        net = desk.start(REACHED_LIMIT)
        wait_until(lambda: net_report_of(net).hindrance is Hindrance.UNSUPPORTED, what="it says so")
    exit_of(net)
    assert [one.getMessage() for one in caplog.records] == [
        (
            "recycling: nothing is known here that replaces a worker"
            " → serve the app with Gunicorn, or call bugsly.recycle_by"
        )
    ]


def test_where_workers_cannot_take_turns_none_is_recycled(desk: RecyclerHarness) -> None:
    desk.coordinator = None
    net = desk.start(REACHED_LIMIT)
    wait_until(lambda: net_report_of(net).hindrance is Hindrance.UNSUPPORTED, what="it says so")
    assert net_report_of(net).because.endswith("→ let /dev/shm be writable")
    exit_of(net)
    assert desk.calls == []


def test_a_worker_told_to_leave_by_others_is_not_ready(desk: RecyclerHarness) -> None:
    serving = [True]
    desk.controller.is_serving = serving.__len__
    net = desk.start(UNREACHABLE_LIMIT)
    wait_until(lambda: desk.standing.ready == 1, what="it is ready")
    serving.clear()
    wait_until(lambda: desk.standing.ready == 0, what="it is not, any more")
    exit_of(net)


def test_a_worker_under_another_server_leaves_as_the_user_says(desk: RecyclerHarness) -> None:
    desk.controller = CallbackController(lambda: desk.calls.append("left"), 1)
    desk.start(REACHED_LIMIT)
    wait_until(lambda: "left" in desk.calls, what="it is asked to leave")
    assert desk.calls == ["last words, 1 ready", "left"]
