"""Runs a server next to an app: both start and end together."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bugsly.autostart import environment_with_agent
from bugsly_server.alert.error_message import compose_alert
from bugsly_server.app import Server
from bugsly_server.cli.options.setting_flags import is_set
from bugsly_server.cli.processes.child_process import ChildProcess, adopt_orphans, kill_descendants
from bugsly_server.cli.terminal.alert_panel import alert_panel
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured
from bugsly_server.explanation_service import explain_issue
from bugsly_server.http_server import HttpServer, bind_socket, server_url
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import IssueChange
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.settings import ServerSettings
from bugsly_server.store.meta import accounts, project_keys, projects
from bugsly_server.web.setup import project_dsn

SAMPLE_SECONDS = "1"
"""Seconds between samples, for somebody who watches; the agent's own default is for production."""


@dataclass
class ServerAlongside:
    """A server that runs in this process for as long as an app does."""

    server: Server
    project: str
    url: str
    login_url: str
    """A one-time link to the page, which logs its first visitor in."""
    app_environ: dict[str, str]
    """The environment in which to start the app."""
    stop_requested: asyncio.Event
    stop_signal: signal.Signals = signal.SIGTERM

    async def run_until_done(self, child: ChildProcess) -> int:
        """Wait until *child* ends or we are asked to stop, which ends it; return its exit code."""
        ended = asyncio.ensure_future(child.wait())
        stop_wait = asyncio.ensure_future(self.stop_requested.wait())
        await asyncio.wait({ended, stop_wait}, return_when=asyncio.FIRST_COMPLETED)
        stop_wait.cancel()
        return await child.stop(self.stop_signal) if not ended.done() else ended.result()


AppRunner = Callable[[ServerAlongside], Awaitable[int]]
ChangeListener = Callable[[ServerAlongside, AnyIssue, IssueChange], None]


def run_alongside(
    parsed: argparse.Namespace, settings: ServerSettings, project: str, run_app: AppRunner
) -> int:
    """Serve while *run_app* runs, print alerts, and return its exit code.

    Ends every process that *run_app* started.
    """

    def print_alert(alongside: ServerAlongside, issue: AnyIssue, change: IssueChange) -> None:
        with alongside.server.store.database.reading() as connection:
            explanation = explain_issue(connection, issue)
        issue_url = f"{alongside.url}/p/{project}/issues/{issue.id}"
        alert = compose_alert(project, issue, change, issue_url, explanation)
        STDOUT.print(alert_panel(issue, change, alert))

    sock = bind_socket(settings, or_any=not is_set(parsed, "port"))
    return serve_alongside(sock, settings, project, run_app, print_alert)


def serve_alongside(
    sock: socket.socket,
    settings: ServerSettings,
    project: str,
    run_app: AppRunner,
    on_change: ChangeListener,
) -> int:
    """Do the same on the listening *sock*; call *on_change* for each change of an issue."""
    url = server_url(sock, settings)
    server = Server(settings, now, lambda issue, change: on_change(alongside, issue, change))
    with server.store.database.writing() as connection:
        stored_project = projects.ensure(connection, project, now())
        key = project_keys.ensure(connection, stored_project.id, ProjectKeyKind.AGENT, now())
        login_secret = accounts.make_link(connection, accounts.first(connection), now())
    alongside = ServerAlongside(
        server=server,
        project=project,
        url=url,
        login_url=f"{url}/enter/{login_secret}",
        app_environ=_app_environ(project_dsn(url, key)),
        stop_requested=asyncio.Event(),
    )
    adopt_orphans()
    try:
        return asyncio.run(_serve_and_run(alongside, HttpServer(server, sock), run_app))
    finally:
        kill_descendants()


async def _serve_and_run(
    alongside: ServerAlongside, listener: HttpServer, run_app: AppRunner
) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _request_stop, alongside, number)
    serving = asyncio.ensure_future(listener.run_until_stopped())
    started = asyncio.ensure_future(listener.has_started.wait())
    await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        raise Misconfigured("server: it ended before it was ready → see the lines above")
    try:
        return await run_app(alongside)
    finally:
        listener.stop()
        await serving


def _request_stop(alongside: ServerAlongside, number: signal.Signals) -> None:
    alongside.stop_signal = number
    alongside.stop_requested.set()


def _app_environ(dsn: str) -> dict[str, str]:
    app_settings = {"BUGSLY_DSN": dsn, "BUGSLY_ENVIRONMENT": "development"}
    defaults = {"BUGSLY_SAMPLE_EVERY": SAMPLE_SECONDS, **app_settings}
    return environment_with_agent({**defaults, **os.environ, "BUGSLY_DSN": dsn})
