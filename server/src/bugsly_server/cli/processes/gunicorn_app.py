"""Serves an app under Gunicorn while `doctor` or `heap` examines it."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.cli.processes.child_process import ChildProcess
from bugsly_server.cli.processes.free_port import free_port
from bugsly_server.cli.processes.gunicorn_command import GunicornCommand, app_environ
from bugsly_server.cli.processes.server_alongside import ServerAlongside
from bugsly_server.doctor.gunicorn_log import telling_line
from bugsly_server.doctor.load_generator import RequestTally
from bugsly_server.errors import Misconfigured

START_SECONDS = 60.0
MAX_FAILED_REQUESTS = 60
"""Requests after which `doctor` and `heap` give up on an app that fails all of them."""
INTERRUPTED_EXIT_CODE = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedApp:
    """An app that listens for requests."""

    port: int
    target: str
    exit_code: asyncio.Future[int]
    """Done once Gunicorn has ended."""
    log: Path

    def raise_if_hopeless(self, tally: RequestTally) -> None:
        """Raise `Misconfigured` if Gunicorn has ended or the app fails every request."""
        if self.exit_code.done():
            raise self.exit_error()
        if not tally.answered and tally.unanswered >= MAX_FAILED_REQUESTS:
            raise Misconfigured(
                f"{self.target}: it answers no request ({telling_line(self.log)})"
                " → start it manually to see why"
            )
        if tally.answered >= MAX_FAILED_REQUESTS and tally.server_errors == tally.answered:
            status = tally.statuses[0][0]
            raise Misconfigured(
                f"{self.target}: it answered all {tally.answered} requests with {status}"
                f" ({telling_line(self.log)}) → give it what it needs, such as its database"
            )

    def exit_error(self) -> Misconfigured:
        """Return the error for a Gunicorn that has ended."""
        return Misconfigured(
            f"{self.target}: Gunicorn ended with exit code {self.exit_code.result()}"
            f" ({telling_line(self.log)}) → start it by hand to see why"
        )


@asynccontextmanager
async def serve_app(
    command: GunicornCommand, log: Path, alongside: ServerAlongside
) -> AsyncIterator[ServedApp]:
    """Serve the app during the block, which starts once it listens or we are asked to stop.

    Raises `Misconfigured` if Gunicorn ends or does not listen within START_SECONDS.
    """
    port = free_port()
    with log.open("wb") as out:
        gunicorn = await ChildProcess.start(
            command.command_line(port), app_environ(alongside.app_environ), out
        )
    exit_code = asyncio.ensure_future(gunicorn.wait())
    app = ServedApp(port=port, target=command.target, exit_code=exit_code, log=log)
    try:
        await _wait_until_listening(app, alongside)
        yield app
    finally:
        await gunicorn.stop(
            alongside.stop_signal if alongside.stop_requested.is_set() else signal.SIGTERM
        )


async def _wait_until_listening(app: ServedApp, alongside: ServerAlongside) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not alongside.stop_requested.is_set() and not _is_listening(app.port):
        if app.exit_code.done():
            raise app.exit_error()
        if time.monotonic() > deadline:
            raise Misconfigured(
                f"gunicorn: it does not listen after {START_SECONDS:.0f} s"
                f" ({telling_line(app.log)}) → start it by hand to see why"
            )
        await asyncio.sleep(0.05)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
