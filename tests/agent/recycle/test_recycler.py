"""The recycler of one worker, with a controller that records its calls."""

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
from bugsly.recycle import recycler as recycling
from bugsly.recycle.host_coordinator import (
    HostCoordinator,
    WorkerCounts,
    WorkerSlot,
    open_host_coordinator,
)
from bugsly.recycle.memory_threshold import MemoryThreshold
from bugsly.recycle.ports import RecyclingSettings
from bugsly.recycle.recycler import Recycler
from bugsly.recycle.worker_controller import CallbackController, UnsupportedController

FRESH_WORKER, OVER_LIMIT = 40_000_000, 120_000_000
REACHED_LIMIT = MemoryThreshold(size=100_000_000)
UNREACHABLE_LIMIT = MemoryThreshold(size=1 << 60)
UNSUPPORTED = Hindrance.UNSUPPORTED
SLOT = WorkerSlot("7", 1, 1)


class FakeWorkerController(UnsupportedController):
    """Records in *calls* what the recycler does with it; it is drained at the second look."""

    unsupported_reason = ""
    grace_seconds = 10.0

    def __init__(self, calls: list[str], worker_counts: Callable[[], WorkerCounts]) -> None:
        self._calls = calls
        self._worker_counts = worker_counts

    @property
    def slot(self) -> WorkerSlot:
        return SLOT

    def stop_accepting(self) -> None:
        self._calls.append(f"stop accepting, {self._worker_counts().ready} ready")

    def is_drained(self) -> bool:
        self._calls.append("drained?")
        return self._calls.count("drained?") == 2

    def stop(self) -> None:
        self._calls.append("stop")


class FlushingAgent(FakeAgent):
    """An agent that flushes by *flush* before its worker ends."""

    def __init__(self, flush: Callable[[], None]) -> None:
        super().__init__()
        self.flush_before_exit = flush


class RecyclerHarness:
    """A recycler, and all it touches."""

    def __init__(self, coordinator: HostCoordinator | None) -> None:
        self.calls: list[str] = []
        self.agent = FlushingAgent(self._record_flush)
        self.coordinator = coordinator
        self.controller: Any = FakeWorkerController(self.calls, lambda: self.worker_counts)

    @property
    def worker_counts(self) -> WorkerCounts:
        assert self.coordinator is not None
        return self.coordinator.worker_counts()

    def start(self, threshold: MemoryThreshold) -> Recycler:
        """Start a recycler, and return it when it knows its limit."""
        settings = RecyclingSettings(
            threshold=threshold, min_age_seconds=0, max_per_hour=20, group="shop test"
        )
        recycler = Recycler(self.agent, self.controller, settings)
        recycler.start()
        wait_until(recycler.report, what="it knows its limit")
        return recycler

    def _record_flush(self) -> None:
        self.calls.append(f"flush, {self.worker_counts.ready} ready")


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecyclerHarness:
    monkeypatch.setattr(recycling, "CHECK_INTERVAL_SECONDS", 0.01)
    readings = chain([FRESH_WORKER], repeat(OVER_LIMIT))
    monkeypatch.setattr(
        recycling,
        "process",
        SimpleNamespace(read_memory=lambda: SimpleNamespace(anonymous=next(readings))),
    )
    made = RecyclerHarness(open_host_coordinator(SLOT, [tmp_path]))
    monkeypatch.setattr(recycling, "open_host_coordinator", lambda _slot: made.coordinator)
    return made


def report_of(recycler: Recycler) -> RecyclerReport:
    report = recycler.report()
    assert report is not None
    return report


def exit_of(recycler: Recycler, reason: ExitReason = ExitReason.TERMINATED) -> Exit:
    return recycler.stop(Exit(worker="0" * 32, reason=reason))


def test_a_worker_flushes_then_stops_accepting_then_drains_then_stops(
    harness: RecyclerHarness,
) -> None:
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in harness.calls, what="it stops")
    assert harness.calls == [
        "flush, 1 ready",
        "stop accepting, 0 ready",
        "drained?",
        "drained?",
        "stop",
    ]
    report = report_of(recycler)
    assert (report.state, report.hindrance) == (RecyclerState.LEAVING, None)
    assert (report.recycled, report.recycled_today) == (1, 1)
    assert report.because.endswith("120 MB, passed 100 MB")
    assert exit_of(recycler).reason is ExitReason.RECYCLED
    assert exit_of(recycler).because == report.because


def test_a_worker_that_cannot_flush_stops_all_the_same(
    harness: RecyclerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no server today")

    monkeypatch.setenv("BUGSLY_STRICT", "0")
    harness.agent.flush_before_exit = fail
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: harness.calls == ["stop"], what="it stops")
    assert harness.agent.guards.failures == {"net": 1}
    exit_of(recycler)


def test_an_end_that_was_not_graceful_keeps_its_reason(harness: RecyclerHarness) -> None:
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in harness.calls, what="it stops")
    assert exit_of(recycler, ExitReason.TIMEOUT) == Exit(worker="0" * 32, reason=ExitReason.TIMEOUT)


@pytest.mark.parametrize("blocks", [False, True])
def test_a_worker_that_does_not_end_reports_that_and_lets_other_masters_recycle(
    blocks: bool,  # noqa: FBT001
    harness: RecyclerHarness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "REPLACEMENT_SECONDS", 0.05)
    monkeypatch.setattr(
        harness.coordinator, "release_lock", lambda: harness.calls.append("released the lock")
    )
    released = threading.Event()
    harness.controller = CallbackController(released.wait if blocks else int, 1)
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: report_of(recycler).hindrance is Hindrance.REPLACEMENT, what="the hindrance")
    assert report_of(recycler).state is RecyclerState.WAITING
    assert "is still here" in report_of(recycler).because
    assert harness.worker_counts.ready == 0
    wait_until(lambda: "released the lock" in harness.calls, what="others may leave")
    released.set()
    assert exit_of(recycler).reason is ExitReason.RECYCLED


def test_the_wall_clock_may_jump(harness: RecyclerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    jumping = cycle([0.0, 4e9])
    monkeypatch.setattr(time, "time", lambda: next(jumping))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(jumping)) * 10**9)
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: "stop" in harness.calls, what="it stops")
    assert report_of(recycler).recycled == 1
    exit_of(recycler)


def test_a_worker_below_its_limit_watches(harness: RecyclerHarness) -> None:
    recycler = harness.start(UNREACHABLE_LIMIT)
    wait_until(lambda: harness.worker_counts.ready == 1, what="it is ready")
    assert report_of(recycler).state is RecyclerState.WATCHING
    assert exit_of(recycler).reason is ExitReason.TERMINATED
    assert harness.worker_counts.ready == 0
    assert harness.calls == []


def test_a_worker_that_others_wait_for_stays(harness: RecyclerHarness, tmp_path: Path) -> None:
    harness.coordinator = open_host_coordinator(SLOT._replace(expected_workers=2), [tmp_path])
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: report_of(recycler).hindrance is Hindrance.SIBLINGS, what="it waits")
    assert report_of(recycler).state is RecyclerState.WAITING
    exit_of(recycler)
    assert harness.calls == []


def test_a_worker_that_nothing_replaces_logs_that_once(
    harness: RecyclerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.controller = UnsupportedController()
    with caplog.at_level(logging.WARNING, "bugsly"):
        recycler = harness.start(REACHED_LIMIT)
        wait_until(lambda: report_of(recycler).hindrance is UNSUPPORTED, what="the hindrance")
    exit_of(recycler)
    assert [one.getMessage() for one in caplog.records] == [
        (
            "recycling: nothing is known here that replaces a worker"
            " → serve the app with Gunicorn, or call bugsly.recycle_by"
        )
    ]


def test_where_workers_share_no_folder_none_is_recycled(harness: RecyclerHarness) -> None:
    harness.coordinator = None
    recycler = harness.start(REACHED_LIMIT)
    wait_until(lambda: report_of(recycler).hindrance is UNSUPPORTED, what="the hindrance")
    assert report_of(recycler).because.endswith("→ let /dev/shm be writable")
    exit_of(recycler)
    assert harness.calls == []


def test_a_worker_told_to_leave_by_others_is_not_ready(harness: RecyclerHarness) -> None:
    serving = [True]
    harness.controller.is_serving = serving.__len__
    recycler = harness.start(UNREACHABLE_LIMIT)
    wait_until(lambda: harness.worker_counts.ready == 1, what="it is ready")
    serving.clear()
    wait_until(lambda: harness.worker_counts.ready == 0, what="it is not ready")
    exit_of(recycler)


def test_a_worker_under_another_server_leaves_as_the_user_says(harness: RecyclerHarness) -> None:
    harness.controller = CallbackController(lambda: harness.calls.append("left"), 1)
    harness.start(REACHED_LIMIT)
    wait_until(lambda: "left" in harness.calls, what="it leaves")
    assert harness.calls == ["flush, 1 ready", "left"]
