"""Follows the life of Gunicorn's workers through its server hooks, the user's own kept.

The master runs no thread and opens no socket for us. What it alone can know, how a worker died,
it keeps in a list, and the next worker it forks finds that list in its memory and reports it.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bugsly.integrations.exits import callers, exit_code, judge_exit, status_of_reaped
from bugsly.integrations.imports import when_imported
from bugsly.integrations.leaving import GunicornWay, spare_siblings
from bugsly.integrations.wsgi import Wsgi
from bugsly.place import Place, new_id
from bugsly.probes.limit import read_headroom
from bugsly.protocol.memory import Exit, ExitReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bugsly.agent import Agent

    Hook = Callable[..., object]

WSGI_WORKERS = frozenset(
    {
        ("gunicorn.workers.sync", "SyncWorker"),
        ("gunicorn.workers.gthread", "ThreadWorker"),
        ("gunicorn.workers.base_async", "AsyncWorker"),
    }
)
NOTES = 16
"""How many deaths the master remembers for the next worker it forks."""


def _running() -> Any:
    """Return the arbiter or the worker that is loading the application now, if any.

    Both load it from a method of theirs, so they stand on the stack below us.
    """
    arbiter = sys.modules.get("gunicorn.arbiter")
    base = sys.modules.get("gunicorn.workers.base")
    if arbiter is None or base is None:
        return None
    kinds = (base.Worker, arbiter.Arbiter)
    owners = (frame.f_locals.get("self") for frame in callers())
    return next((owner for owner in owners if issubclass(type(owner), kinds)), None)


class Lifecycle:
    """Our hooks in one master, or in one worker whose master does not know us."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._installed = False
        self._generation = -1
        self._notes: list[Exit] = []
        self._oom_kills = 0
        self._leaving: ExitReason | None = None

    def install(self) -> None:
        """Follow the Gunicorn of this process: the one running now, or the one to be started."""
        found = _running()
        if found is not None and not hasattr(found, "WORKERS"):
            self.follow_worker(found)
            return
        if found is not None:
            self.follow_master(found)
        if not self._installed:
            self._installed = True
            guard = self._agent.guards("gunicorn.install")
            when_imported("gunicorn.arbiter", self._follow_setup, guard)

    def _follow_setup(self, module: ModuleType) -> None:
        """Follow the arbiter from the moment its configuration is read, and again after each HUP.

        Arbiter.setup is the same in Gunicorn 19 to 27, and the only place between the reading
        of gunicorn.conf.py and the first fork where no hook of the user's is called.
        """
        guard = self._agent.guards("gunicorn.follow")
        setup = module.Arbiter.setup

        @functools.wraps(setup)
        def setup_and_follow(arbiter: Any, app: Any) -> None:
            setup(arbiter, app)
            with guard:
                self.follow_master(arbiter)

        module.Arbiter.setup = setup_and_follow

    def follow_master(self, arbiter: Any) -> None:
        """Add our hooks to the configuration of *arbiter*, which every HUP makes anew."""
        cfg = arbiter.cfg
        if _is_followed(cfg):
            return
        self._agent.hold()
        self._generation += 1
        self._oom_kills = read_headroom().oom_kills
        self._before(cfg, "pre_fork", self._pre_fork)
        self._before(cfg, "post_fork", self._post_fork)
        self._after(cfg, "child_exit", self._child_exit)
        self._follow_in_worker(cfg)

    def follow_worker(self, worker: Any) -> None:
        """Add our hooks inside one worker, for an application that is not preloaded."""
        if _is_followed(worker.cfg):
            return
        self._follow_in_worker(worker.cfg)
        self._agent.place = Place(parent=worker.ppid, number=worker.age)

    def _follow_in_worker(self, cfg: Any) -> None:
        self._after(cfg, "post_worker_init", self._post_worker_init)
        self._before(cfg, "worker_int", self._worker_int)
        self._before(cfg, "worker_abort", self._worker_abort)
        self._after(cfg, "worker_exit", self._worker_exit)

    def _before(self, cfg: Any, name: str, ours: Hook) -> None:
        theirs, guard = getattr(cfg, name), self._agent.guards(f"gunicorn.{name}")

        @functools.wraps(theirs)
        def hook(*args: Any) -> Any:
            with guard:
                ours(*args)
            return theirs(*args)

        _set(cfg, name, hook)

    def _after(self, cfg: Any, name: str, ours: Hook) -> None:
        theirs, guard = getattr(cfg, name), self._agent.guards(f"gunicorn.{name}")

        @functools.wraps(theirs)
        def hook(*args: Any) -> Any:
            try:
                return theirs(*args)
            finally:
                with guard:
                    ours(*args)

        _set(cfg, name, hook)

    def _pre_fork(self, _arbiter: Any, worker: Any) -> None:
        worker.bugsly_id = new_id()

    def _post_fork(self, arbiter: Any, worker: Any) -> None:
        self._agent.place = Place(
            id=worker.bugsly_id,
            parent=arbiter.pid,
            number=worker.age,
            generation=self._generation,
        )
        for note in self._notes:
            self._agent.report_exit(note)

    def _post_worker_init(self, worker: Any) -> None:
        from gunicorn import __version__

        server = f"gunicorn {__version__} {worker.cfg.worker_class_str}"
        self._agent.place = replace(self._agent.place, server=server)
        if _speaks_wsgi(worker) and not isinstance(worker.wsgi, Wsgi):
            worker.wsgi = Wsgi(worker.wsgi, self._agent)
        self._agent.way = GunicornWay(worker)
        self._agent.start()
        names = ("max_requests", "max_requests_jitter")
        self._agent.put_facts({name: getattr(worker.cfg, name) for name in names})

    def _worker_int(self, _worker: Any) -> None:
        self._leaving = ExitReason.QUIT

    def _worker_abort(self, _worker: Any) -> None:
        self._agent.traffic.under_way.keep()  # Gunicorn ends the request it is in before it exits
        self._leaving = ExitReason.TIMEOUT

    def _worker_exit(self, _arbiter: Any, worker: Any) -> None:
        code = exit_code(sys.exc_info()[1])
        if self._leaving is not None:
            self._agent.stop(self._leaving)
        elif code:
            self._agent.stop(ExitReason.CRASHED, code)
        elif worker.nr >= worker.max_requests:
            self._agent.stop(ExitReason.MAX_REQUESTS)
        elif os.getppid() != worker.ppid:
            self._agent.stop(ExitReason.ORPHANED)
        else:
            self._agent.stop(ExitReason.TERMINATED)
        if self._agent.options.recycle_at is not None:
            spare_siblings(worker, code)
        if self._agent.leaving and self._agent.traffic.in_flight:
            os._exit(0)  # its grace is over, and Python would wait for the threads that serve it

    def _child_exit(self, _arbiter: Any, worker: Any) -> None:
        if not hasattr(worker, "bugsly_id"):  # forked before we followed its master
            return
        kills = read_headroom().oom_kills
        note = judge_exit(
            worker.bugsly_id,
            status=status_of_reaped(),
            aborted=worker.aborted,
            oom_kills=kills - self._oom_kills,
        )
        self._oom_kills = kills
        if note is not None:
            self._notes = [*self._notes, note][-NOTES:]


def _speaks_wsgi(worker: Any) -> bool:
    """Return whether *worker* calls its application by PEP 3333.

    Workers that build on Gunicorn's own three do; those of tornado, uvicorn and aiohttp call an
    application of another kind.
    """
    kinds = {(kind.__module__, kind.__name__) for kind in type(worker).__mro__}
    return not kinds.isdisjoint(WSGI_WORKERS)


def _is_followed(cfg: Any) -> bool:
    return hasattr(cfg.worker_exit, "bugsly")


def _set(cfg: Any, name: str, hook: Any) -> None:
    hook.bugsly = True
    cfg.set(name, hook)
