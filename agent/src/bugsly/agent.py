"""Owns the parts of the agent and their lifetime: one agent a process, begun after the fork."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from bugsly.guard import Guards
from bugsly.integrations import flask, sqlalchemy
from bugsly.integrations.excepthook import UncaughtErrorHook
from bugsly.integrations.gunicorn import GunicornHooks
from bugsly.integrations.logging_hook import LoggingErrorHook
from bugsly.integrations.wsgi import CURRENT_REQUEST, WsgiMiddleware
from bugsly.outbox import Outbox
from bugsly.probe_requests import ProbeRunner
from bugsly.probes.allocation_window import AllocationWindowProbe
from bugsly.probes.census import Census, CensusSchedule
from bugsly.probes.census.census_roots import applications_by_name
from bugsly.probes.connection_pool import PoolProbe
from bugsly.probes.counted_holders import rising_count_probes
from bugsly.probes.errors import ErrorReporter
from bugsly.probes.errors.error_reporter import AgentCallbacks
from bugsly.probes.errors.event_encoder import encode_without_secrets
from bugsly.probes.errors.scope import ScopeFinder
from bugsly.probes.heap_probe import HeapProbe
from bugsly.probes.holder_registry import HolderRegistry
from bugsly.probes.malloc_trim import trim_memory
from bugsly.probes.source_reader import read_sources
from bugsly.probes.surviving_requests import MAX_PENDING_SECONDS, SurvivingRequests
from bugsly.probes.traffic import TrafficProbe
from bugsly.protocol.memory import Exit, ExitReason, encode_report
from bugsly.recycle.recycler import Recycler
from bugsly.recycle.worker_controller import CallbackController, UnsupportedController
from bugsly.sampler import Sampler, SamplerProbes
from bugsly.sender import Sender, SenderCallbacks
from bugsly.setting_fields import InvalidSetting
from bugsly.settings import load_agent_settings
from bugsly.worker_identity import WorkerIdentity, describe_worker, event_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication

    from bugsly.probe_requests import ExpensiveProbe
    from bugsly.probes.holder_registry import HolderProbe
    from bugsly.protocol.event import CapturedEvent
    from bugsly.protocol.evidence import ProbeRequest, ProbeResult
    from bugsly.recycle.worker_controller import WorkerController
    from bugsly.settings import AgentSettings

LOG = logging.getLogger("bugsly")
MIN_SURVIVED_SAMPLES = 5
"""After which a request that is still alive is told, where samples are taken often."""
EXIT_SECONDS = 2.0
"""Seconds a leaving worker may take for its last words; Gunicorn kills a second after an abort."""


class Agent:
    """Measures this process and reports it. Costs nothing until `start`, survives every fork."""

    def __init__(self, settings: AgentSettings) -> None:
        self.settings = settings
        self.guards = Guards()
        self.request_guard = self.guards("request")
        self.gunicorn_hooks = GunicornHooks(self)
        self.wsgi_apps: WeakSet[WsgiMiddleware] = WeakSet()
        self.error_hooks = (
            flask.FlaskErrorHook(self),
            UncaughtErrorHook(self),
            LoggingErrorHook(self),
        )
        self.traffic = TrafficProbe()
        self.worker_controller: WorkerController = UnsupportedController()
        self.reset_after_fork()
        os.register_at_fork(after_in_child=self.reset_after_fork)
        atexit.register(self.stop)

    def reset_after_fork(self) -> None:
        """Become the agent of a process that has said nothing yet, as after a fork."""
        self.running = False
        self.recycle_reason = ""
        self.recycler: Recycler | None = None
        self.identity = WorkerIdentity()
        self.traffic.reset_lock()
        self.traffic = TrafficProbe()
        self._window_probe = AllocationWindowProbe(self.traffic)
        self._heap_probe = HeapProbe(self.traffic, self._applications)
        self.survivors = SurvivingRequests(
            min(MAX_PENDING_SECONDS, MIN_SURVIVED_SAMPLES * self.settings.sample_every)
        )
        self.pool = PoolProbe()
        self.guards.failures.clear()
        self._started = False
        self._disabled = False
        self._sender: Sender | None = None
        self._start_lock = threading.Lock()
        self._outbox = Outbox()
        self.put_facts = self._outbox.evidence.put_facts
        self.error_reporter: ErrorReporter = ErrorReporter(
            self._outbox.events,
            ScopeFinder(CURRENT_REQUEST.get),
            AgentCallbacks(
                self._can_report_errors,
                self._wake,
                lambda: self.identity.id if self.running else "",
            ),
            self.guards("errors"),
            send_locals=self.settings.send_locals,
        )

    def disable_in_master(self) -> None:
        """Stay silent in this process, a master, whatever it serves; its forks may start."""
        self._started = self._disabled = True

    def install_error_hooks(self) -> None:
        """Hear of the errors of this process and of its forks, unless that is switched off."""
        if self.settings.errors:
            for hook in self.error_hooks:
                hook.install()

    def start(self) -> None:
        """Begin to sample and to send, once in the life of a process."""
        with self.guards("agent.start"):
            with self._start_lock:
                if self._started or self._disabled:
                    return
                self._started = True
            self._sampler = Sampler(
                self.settings.sample_every, self._probes(), self._outbox, self._wake, self.guards
            )
            self.start_sender()
            self._sampler.start()
            self.running = True
            if self.settings.recycle_at is not None:
                self.recycler = Recycler(self, self.worker_controller, self.settings.recycle_at)
                self.recycler.start()

    def start_sender(self) -> bool:
        """Begin to send, once, also in a process that serves nothing; return whether it may."""
        with self._start_lock:
            if self._sender is None and not self._disabled:
                probe_runner = ProbeRunner(
                    self._expensive_probes(), self._outbox.evidence, self.guards
                )
                self._sender = Sender(
                    self.settings.dsn,
                    self._outbox,
                    SenderCallbacks(self._encode_report, self._encode_event, probe_runner.put),
                    self.guards("sender"),
                    self.identity.id,
                )
                self._sender.start()
            return not self._disabled

    def _can_report_errors(self) -> bool:
        return self.settings.errors and self.start_sender()

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()

    def _probes(self) -> SamplerProbes:
        census = Census(self._applications)
        probes: dict[str, HolderProbe] = {
            "census": census,
            "pool": self.pool,
            "survivors": self.survivors,
        }
        holders = HolderRegistry(probes | rising_count_probes(self.guards), self.guards)
        return SamplerProbes(
            self.traffic, holders, CensusSchedule(census, self.settings.sample_every)
        )

    def report_exit(self, worker_exit: Exit) -> None:
        """Report the end of a sibling that could not do so itself."""
        self._outbox.put_exit(worker_exit)

    def flush(self, timeout: float) -> bool:
        """Return whether all that waited was acknowledged within *timeout* seconds."""
        return self._sender is None or self._sender.flush(timeout)

    def flush_before_exit(self) -> None:
        """Bring what is known of this worker now to the server, while it still serves."""
        with self.guards("heap.part"):
            self._outbox.evidence.put_final_snapshot(self._heap_probe.take_final_snapshot())
        self._sampler.sample_now(EXIT_SECONDS / 2)
        self.flush(EXIT_SECONDS / 2)

    def stop(self, reason: ExitReason = ExitReason.FINISHED, code: int = 0) -> None:
        """Say goodbye for *reason*: a last sample and one attempt to send, then silence."""
        with self.guards("agent.stop"):
            for hook in self.error_hooks:
                hook.remove()
            if self.running:
                self.running = False
                worker_exit = Exit(worker=self.identity.id, reason=reason, code=code)
                self._outbox.put_exit(
                    worker_exit if self.recycler is None else self.recycler.stop(worker_exit)
                )
                self._window_probe.close()
                self._heap_probe.close()
                self._sampler.close(EXIT_SECONDS / 4)
            was_disabled, self._disabled = self._disabled, True
            if self._sender is not None and not was_disabled:
                self._sender.close(EXIT_SECONDS)

    def _encode_event(self, event: CapturedEvent) -> bytes | None:
        with self.guards("errors.finish"):
            return encode_without_secrets(event, event_origin(self.settings))
        return None

    def _expensive_probes(self) -> dict[str, ExpensiveProbe]:
        """Return what is done when the server asks for it, and not otherwise."""
        return {
            "source": self._read_sources,
            "trim": trim_memory,
            "window": self._window_probe.trace_window,
            "heap": self._heap_probe.compare_snapshots,
        }

    def _read_sources(self, request: ProbeRequest) -> ProbeResult:
        return read_sources(request, applications_by_name(self._applications()).values())

    def _applications(self) -> list[object]:
        return [one.application for one in self.wsgi_apps]

    def _encode_report(self, samples: Iterable[bytes], exits: Iterable[Exit]) -> bytes:
        """Return what this worker says; nothing in a process that only had an error."""
        if not self._started and not exits:
            return b""
        failures = dict(self.guards.failures)
        lost = {f"failed in {place}": count for place, count in failures.items()}
        lost["samples dropped, outbox full"] = self._outbox.dropped
        lost["samples refused by the server"] = self._sender.refused if self._sender else 0
        lost["errors held back, too many at once"] = self.error_reporter.rate_limited
        lost["errors dropped, outbox full"] = self._outbox.events.dropped
        lost["errors refused by the server"] = self._outbox.events.refused
        return encode_report(
            describe_worker(self.identity, self.settings),
            samples,
            exits,
            {why: count for why, count in lost.items() if count},
            self._outbox.evidence.peek(),
            None if self.recycler is None else self.recycler.report(),
        )


_agent: Agent | None = None
_logged_problems: set[str] = set()


def current() -> Agent | None:
    """Return the agent of this process, None before `init` or without a DSN."""
    return _agent


def init(app: object | None, arguments: dict[str, str]) -> None:
    """Make the agent of this process unless there is one, and let it watch *app* and Gunicorn."""
    agent = _get_or_create(arguments)
    if agent is None:
        return
    if app is not None:
        with agent.guards("flask.install"):
            flask.install(app, agent)
    with agent.guards("gunicorn.install"):
        agent.gunicorn_hooks.install()


def wrap(application: WSGIApplication) -> WSGIApplication:
    """Return *application* counted by the agent of this process, itself when there is none."""
    init(None, {})
    return application if _agent is None else WsgiMiddleware(application, _agent)


def recycle_by(leave: Callable[[], object], workers: int) -> None:
    """Let the agent of this process end it by *leave*."""
    init(None, {})
    if _agent is not None:
        _agent.worker_controller = CallbackController(leave, workers)


def auto_instrument() -> None:
    """Do what `init` does for an app whose code knows nothing of us, as under `bugsly run`."""
    if _agent is not None:
        return
    init(None, {})
    agent = current()
    if agent is not None:
        flask.watch_all_apps(agent)


def _get_or_create(arguments: dict[str, str]) -> Agent | None:
    global _agent  # noqa: PLW0603 - one agent per process is what the word means
    if _agent is None:
        try:
            settings = load_agent_settings(arguments, os.environ)
        except InvalidSetting as error:
            _warn_once(f"{error}; the app runs unwatched")
            return None
        _agent = None if settings is None else Agent(settings)
        if _agent is not None:
            sqlalchemy.watch_pools(_agent)
            _agent.install_error_hooks()
    return _agent


def _warn_once(problem: str) -> None:
    """Log *problem* the first time: init may be called for many apps with one wrong setting."""
    if problem not in _logged_problems:
        _logged_problems.add(problem)
        LOG.warning("%s", problem)
