"""Watches Flask applications: one that is handed to us, or every one that answers a request."""

from __future__ import annotations

import logging
import sys
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bugsly.integrations.imports import when_imported
from bugsly.integrations.wsgi import COUNTED, Wsgi
from bugsly.probes.errors.errors import Caught
from bugsly.probes.traffic import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bugsly.agent import Agent

LOG = logging.getLogger("bugsly")


FLASK = Caught("flask")


def install(app: Any, agent: Agent) -> None:
    """Count the requests of *app*, in the place Flask documents for WSGI middleware."""
    if not hasattr(app, "wsgi_app"):
        LOG.warning("bugsly.init: %r is no Flask application → wrap it in bugsly.wsgi()", app)
    elif not isinstance(app.wsgi_app, Wsgi):
        app.wsgi_app = Wsgi(app.wsgi_app, agent)
        if agent.options.errors:
            app.handle_http_exception = _reporting(app.handle_http_exception, agent)


def _reporting(handle: Callable[..., Any], agent: Agent) -> Callable[..., Any]:
    """Return *handle* with the server errors that views raise by name reported.

    Flask sends no signal of an `abort(500)`, and has no other place to hear of it.
    """

    @wraps(handle)
    def wrapped(*args: Any) -> Any:
        error = args[-1]
        if getattr(error, "code", None) == 500:
            agent.errors.capture(getattr(error, "original_exception", None) or error, FLASK)
        return handle(*args)

    return wrapped


class Views:
    """Hears of the exceptions that views of any Flask application let out."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def install(self) -> None:
        """Listen to Flask's signal, once Flask is imported."""
        if find_spec("blinker") is not None:
            guard = self._agent.guards("flask.listen")
            when_imported("flask.signals", self._connect, guard)

    def remove(self) -> None:
        """Listen no more."""
        signals = sys.modules.get("flask.signals")
        if signals is not None:
            signals.got_request_exception.disconnect(self.failed)

    def _connect(self, signals: ModuleType) -> None:
        signals.got_request_exception.connect(self.failed, weak=False)

    def failed(self, _app: Any, exception: BaseException, **_more: object) -> None:
        """Report *exception*, which Flask answers with a page for server errors."""
        caught = FLASK
        with self._agent.request_guard:
            if self._agent.errors.scopes.current() is None:
                caught = _not_followed()
        self._agent.errors.capture(exception, caught)


def _not_followed() -> Caught:
    """Return what is known of the first request of an application, which we do not count."""
    from flask import request

    endpoint = " ".join(endpoint_of(request.environ))
    return FLASK._replace(endpoint=endpoint, environ=request.environ)


def watch(agent: Agent) -> None:
    """Count the requests of every Flask application from the second one it answers.

    Flask's signals are sent for all applications, so this needs no knowledge of theirs. The
    first request of an application makes it known to us and stays uncounted, unless the WSGI
    server counts already; then the signal is left alone from there on.
    """
    if find_spec("blinker") is None:  # Flask before 2.3 runs without it, and then has no signals
        return
    guard = agent.guards("flask.adopt")

    def connect(signals: ModuleType) -> None:
        def adopt(app: Any, **_kwargs: object) -> None:
            with guard:
                from flask import request

                if COUNTED in request.environ:
                    signals.request_started.disconnect(adopt)
                else:
                    install(app, agent)
                    agent.start()

        signals.request_started.connect(adopt, weak=False)

    when_imported("flask.signals", connect, agent.guards("flask.watch"))
