"""`bugsly serve`: runs the server until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
from collections.abc import Sequence

from bugsly_server import __version__
from bugsly_server.alert.leak_message import one_line
from bugsly_server.app import Server
from bugsly_server.cli.first_login import first_login_lines
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.cli.server_log import start_server_log
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.clock import now
from bugsly_server.http_server import HttpServer, bind_socket, server_url
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import IssueChange
from bugsly_server.store.meta import projects

LOG = logging.getLogger("bugsly")
FIRST_PROJECT = "app"
PRIVATE_UMASK = 0o077
GC_THRESHOLD = 10_000
"""Objects created before the collector runs: about those of thirty events."""


def main(parsed: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; return 0."""
    start_server_log()
    settings = load_settings_of(parsed)
    os.umask(PRIVATE_UMASK)
    sock = bind_socket(settings)
    server = Server(settings, now, _log_change)
    with server.store.database.writing() as connection:
        if not projects.list_all(connection):
            projects.ensure(connection, FIRST_PROJECT, now())
        first_login = first_login_lines(connection, server_url(sock, settings), now())
    listener = HttpServer(server, sock)
    lines = [
        f"Bugsly {__version__} serves at {server_url(sock, settings)}",
        f"It keeps everything in {settings.data_dir}",
        *first_login,
    ]
    _tune_collector()
    asyncio.run(_serve(listener, lines))
    return 0


def _tune_collector() -> None:
    """Run the garbage collector rarely, and never on the objects of start-up.

    Otherwise it traverses all modules again and again under load, and requests wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


async def _serve(listener: HttpServer, lines: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listener.stop)
    for line in lines:
        STDOUT.print(line, soft_wrap=True, markup=False)
    await listener.run_until_stopped()


def _log_change(issue: AnyIssue, change: IssueChange) -> None:
    LOG.info("%s", change_line(issue, change))


def change_line(issue: AnyIssue, change: IssueChange) -> str:
    """Return *change* to *issue* on one line of the log: names in it come from the wire."""
    return one_line(f"issue {issue.id} {change.kind}: {issue.title}. {change.because}")


COMMAND = Command("serve", "Run the server", main)
