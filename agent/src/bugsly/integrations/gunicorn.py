"""Follows Gunicorn's workers through its server hooks, and keeps the user's own hooks.

The master runs no thread and opens no socket for us. How a worker died only the master knows: it
keeps that in a list, which the next worker it forks inherits and reports.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bugsly.integrations.gunicorn_exits import (
    caller_frames,
    classify_exit,
    exit_code,
    reaped_wait_status,
)
from bugsly.integrations.gunicorn_recycling import GunicornWorkerController, prevent_gunicorn_halt
from bugsly.integrations.import_hooks import when_imported
from bugsly.integrations.wsgi import WsgiMiddleware
from bugsly.probes.memory_limit import read_headroom
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.worker_identity import WorkerIdentity

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bugsly.integrations.ports import GunicornAgent

    Hook = Callable[..., object]

WSGI_WORKERS = frozenset(
    {
        ("gunicorn.workers.sync", "SyncWorker"),
        ("gunicorn.workers.gthread", "ThreadWorker"),
        ("gunicorn.workers.base_async", "AsyncWorker"),
    }
)
MAX_REMEMBERED_EXITS = 16
"""Exits of workers that the master keeps for the next worker it forks."""


def _find_arbiter_or_worker() -> Any:
    """Return the arbiter or the worker that is loading the application now, if any.

    Both load it in a method of theirs, so they are on the stack.
    """
    arbiter = sys.modules.get("gunicorn.arbiter")
    base = sys.modules.get("gunicorn.workers.base")
    if arbiter is None or base is None:
        return None
    kinds = (base.Worker, arbiter.Arbiter)
    owners = (frame.f_locals.get("self") for frame in caller_frames())
    return next((owner for owner in owners if issubclass(type(owner), kinds)), None)


class GunicornHooks:
    """Our hooks in one master, or in one worker of a master without them."""

    def __init__(self, agent: GunicornAgent) -> None:
        self._agent = agent
        self._installed = False
        self._generation = -1
        self._exits_to_report: list[Exit] = []
        self._oom_kills = 0
        self._exit_reason: ExitReason | None = None

    def install(self) -> None:
        """Follow the Gunicorn of this process: the one that is running, or the next that starts."""
        arbiter_or_worker = _find_arbiter_or_worker()
        if arbiter_or_worker is not None and not hasattr(arbiter_or_worker, "WORKERS"):
            self.hook_worker(arbiter_or_worker)
            return
        if arbiter_or_worker is not None:
            self.hook_master(arbiter_or_worker)
        if not self._installed:
            self._installed = True
            guard = self._agent.guards("gunicorn.install")
            when_imported("gunicorn.arbiter", self._hook_setup, guard)

    def _hook_setup(self, module: ModuleType) -> None:
        """Follow the arbiter as soon as it has read its configuration, and again after each HUP.

        Arbiter.setup is the same in Gunicorn 19 to 27, and the only step between reading
        gunicorn.conf.py and the first fork that calls no hook of the user.
        """
        guard = self._agent.guards("gunicorn.follow")
        setup = module.Arbiter.setup

        @functools.wraps(setup)
        def setup_and_hook(arbiter: Any, app: Any) -> None:
            setup(arbiter, app)
            with guard:
                self.hook_master(arbiter)

        module.Arbiter.setup = setup_and_hook

    def hook_master(self, arbiter: Any) -> None:
        """Add our hooks to the configuration of *arbiter*, which every HUP replaces."""
        cfg = arbiter.cfg
        if _is_hooked(cfg):
            return
        self._agent.disable_in_master()
        self._generation += 1
        self._oom_kills = read_headroom().oom_kills
        self._prepend_hook(cfg, "pre_fork", self._pre_fork)
        self._prepend_hook(cfg, "post_fork", self._post_fork)
        self._append_hook(cfg, "child_exit", self._child_exit)
        self._hook_worker_config(cfg)

    def hook_worker(self, worker: Any) -> None:
        """Add our hooks to the configuration of one worker, which loads the application itself."""
        if _is_hooked(worker.cfg):
            return
        self._hook_worker_config(worker.cfg)
        self._agent.identity = WorkerIdentity(parent=worker.ppid, number=worker.age)

    def _hook_worker_config(self, cfg: Any) -> None:
        self._append_hook(cfg, "post_worker_init", self._post_worker_init)
        self._prepend_hook(cfg, "worker_int", self._worker_int)
        self._prepend_hook(cfg, "worker_abort", self._worker_abort)
        self._append_hook(cfg, "worker_exit", self._worker_exit)

    def _prepend_hook(self, cfg: Any, name: str, our_hook: Hook) -> None:
        users_hook, guard = getattr(cfg, name), self._agent.guards(f"gunicorn.{name}")

        @functools.wraps(users_hook)
        def hook(*args: Any) -> Any:
            with guard:
                our_hook(*args)
            return users_hook(*args)

        _set_hook(cfg, name, hook)

    def _append_hook(self, cfg: Any, name: str, our_hook: Hook) -> None:
        users_hook, guard = getattr(cfg, name), self._agent.guards(f"gunicorn.{name}")

        @functools.wraps(users_hook)
        def hook(*args: Any) -> Any:
            try:
                return users_hook(*args)
            finally:
                with guard:
                    our_hook(*args)

        _set_hook(cfg, name, hook)

    def _pre_fork(self, arbiter: Any, worker: Any) -> None:
        worker.bugsly_identity = WorkerIdentity(
            parent=arbiter.pid, number=worker.age, generation=self._generation
        )

    def _post_fork(self, _arbiter: Any, worker: Any) -> None:
        self._agent.identity = worker.bugsly_identity
        for worker_exit in self._exits_to_report:
            self._agent.report_exit(worker_exit)

    def _post_worker_init(self, worker: Any) -> None:
        from gunicorn import __version__

        server = f"gunicorn {__version__} {worker.cfg.worker_class_str}"
        self._agent.identity = replace(self._agent.identity, server=server)
        if _is_wsgi_worker(worker) and not isinstance(worker.wsgi, WsgiMiddleware):
            worker.wsgi = WsgiMiddleware(worker.wsgi, self._agent)
        self._agent.worker_controller = GunicornWorkerController(worker)
        self._agent.start()
        names = ("max_requests", "max_requests_jitter")
        self._agent.put_facts({name: getattr(worker.cfg, name) for name in names})

    def _worker_int(self, _worker: Any) -> None:
        self._exit_reason = ExitReason.QUIT

    def _worker_abort(self, _worker: Any) -> None:
        # Gunicorn ends the request it is in before it exits.
        self._agent.traffic.in_flight_requests.freeze()
        self._exit_reason = ExitReason.TIMEOUT

    def _worker_exit(self, _arbiter: Any, worker: Any) -> None:
        code = exit_code(sys.exc_info()[1])
        if self._exit_reason is not None:
            self._agent.stop(self._exit_reason)
        elif code:
            self._agent.stop(ExitReason.CRASHED, code)
        elif worker.nr >= worker.max_requests:
            self._agent.stop(ExitReason.MAX_REQUESTS)
        elif os.getppid() != worker.ppid:
            self._agent.stop(ExitReason.ORPHANED)
        else:
            self._agent.stop(ExitReason.TERMINATED)
        if self._agent.recycles_workers:
            prevent_gunicorn_halt(worker, code)
        if self._agent.recycle_reason and self._agent.traffic.in_flight:
            os._exit(0)  # grace is over, and Python would wait for the threads that still serve

    def _child_exit(self, _arbiter: Any, worker: Any) -> None:
        if not hasattr(worker, "bugsly_identity"):  # forked before the master had our hooks
            return
        identity, oom_kills = worker.bugsly_identity, read_headroom().oom_kills
        worker_exit = classify_exit(
            identity.id,
            status=reaped_wait_status(),
            aborted=worker.aborted,
            oom_kills=oom_kills - self._oom_kills,
        )
        self._oom_kills = oom_kills
        if worker_exit is not None:
            proven_exit = replace(worker_exit, secret=identity.secret)
            self._exits_to_report = [*self._exits_to_report, proven_exit][-MAX_REMEMBERED_EXITS:]


def _is_wsgi_worker(worker: Any) -> bool:
    """Return whether *worker* calls its application by WSGI, PEP 3333.

    Subclasses of Gunicorn's own three do; the workers of tornado, uvicorn and aiohttp do not.
    """
    kinds = {(kind.__module__, kind.__name__) for kind in type(worker).__mro__}
    return not kinds.isdisjoint(WSGI_WORKERS)


def _is_hooked(cfg: Any) -> bool:
    return hasattr(cfg.worker_exit, "bugsly")


def _set_hook(cfg: Any, name: str, hook: Any) -> None:
    hook.bugsly = True
    cfg.set(name, hook)
