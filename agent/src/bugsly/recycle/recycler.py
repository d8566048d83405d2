"""Checks every second whether this worker should be recycled, and recycles it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from bugsly.app_code import app_modules, short_path
from bugsly.probes import process
from bugsly.probes.memory_limit import read_headroom
from bugsly.protocol.memory import ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly.recycle import forecast, policy
from bugsly.recycle.daily_recycles import DailyRecycles
from bugsly.recycle.host_coordinator import host_clock, open_host_coordinator
from bugsly.recycle.policy import (
    HindranceReport,
    RecycleConditions,
    RecycleRules,
    another_worker_leaving,
    find_hindrance,
    find_recycle_reason,
    stuck_worker,
    unsupported_worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.protocol.memory import Exit
    from bugsly.recycle.host_coordinator import HostCoordinator
    from bugsly.recycle.ports import RecyclingAgent, RecyclingSettings
    from bugsly.recycle.worker_controller import WorkerController

LOG = logging.getLogger("bugsly")
CHECK_INTERVAL_SECONDS = 1.0
DRAIN_SECONDS = 30.0
"""Seconds that leaving and starting a replacement may take, the grace of requests aside."""
CLOSE_DELAY_SECONDS = 0.5
"""Seconds by which a server may be late to close an idle connection."""
GRACEFUL_REASONS = frozenset({ExitReason.FINISHED, ExitReason.TERMINATED, ExitReason.MAX_REQUESTS})
POLL_SECONDS = 0.05
TEMPORARY_HINDRANCES = frozenset({Hindrance.YOUNG, Hindrance.SIBLINGS, Hindrance.TURN})
NO_SHARED_FOLDER = (
    "there is no folder the workers can write to, and without one two might leave at once"
    " → let /dev/shm be writable"
)


class Recycler:
    """Lets this worker leave at its threshold, once its siblings can do without it."""

    def __init__(
        self, agent: RecyclingAgent, controller: WorkerController, settings: RecyclingSettings
    ) -> None:
        self._agent = agent
        self._controller = controller
        self._settings = settings
        self._started_at = self._last_busy_at = monotonic()
        self._requests_seen = 0
        self._initial_memory = 0
        self._readings: deque[forecast.MemoryReading] = deque(maxlen=forecast.MAX_READINGS)
        self._forecast: forecast.ExhaustionForecast | None = None
        self._loaded_files: dict[str, tuple[int, int]] = {}
        self._rules = RecycleRules(limit_bytes=0, min_age_seconds=0, max_per_hour=0)
        self._hindrance: HindranceReport | None = None
        self._logged_hindrances: set[Hindrance] = set()
        self._coordinator: HostCoordinator | None = None
        self._daily_recycles: DailyRecycles | None = None
        self._guard = agent.guards("net")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bugsly-recycler", daemon=True)

    def start(self) -> None:
        """Start to check."""
        self._thread.start()

    def stop(self, worker_exit: Exit) -> Exit:
        """Stop checking; return *worker_exit*, as RECYCLED where this worker left for that."""
        self._close()
        if self._agent.recycle_reason and worker_exit.reason in GRACEFUL_REASONS:
            return replace(
                worker_exit, reason=ExitReason.RECYCLED, because=self._agent.recycle_reason
            )
        return worker_exit

    def _close(self) -> None:
        self._closing.set()
        if self._coordinator is not None:
            self._coordinator.clear_ready()
            self._coordinator.release_lock()

    def report(self) -> RecyclerReport | None:
        """Return its state for the next report, None before the limit is known."""
        if not self._rules.limit_bytes:
            return None
        coordinator, hindrance = self._coordinator, self._hindrance
        recycled = 0 if coordinator is None else len(coordinator.recent_departures())
        default_state = (
            RecyclerState.LEAVING if self._agent.recycle_reason else RecyclerState.WATCHING
        )
        return RecyclerReport(
            at=self._rules.limit_bytes,
            state=default_state if hindrance is None else RecyclerState.WAITING,
            because=self._agent.recycle_reason if hindrance is None else hindrance.reason,
            hindrance=None if hindrance is None else hindrance.kind,
            recycled=recycled,
            recycled_today=0 if self._daily_recycles is None else self._daily_recycles.count(),
        )

    def _run(self) -> None:
        can_recycle = False
        with self._guard:
            can_recycle = self._prepare()
        while can_recycle and not (
            self._closing.wait(CHECK_INTERVAL_SECONDS) or self._agent.recycle_reason
        ):
            with self._guard:
                self._check()

    def _prepare(self) -> bool:
        """Mark this worker ready; return whether it can be recycled at all."""
        self._initial_memory = process.read_memory().anonymous
        self._rules = self._make_rules(read_headroom().limit)
        self._coordinator = open_host_coordinator(self._controller.slot)
        if self._coordinator is not None:
            self._daily_recycles = DailyRecycles(self._coordinator.folder, self._settings.group)
        if self._controller.unsupported_reason or self._coordinator is None:
            self._set_hindrance(
                unsupported_worker(self._controller.unsupported_reason or NO_SHARED_FOLDER)
            )
            return False
        if self._controller.reloads_code:
            files = [file for one in app_modules() if (file := vars(one).get("__file__"))]
            self._loaded_files = {file: stamp for file in files if (stamp := _file_stamp(file))}
        self._coordinator.mark_ready()
        return True

    def _check(self) -> None:
        assert self._coordinator is not None
        if not self._controller.is_serving():
            self._close()
            return
        memory = process.read_memory().anonymous
        memory_forecast = self._update_forecast(memory)
        self._note_traffic()
        reason = find_recycle_reason(
            memory, memory_forecast, DRAIN_SECONDS + self._controller.grace_seconds, self._rules
        )
        if not reason:
            self._set_hindrance(None)
            return
        hindrance = find_hindrance(self._conditions(), self._rules)
        if hindrance is None:
            if not self._coordinator.try_lock():
                hindrance = another_worker_leaving()
            elif (hindrance := find_hindrance(self._conditions(), self._rules)) is not None:
                self._coordinator.release_lock()
        self._set_hindrance(hindrance)
        if hindrance is None:
            self._recycle(reason)

    def _update_forecast(self, memory: int) -> forecast.ExhaustionForecast | None:
        at = monotonic()
        if not self._readings or at - self._readings[-1].at >= forecast.READING_INTERVAL_SECONDS:
            headroom = read_headroom()
            self._readings.append(forecast.MemoryReading(at, memory, headroom.used))
            self._rules = self._make_rules(headroom.limit)
            self._forecast = forecast.forecast_exhaustion(self._readings, headroom.limit)
        return self._forecast

    def _make_rules(self, limit: int) -> RecycleRules:
        expected_workers = self._controller.slot.expected_workers
        return RecycleRules(
            limit_bytes=self._settings.threshold.bytes_per_worker(limit, expected_workers),
            min_age_seconds=self._settings.min_age_seconds,
            max_per_hour=self._settings.max_per_hour,
        )

    def _note_traffic(self) -> None:
        """Note when a client may last have kept a connection open for another request."""
        traffic = self._agent.traffic
        if traffic.in_flight or traffic.requests != self._requests_seen:
            self._requests_seen, self._last_busy_at = traffic.requests, monotonic()

    def _conditions(self) -> RecycleConditions:
        assert self._coordinator is not None
        counts = self._coordinator.worker_counts()
        last_departure = self._coordinator.last_departure()
        return RecycleConditions(
            initial_memory=self._initial_memory,
            age_seconds=monotonic() - self._started_at,
            ready=counts.ready,
            expected=counts.expected,
            recycled=len(self._coordinator.recent_departures()),
            replacement_overdue=host_clock() - last_departure.left_at
            if last_departure and last_departure.replacement_due < host_clock()
            else None,
            is_other_master_replacing=self._coordinator.is_other_master_replacing(),
            changed_file=self._find_changed_file(),
        )

    def _find_changed_file(self) -> str:
        stamps = ((file, _file_stamp(file)) for file in self._loaded_files)
        return next(
            (short_path(file) for file, stamp in stamps if stamp != self._loaded_files[file]), ""
        )

    def _set_hindrance(self, hindrance: HindranceReport | None) -> None:
        """Keep *hindrance* for reports; log it once where it does not pass by itself."""
        self._hindrance = hindrance
        if (
            hindrance is not None
            and hindrance.kind not in TEMPORARY_HINDRANCES | self._logged_hindrances
        ):
            self._logged_hindrances.add(hindrance.kind)
            LOG.warning("%s", hindrance.reason)

    def _recycle(self, reason: str) -> None:
        """End this worker, whatever fails on the way; it holds the lock until then.

        If it does not end, it releases the lock for other masters; its siblings cannot leave.
        """
        watchdog = threading.Thread(
            target=self._watch_exit, name="bugsly-recycler-watchdog", daemon=True
        )
        with suppress(RuntimeError):  # no thread can be started
            watchdog.start()
        LOG.warning("recycling: %s → it leaves once its requests have ended", reason)
        self._agent.recycle_reason = reason
        try:
            self._wind_down()
        finally:
            self._controller.stop()

    def _watch_exit(self) -> None:
        """Report that this worker did not end by the time its replacement should be ready."""
        timeout = self._exit_timeout()
        if not self._closing.wait(timeout):
            with self._guard:
                self._set_hindrance(stuck_worker(timeout))
                self._close()

    def _exit_timeout(self) -> float:
        return (
            self._controller.keepalive_seconds
            + self._controller.grace_seconds
            + policy.REPLACEMENT_SECONDS
        )

    def _wind_down(self) -> None:
        """Flush while responses close their connections; then stop accepting and drain."""
        assert self._coordinator is not None
        assert self._daily_recycles is not None
        self._note_traffic()
        self._daily_recycles.record_departure()
        with suppress(OSError):  # the disk is full; which workers are ready is known all the same
            self._coordinator.record_departure(self._exit_timeout())
        self._agent.flush_before_exit()
        self._wait_until(
            self._controller.has_no_connections,
            self._last_busy_at + self._controller.keepalive_seconds + CLOSE_DELAY_SECONDS,
        )
        self._coordinator.clear_ready()
        self._controller.stop_accepting()
        self._wait_until(self._controller.is_drained, monotonic() + self._controller.grace_seconds)

    def _wait_until(self, condition: Callable[[], bool], deadline: float) -> None:
        while monotonic() < deadline and not condition():
            if self._closing.wait(POLL_SECONDS):
                return


def _file_stamp(file: str) -> tuple[int, int] | None:
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
