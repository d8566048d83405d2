"""An app under Gunicorn, for as long as doctor or a walk of its heap needs it."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.cli.beside import Beside
from bugsly_server.cli.child import Child
from bugsly_server.cli.doctor_start import Start, environ
from bugsly_server.cli.free_port import free_port
from bugsly_server.doctor.drive import Tally
from bugsly_server.doctor.log import telling_line
from bugsly_server.errors import Misconfigured

TO_START = 60.0
HOPELESS = 60
"""Requests after which an app that answered none of them well is given up."""
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An app that listens."""

    port: int
    target: str
    ended: asyncio.Future[int]
    """With the exit code of Gunicorn."""
    log: Path

    def check(self, tally: Tally) -> None:
        """Raise `Misconfigured` where going on is of no use."""
        if self.ended.done():
            raise self.broken_off()
        if not tally.answered and tally.unanswered >= HOPELESS:
            raise Misconfigured(
                f"{self.target}: answers no request ({telling_line(self.log)})"
                " → start it by hand to see why"
            )
        if tally.answered >= HOPELESS and tally.broken == tally.answered:
            status = tally.statuses[0][0]
            raise Misconfigured(
                f"{self.target}: answered {status} to all of {tally.answered} requests"
                f" ({telling_line(self.log)}) → give it what it needs, as its database"
            )

    def broken_off(self) -> Misconfigured:
        """Return what is wrong where Gunicorn has ended."""
        return Misconfigured(
            f"{self.target}: Gunicorn ended with exit code {self.ended.result()}"
            f" ({telling_line(self.log)}) → start it by hand to see why"
        )


@asynccontextmanager
async def serving(start: Start, log: Path, beside: Beside) -> AsyncIterator[Served]:
    """Serve the app for the block, once it listens or we are told to stop."""
    port = free_port()
    with log.open("wb") as out:
        gunicorn = await Child.start(start.command(port), environ(beside.environ), out)
    ended = asyncio.ensure_future(gunicorn.wait())
    app = Served(port=port, target=start.target, ended=ended, log=log)
    try:
        await _until_open(app, beside)
        yield app
    finally:
        await gunicorn.stop(beside.signal if beside.stopped.is_set() else signal.SIGTERM)


async def _until_open(app: Served, beside: Beside) -> None:
    deadline = time.monotonic() + TO_START
    while not beside.stopped.is_set() and not _listens(app.port):
        if app.ended.done():
            raise app.broken_off()
        if time.monotonic() > deadline:
            raise Misconfigured(
                f"gunicorn: does not listen after {TO_START:.0f} s"
                f" ({telling_line(app.log)}) → start it by hand to see why"
            )
        await asyncio.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
