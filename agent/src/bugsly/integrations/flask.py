"""Watches Flask applications: one that the user names, or every one that answers a request."""

from __future__ import annotations

import logging
import sys
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bugsly.integrations.import_hooks import when_imported
from bugsly.integrations.wsgi import COUNTED_KEY, WsgiMiddleware
from bugsly.probes.errors.error_reporter import CaptureContext
from bugsly.probes.traffic import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bugsly.integrations.ports import FlaskAgent, GuardedReportingAgent, ReportingAgent

LOG = logging.getLogger("bugsly")
FLASK_CAPTURE = CaptureContext("flask")


def install(app: Any, agent: FlaskAgent) -> None:
    """Count the requests of *app*, in the place Flask documents for WSGI middleware."""
    if not hasattr(app, "wsgi_app"):
        LOG.warning("bugsly.init: %r is no Flask application → wrap it in bugsly.wsgi()", app)
    elif not isinstance(app.wsgi_app, WsgiMiddleware):
        app.wsgi_app = WsgiMiddleware(app.wsgi_app, agent)
        if agent.reports_errors:
            app.handle_http_exception = _report_server_errors(app.handle_http_exception, agent)


def _report_server_errors(handle: Callable[..., Any], agent: ReportingAgent) -> Callable[..., Any]:
    """Return *handle*, which then also reports the server errors that views raise as such.

    Flask sends no signal for `abort(500)`, and offers no other hook.
    """

    @wraps(handle)
    def wrapped(*args: Any) -> Any:
        error = args[-1]
        if getattr(error, "code", None) == 500:
            agent.error_reporter.capture_exception(
                getattr(error, "original_exception", None) or error, FLASK_CAPTURE
            )
        return handle(*args)

    return wrapped


class FlaskErrorHook:
    """Reports exceptions that views of any Flask application raise."""

    def __init__(self, agent: GuardedReportingAgent) -> None:
        self._agent = agent
        self._request_guard = agent.guards("request")

    def install(self) -> None:
        """Connect to Flask's signal, once Flask is imported."""
        if find_spec("blinker") is not None:
            guard = self._agent.guards("flask.listen")
            when_imported("flask.signals", self._connect, guard)

    def remove(self) -> None:
        """Disconnect from the signal."""
        signals = sys.modules.get("flask.signals")
        if signals is not None:
            signals.got_request_exception.disconnect(self.on_request_exception)

    def _connect(self, signals: ModuleType) -> None:
        signals.got_request_exception.connect(self.on_request_exception, weak=False)

    def on_request_exception(self, _app: Any, exception: BaseException, **_more: object) -> None:
        """Report *exception*, for which Flask responds with a server error."""
        caught = FLASK_CAPTURE
        with self._request_guard:
            if self._agent.error_reporter.scopes.current_request() is None:
                caught = _capture_of_uncounted_request()
        self._agent.error_reporter.capture_exception(exception, caught)


def _capture_of_uncounted_request() -> CaptureContext:
    """Return the context of the first request of an application, which is not counted."""
    from flask import request

    endpoint = " ".join(endpoint_of(request.environ))
    return FLASK_CAPTURE._replace(endpoint=endpoint, environ=request.environ)


def watch_all_apps(agent: FlaskAgent) -> None:
    """Count the requests of every Flask application from its second request on.

    Flask sends its signals for all applications. The first request of an application makes it known
    and is not counted. Where an outer layer already counts, the signal is disconnected.
    """
    if find_spec("blinker") is None:  # Flask before 2.3 runs without it, and then has no signals
        return
    guard = agent.guards("flask.adopt")

    def connect(signals: ModuleType) -> None:
        def install_on_app(app: Any, **_kwargs: object) -> None:
            with guard:
                from flask import request

                if COUNTED_KEY in request.environ:
                    signals.request_started.disconnect(install_on_app)
                else:
                    install(app, agent)
                    agent.start()

        signals.request_started.connect(install_on_app, weak=False)

    when_imported("flask.signals", connect, agent.guards("flask.watch"))
