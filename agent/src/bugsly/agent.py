"""The lifetime of the agent in one process: starts and stops its parts, replaces them in a fork."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from bugsly.probes.errors.error_reporter import AgentCallbacks
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.recycle.worker_controller import UnsupportedController
from bugsly.worker_identity import WorkerIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bugsly.guard import Guards
    from bugsly.integrations.ports import ServedApplication
    from bugsly.recycle.recycler import Recycler
    from bugsly.recycle.worker_controller import WorkerController
    from bugsly.sender import Sender
    from bugsly.settings import AgentSettings
    from bugsly.worker_parts import ListApplications, WorkerParts

    BuildParts = Callable[[AgentCallbacks, ListApplications], WorkerParts]

EXIT_SECONDS = 2.0
"""Seconds in which a worker reports before it exits; Gunicorn kills a second after an abort."""


class ErrorHook(Protocol):
    """Reports errors between `install` and `remove`."""

    def install(self) -> None:
        """Start to report."""

    def remove(self) -> None:
        """Restore what `install` replaced."""


class Agent:
    """Measures this process and reports it. Costs nothing until `start`, survives every fork."""

    def __init__(self, settings: AgentSettings, guards: Guards, build_parts: BuildParts) -> None:
        self.guards = guards
        self.request_guard = guards("request")
        self.reports_errors = settings.errors
        self.recycles_workers = settings.recycle_at is not None
        self.wsgi_apps: WeakSet[ServedApplication] = WeakSet()
        self.worker_controller: WorkerController = UnsupportedController()
        self._error_hooks: tuple[ErrorHook, ...] = ()
        self._build_parts = build_parts
        self._begin_process()
        os.register_at_fork(after_in_child=self.reset_after_fork)
        atexit.register(self.stop)

    def reset_after_fork(self) -> None:
        """Become the agent of a process that has reported nothing yet."""
        self.traffic.reset_lock()
        self.guards.failures.clear()
        self._begin_process()

    def _begin_process(self) -> None:
        self.running = False
        self.recycle_reason = ""
        self.recycler: Recycler | None = None
        self.identity = WorkerIdentity()
        self._started = False
        self._disabled = False
        self._sender: Sender | None = None
        self._start_lock = threading.Lock()
        callbacks = AgentCallbacks(
            self._can_report_errors, self._wake, lambda: self.identity.id if self.running else ""
        )
        self._parts = self._build_parts(callbacks, self._applications)
        self.traffic = self._parts.traffic
        self.survivors = self._parts.survivors
        self.pool = self._parts.pool
        self.error_reporter = self._parts.error_reporter

    def disable_in_master(self) -> None:
        """Report nothing from this process, a master, whatever it serves; its forks may start."""
        self._started = self._disabled = True

    def install_error_hooks(self, hooks: Iterable[ErrorHook]) -> None:
        """Report the errors that *hooks* catch in this process and in its forks, until `stop`."""
        self._error_hooks = tuple(hooks)
        for hook in self._error_hooks:
            hook.install()

    def start(self) -> None:
        """Start to sample and to send, once in the life of a process."""
        with self.guards("agent.start"):
            with self._start_lock:
                if self._started or self._disabled:
                    return
                self._started = True
            self._sampler = self._parts.build_sampler(self._wake)
            self.start_sender()
            self._sampler.start()
            self.running = True
            self.recycler = self._parts.build_recycler(self, self.worker_controller)
            if self.recycler is not None:
                self.recycler.start()

    def start_sender(self) -> bool:
        """Start to send, once, also in a process that serves nothing; return whether it may."""
        with self._start_lock:
            if self._sender is None and not self._disabled:
                self._sender = self._parts.build_sender(self.identity, self._encode_report)
                self._sender.start()
            return not self._disabled

    def put_facts(self, facts: Mapping[str, int]) -> None:
        """Report *facts* of this process with the next samples."""
        self._parts.outbox.evidence.put_facts(facts)

    def report_exit(self, worker_exit: Exit) -> None:
        """Report the end of a sibling that could not report it."""
        self._parts.outbox.put_exit(worker_exit)

    def flush(self, timeout: float) -> bool:
        """Return whether the server acknowledged all that waited within *timeout* seconds."""
        return self._sender is None or self._sender.flush(timeout)

    def flush_before_exit(self) -> None:
        """Send what is known of this worker to the server, while the worker still serves."""
        self._parts.put_final_snapshot()
        self._sampler.sample_now(EXIT_SECONDS / 2)
        self.flush(EXIT_SECONDS / 2)

    def stop(self, reason: ExitReason = ExitReason.FINISHED, code: int = 0) -> None:
        """Report the end of this worker for *reason*, with a last sample, and send once more."""
        with self.guards("agent.stop"):
            for hook in self._error_hooks:
                hook.remove()
            if self.running:
                self.running = False
                worker_exit = Exit(worker=self.identity.id, reason=reason, code=code)
                self.report_exit(
                    worker_exit if self.recycler is None else self.recycler.stop(worker_exit)
                )
                self._parts.close_probes()
                self._sampler.close(EXIT_SECONDS / 4)
            was_disabled, self._disabled = self._disabled, True
            if self._sender is not None and not was_disabled:
                self._sender.close(EXIT_SECONDS)

    def _can_report_errors(self) -> bool:
        return self.reports_errors and self.start_sender()

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()

    def _applications(self) -> list[object]:
        return [one.application for one in self.wsgi_apps]

    def _encode_report(self, samples: Iterable[bytes], exits: Iterable[Exit]) -> bytes:
        """Return the next report; nothing for a process that only had an error."""
        if not self._started and not exits:
            return b""
        recycler = None if self.recycler is None else self.recycler.report()
        return self._parts.encode_report(self.identity, samples, exits, recycler)
