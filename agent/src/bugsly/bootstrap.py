"""Builds the agent of this process from its settings, and attaches it to the app and its server."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bugsly.agent import Agent
from bugsly.guard import Guards
from bugsly.integrations import flask, sqlalchemy
from bugsly.integrations.excepthook import UncaughtErrorHook
from bugsly.integrations.gunicorn import GunicornHooks
from bugsly.integrations.logging_hook import LoggingErrorHook
from bugsly.integrations.wsgi import WsgiMiddleware
from bugsly.protocol.dsn import PlainTextRisk, plain_text_risk
from bugsly.recycle.worker_controller import CallbackController
from bugsly.setting_fields import InvalidSetting
from bugsly.settings import load_agent_settings
from bugsly.worker_parts import WorkerParts

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

    from bugsly.protocol.dsn import Dsn
    from bugsly.settings import AgentSettings

LOG = logging.getLogger("bugsly")


class AttachedAgent(NamedTuple):
    """The agent of this process, and the hooks by which it follows Gunicorn."""

    agent: Agent
    gunicorn_hooks: GunicornHooks


_attached: AttachedAgent | None = None
_logged_problems: set[str] = set()


def current() -> Agent | None:
    """Return the agent of this process, None before `init` or without a DSN."""
    return None if _attached is None else _attached.agent


def init(app: object | None, arguments: dict[str, str]) -> None:
    """Build the agent of this process unless there is one; let it watch *app* and Gunicorn."""
    attached = _get_or_attach(arguments)
    if attached is None:
        return
    agent, gunicorn_hooks = attached
    if app is not None:
        with agent.guards("flask.install"):
            flask.install(app, agent)
    with agent.guards("gunicorn.install"):
        gunicorn_hooks.install()


def wrap(application: WSGIApplication) -> WSGIApplication:
    """Return *application* counted by the agent of this process, itself when there is none."""
    init(None, {})
    agent = current()
    return application if agent is None else WsgiMiddleware(application, agent)


def recycle_by(leave: Callable[[], object], workers: int) -> None:
    """Let the agent of this process end it by *leave*."""
    init(None, {})
    agent = current()
    if agent is not None:
        agent.worker_controller = CallbackController(leave, workers)


def auto_instrument() -> None:
    """Do what `init` does for an app whose code does not call us, as under `bugsly run`."""
    if current() is not None:
        return
    init(None, {})
    agent = current()
    if agent is not None:
        flask.watch_all_apps(agent)


def build_agent(settings: AgentSettings) -> Agent:
    """Return an agent that is not started and has no hooks."""
    guards = Guards()
    return Agent(settings, guards, partial(WorkerParts, settings, guards))


def _get_or_attach(arguments: dict[str, str]) -> AttachedAgent | None:
    global _attached  # noqa: PLW0603 - one agent per process is what the word means
    if _attached is None:
        try:
            settings = load_agent_settings(arguments, os.environ)
        except InvalidSetting as error:
            _warn_once(f"{error}; the app runs unwatched")
            return None
        if settings is not None:
            _tell_of_plain_text(settings.dsn)
            _attached = _attach(build_agent(settings))
    return _attached


def _attach(agent: Agent) -> AttachedAgent:
    """Let *agent* follow connection pools and errors, and make its Gunicorn hooks."""
    gunicorn_hooks = GunicornHooks(agent)
    sqlalchemy.watch_pools(agent)
    if agent.reports_errors:
        agent.install_error_hooks(
            (flask.FlaskErrorHook(agent), UncaughtErrorHook(agent), LoggingErrorHook(agent))
        )
    return AttachedAgent(agent, gunicorn_hooks)


def _tell_of_plain_text(dsn: Dsn) -> None:
    """Log who may read what is sent to *dsn*: a warning, unless it stays in a local network."""
    risk = plain_text_risk(dsn)
    if risk is not PlainTextRisk.NONE:
        LOG.log(
            logging.WARNING if risk is PlainTextRisk.INTERNET else logging.INFO,
            "BUGSLY_DSN: reports go to http://%s:%d unencrypted, so %s can read them and the key"
            " → use https, unless you trust them all",
            dsn.host,
            dsn.port,
            risk.value,
        )


def _warn_once(problem: str) -> None:
    """Log *problem* the first time: `init` may be called for many apps with one wrong setting."""
    if problem not in _logged_problems:
        _logged_problems.add(problem)
        LOG.warning("%s", problem)
