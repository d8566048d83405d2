"""A server beside an app: both start, report, and end together."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bugsly.autostart import environment
from bugsly_server.alert.error import tell
from bugsly_server.app import Server
from bugsly_server.cli import terminal
from bugsly_server.cli.child import Child, adopt_orphans, kill_descendants
from bugsly_server.cli.given import is_given
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured
from bugsly_server.explained import explanation_of
from bugsly_server.listen import Listener, address, bind
from bugsly_server.model.error import AnyIssue
from bugsly_server.model.issue import Change
from bugsly_server.settings import Settings
from bugsly_server.store.meta import accounts, projects
from bugsly_server.web.setup import dsn

SAMPLE_EVERY = "1"
"""Seconds between samples at a desk, where one wants to see something."""


@dataclass
class Beside:
    """A server that runs in this process for as long as an app does."""

    server: Server
    project: str
    url: str
    page: str
    """Address of the page, with a link in it that lets its first visitor in."""
    environ: dict[str, str]
    """What the app has to be started with."""
    stopped: asyncio.Event
    signal: signal.Signals = signal.SIGTERM

    async def until_done(self, child: Child) -> int:
        """Return the exit code of *child*, which ends by itself or because we are told to."""
        ended = asyncio.ensure_future(child.wait())
        told = asyncio.ensure_future(self.stopped.wait())
        await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        return await child.stop(self.signal) if not ended.done() else ended.result()


Work = Callable[[Beside], Awaitable[int]]
Announce = Callable[[Beside, AnyIssue, Change], None]


def run_beside(parsed: argparse.Namespace, settings: Settings, project: str, work: Work) -> int:
    """Serve, do *work*, end; return what *work* returns. Nothing that it started is left behind."""

    def announce(beside: Beside, issue: AnyIssue, change: Change) -> None:
        with beside.server.store.database.reading() as connection:
            why = explanation_of(connection, issue)
        page = f"{beside.url}/p/{project}/issues/{issue.id}"
        alert = tell(project, issue, change, page, why)
        terminal.OUT.print(terminal.alert_panel(issue, change, alert))

    sock = bind(settings, or_any=not is_given(parsed, "port"))
    return serve_beside(sock, settings, project, work, announce)


def serve_beside(
    sock: socket.socket, settings: Settings, project: str, work: Work, announce: Announce
) -> int:
    """Do the same on a socket that listens, with *announce* for what changes about issues."""
    url = address(sock, settings)
    server = Server(settings, now, lambda issue, change: announce(beside, issue, change))
    with server.store.database.writing() as connection:
        made = projects.ensure(connection, project, now())
        key = projects.key_of(connection, made.id)
        link = accounts.make_link(connection, now())
    beside = Beside(
        server=server,
        project=project,
        url=url,
        page=f"{url}/enter/{link}",
        environ=_environ(dsn(url, key, made.id)),
        stopped=asyncio.Event(),
    )
    adopt_orphans()
    try:
        return asyncio.run(_run(beside, Listener(server, sock), work))
    finally:
        kill_descendants()


async def _run(beside: Beside, listener: Listener, work: Work) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _stop, beside, number)
    serving = asyncio.ensure_future(listener.run_until_stopped())
    started = asyncio.ensure_future(listener.has_started.wait())
    await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        raise Misconfigured("server: it ended before it had started → see the lines above")
    try:
        return await work(beside)
    finally:
        listener.stop()
        await serving


def _stop(beside: Beside, number: signal.Signals) -> None:
    beside.signal = number
    beside.stopped.set()


def _environ(dsn_: str) -> dict[str, str]:
    given = {"BUGSLY_DSN": dsn_, "BUGSLY_ENVIRONMENT": "development"}
    own = {"BUGSLY_SAMPLE_EVERY": SAMPLE_EVERY, **given}
    return environment({**own, **os.environ, "BUGSLY_DSN": dsn_})
