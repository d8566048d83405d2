"""`bugsly serve`: the server, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
from collections.abc import Sequence

from bugsly_server import __version__
from bugsly_server.app import Server
from bugsly_server.cli.given import settings_of
from bugsly_server.cli.terminal import OUT
from bugsly_server.clock import now
from bugsly_server.listen import Listener, address, bind
from bugsly_server.model.error import AnyIssue
from bugsly_server.model.issue import Change
from bugsly_server.store.meta import accounts, projects

LOG = logging.getLogger("bugsly")
FIRST_PROJECT = "app"
YOUNG = 10_000
"""Objects that are made before the collector looks at them: those of some thirty events."""


def act(parsed: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    settings = settings_of(parsed)
    sock = bind(settings)
    server = Server(settings, now, _log)
    with server.store.database.writing() as connection:
        if not projects.every(connection):
            projects.ensure(connection, FIRST_PROJECT, now())
        known = accounts.exists(connection)
    listener = Listener(server, sock)
    told = [
        f"Bugsly {__version__} serves at {address(sock, settings)}",
        f"Everything is kept in {settings.data_dir}",
    ]
    if not known:
        told.append("Nobody has an account yet: the first visit makes the owner's.")
    _spare_collector()
    asyncio.run(_serve(listener, told))
    return 0


def _spare_collector() -> None:
    """Let the garbage collector look seldom, and never at what start-up made.

    Otherwise it walks through all modules again and again under load, and nothing is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


async def _serve(listener: Listener, told: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listener.stop)
    for line in told:
        OUT.print(line, soft_wrap=True)
    await listener.run_until_stopped()


def _log(issue: AnyIssue, change: Change) -> None:
    LOG.info("issue %d %s: %s. %s", issue.id, change.kind, issue.title, change.because)
