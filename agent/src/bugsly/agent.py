"""Owns the parts of the agent and their lifetime: one agent a process, begun after the fork."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from bugsly.asks import Asks
from bugsly.guard import Guards
from bugsly.integrations import flask, sqlalchemy
from bugsly.integrations.gunicorn import Lifecycle
from bugsly.integrations.records import Records
from bugsly.integrations.uncaught import Uncaught
from bugsly.integrations.wsgi import CURRENT, Wsgi
from bugsly.options import InvalidOption, load_options
from bugsly.outbox import Outbox
from bugsly.place import Place
from bugsly.probes.census import Census, Survey
from bugsly.probes.census.roots import apps
from bugsly.probes.counts import count_probes
from bugsly.probes.errors import Errors
from bugsly.probes.errors.errors import Voice
from bugsly.probes.errors.finish import finish
from bugsly.probes.errors.scope import Scopes
from bugsly.probes.heap import HeapProbe
from bugsly.probes.holders import Holders
from bugsly.probes.pool import PoolProbe
from bugsly.probes.sources import read_sources
from bugsly.probes.survivors import PATIENCE, Survivors
from bugsly.probes.traffic import TrafficProbe
from bugsly.probes.trim import trim
from bugsly.probes.window import WindowProbe
from bugsly.protocol.memory import Exit, ExitReason, encode_report
from bugsly.recycle.net import SafetyNet
from bugsly.recycle.way import ByHand, NoWay
from bugsly.sampler import Probes, Sampler
from bugsly.sender import Sender, Words
from bugsly.who import origin_of, worker_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication

    from bugsly.asks import DearProbe
    from bugsly.options import Options
    from bugsly.probes.holders import HolderProbe
    from bugsly.protocol.event import Event
    from bugsly.protocol.evidence import Answer, Ask
    from bugsly.recycle.way import Way

LOG = logging.getLogger("bugsly")
FEW_SAMPLES = 5
"""After which a request that is still alive is told, where samples are taken often."""
GOODBYE = 2.0
"""Seconds a leaving worker may take for its last words; Gunicorn kills a second after an abort."""


class Agent:
    """Measures this process and reports it. Costs nothing until `start`, survives every fork."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.guards = Guards()
        self.request_guard = self.guards("request")
        self.gunicorn = Lifecycle(self)
        self.served: WeakSet[Wsgi] = WeakSet()
        self.hooks = (flask.Views(self), Uncaught(self), Records(self))
        self.traffic = TrafficProbe()
        self.way: Way = NoWay()
        self.forget()
        os.register_at_fork(after_in_child=self.forget)
        atexit.register(self.stop)

    def forget(self) -> None:
        """Become the agent of a process that has said nothing yet, as after a fork."""
        self.running = False
        self.leaving = ""
        self.net: SafetyNet | None = None
        self.place = Place()
        self.traffic.release()
        self.traffic = TrafficProbe()
        self._window = WindowProbe(self.traffic)
        self._heap = HeapProbe(self.traffic, self._applications)
        self.survivors = Survivors(min(PATIENCE, FEW_SAMPLES * self.options.sample_every))
        self.pool = PoolProbe()
        self.guards.failures.clear()
        self._begun = False
        self._silent = False
        self._sender: Sender | None = None
        self._starting = threading.Lock()
        self._outbox = Outbox()
        self.put_facts = self._outbox.evidence.put_facts
        self.errors: Errors = Errors(
            self._outbox.events,
            Scopes(CURRENT.get),
            Voice(self._may_report, self._wake, lambda: self.place.id if self.running else ""),
            self.guards("errors"),
            send_locals=self.options.send_locals,
        )

    def hold(self) -> None:
        """Stay silent in this process, a master, whatever it serves; its forks may start."""
        self._begun = self._silent = True

    def watch_errors(self) -> None:
        """Hear of the errors of this process and of its forks, unless that is switched off."""
        if self.options.errors:
            for hook in self.hooks:
                hook.install()

    def start(self) -> None:
        """Begin to sample and to send, once in the life of a process."""
        with self.guards("agent.start"):
            with self._starting:
                if self._begun or self._silent:
                    return
                self._begun = True
            self._sampler = Sampler(
                self.options.sample_every, self._probes(), self._outbox, self._wake, self.guards
            )
            self.speak()
            self._sampler.start()
            self.running = True
            if self.options.recycle_at is not None:
                self.net = SafetyNet(self, self.way, self.options.recycle_at)
                self.net.start()

    def speak(self) -> bool:
        """Begin to send, once, also in a process that serves nothing; return whether it may."""
        with self._starting:
            if self._sender is None and not self._silent:
                asks = Asks(self._dear_probes(), self._outbox.evidence, self.guards)
                self._sender = Sender(
                    self.options.dsn,
                    self._outbox,
                    Words(self._report, self._finish, asks.put),
                    self.guards("sender"),
                    self.place.id,
                )
                self._sender.start()
            return not self._silent

    def _may_report(self) -> bool:
        return self.options.errors and self.speak()

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()

    def _probes(self) -> Probes:
        census = Census(self._applications)
        probes: dict[str, HolderProbe] = {
            "census": census,
            "pool": self.pool,
            "survivors": self.survivors,
        }
        holders = Holders(probes | count_probes(self.guards), self.guards)
        return Probes(self.traffic, holders, Survey(census, self.options.sample_every))

    def report_exit(self, ended: Exit) -> None:
        """Report the end of a sibling that could not do so itself."""
        self._outbox.put_exit(ended)

    def flush(self, timeout: float) -> bool:
        """Return whether all that waited was acknowledged within *timeout* seconds."""
        return self._sender is None or self._sender.flush(timeout)

    def last_words(self) -> None:
        """Bring what is known of this worker now to the server, while it still serves."""
        with self.guards("heap.part"):
            self._outbox.evidence.put_parting(self._heap.part())
        self._sampler.hurry(GOODBYE / 2)
        self.flush(GOODBYE / 2)

    def stop(self, reason: ExitReason = ExitReason.FINISHED, code: int = 0) -> None:
        """Say goodbye for *reason*: a last sample and one attempt to send, then silence."""
        with self.guards("agent.stop"):
            for hook in self.hooks:
                hook.remove()
            if self.running:
                self.running = False
                ended = Exit(worker=self.place.id, reason=reason, code=code)
                self._outbox.put_exit(ended if self.net is None else self.net.end(ended))
                self._window.close()
                self._heap.close()
                self._sampler.close(GOODBYE / 4)
            silent, self._silent = self._silent, True
            if self._sender is not None and not silent:
                self._sender.close(GOODBYE)

    def _finish(self, event: Event) -> bytes | None:
        with self.guards("errors.finish"):
            return finish(event, origin_of(self.options))
        return None

    def _dear_probes(self) -> dict[str, DearProbe]:
        """Return what is done when the server asks for it, and not otherwise."""
        return {
            "source": self._read_sources,
            "trim": trim,
            "window": self._window.watch,
            "heap": self._heap.look,
        }

    def _read_sources(self, ask: Ask) -> Answer:
        return read_sources(ask, apps(self._applications()).values())

    def _applications(self) -> list[object]:
        return [one.application for one in self.served]

    def _report(self, samples: Iterable[bytes], exits: Iterable[Exit]) -> bytes:
        """Return what this worker says; nothing in a process that only had an error."""
        if not self._begun and not exits:
            return b""
        failures = dict(self.guards.failures)
        lost = {f"failed in {place}": count for place, count in failures.items()}
        lost["samples dropped, outbox full"] = self._outbox.dropped
        lost["samples refused by the server"] = self._sender.refused if self._sender else 0
        lost["errors held back, too many at once"] = self.errors.held_back
        lost["errors dropped, outbox full"] = self._outbox.events.dropped
        lost["errors refused by the server"] = self._outbox.events.refused
        return encode_report(
            worker_at(self.place, self.options),
            samples,
            exits,
            {why: count for why, count in lost.items() if count},
            self._outbox.evidence.peek(),
            None if self.net is None else self.net.word(),
        )


_agent: Agent | None = None
_complaints: set[str] = set()


def current() -> Agent | None:
    """Return the agent of this process, None before `init` or without a DSN."""
    return _agent


def init(app: object | None, given: dict[str, str]) -> None:
    """Make the agent of this process unless there is one, and let it watch *app* and Gunicorn."""
    agent = _obtain(given)
    if agent is None:
        return
    if app is not None:
        with agent.guards("flask.install"):
            flask.install(app, agent)
    with agent.guards("gunicorn.install"):
        agent.gunicorn.install()


def wrap(application: WSGIApplication) -> WSGIApplication:
    """Return *application* counted by the agent of this process, itself when there is none."""
    init(None, {})
    return application if _agent is None else Wsgi(application, _agent)


def recycle_by(leave: Callable[[], object], workers: int) -> None:
    """Let the agent of this process end it by *leave*."""
    init(None, {})
    if _agent is not None:
        _agent.way = ByHand(leave, workers)


def watch_everything() -> None:
    """Do what `init` does for an app whose code knows nothing of us, as under `bugsly run`."""
    if _agent is not None:
        return
    init(None, {})
    agent = current()
    if agent is not None:
        flask.watch(agent)


def _obtain(given: dict[str, str]) -> Agent | None:
    global _agent  # noqa: PLW0603 - one agent per process is what the word means
    if _agent is None:
        try:
            options = load_options(given, os.environ)
        except InvalidOption as error:
            _complain(f"{error}; the app runs unwatched")
            return None
        _agent = None if options is None else Agent(options)
        if _agent is not None:
            sqlalchemy.watch(_agent)
            _agent.watch_errors()
    return _agent


def _complain(complaint: str) -> None:
    """Log *complaint* the first time: init may be called for many apps with one wrong setting."""
    if complaint not in _complaints:
        _complaints.add(complaint)
        LOG.warning("%s", complaint)
