"""One run of doctor: start, drive, look until it is clear, end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from pathlib import Path

from bugsly_server.cli.beside import Beside
from bugsly_server.cli.child import Child
from bugsly_server.cli.doctor_start import Start, environ
from bugsly_server.cli.doctor_watch import Watch
from bugsly_server.cli.free_port import free_port
from bugsly_server.clock import Micros, now
from bugsly_server.doctor import verdict
from bugsly_server.doctor.drive import Driver, Tally
from bugsly_server.doctor.log import telling_line
from bugsly_server.doctor.look import Look, Looker
from bugsly_server.doctor.plan import Plan
from bugsly_server.errors import Misconfigured

LOOK_EVERY = 1.0
SHORTEST = 20.0
"""Seconds that a run takes at least, for enough samples to see a line in."""
TO_START = 60.0
LAST_SAMPLES = 5.0
"""Seconds for the samples of the last requests to come in."""
OVERTIME = 3
"""Times as many requests as planned, at most, while a cause is open or a worker is probed."""
HOPELESS = 60
"""Requests after which an app that answered none of them well is given up."""
INTERRUPTED = 130


class Run:
    """What happens between the start of the server and its end."""

    def __init__(self, start: Start, plan: Plan, length: float, log: Path) -> None:
        self._start = start
        self._plan = plan
        self._length = length
        self._pace = min(SHORTEST, length / 2) / plan.requests
        self._log = log
        self.report: verdict.Report | None = None
        """What came of it; None where it was interrupted."""

    async def work(self, beside: Beside) -> int:
        """Run; return the exit code of an interruption, else 0."""
        port, begun = free_port(), now()
        with self._log.open("wb") as out:
            gunicorn = await Child.start(self._start.command(port), environ(beside.environ), out)
        ended = asyncio.ensure_future(gunicorn.wait())
        try:
            await self._until_open(beside, port, ended)
            if not beside.stopped.is_set():
                self.report = await self._examine(beside, port, begun, ended)
        finally:
            stopped = beside.stopped.is_set()
            await gunicorn.stop(beside.signal if stopped else signal.SIGTERM)
        return INTERRUPTED if stopped else 0

    async def _until_open(self, beside: Beside, port: int, ended: asyncio.Future[int]) -> None:
        deadline = time.monotonic() + TO_START
        while not beside.stopped.is_set() and not _listens(port):
            if ended.done():
                raise self._ended(ended.result())
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"gunicorn: does not listen after {TO_START:.0f} s"
                    f" ({telling_line(self._log)}) → start it by hand to see why"
                )
            await asyncio.sleep(0.05)

    async def _examine(
        self, beside: Beside, port: int, begun: Micros, ended: asyncio.Future[int]
    ) -> verdict.Report | None:
        driver = Driver(port, self._plan, self._pace)
        looker = Looker(beside.server, beside.project, begun)
        started = time.monotonic()
        driver.start()
        with Watch() as watch:
            try:
                await self._drive(beside, driver, looker, watch, ended)
            finally:
                driver.stop()
            took = time.monotonic() - started
            last = await _last_look(beside, driver.tally(), looker)
        return None if beside.stopped.is_set() else _report(last, driver.tally(), took)

    async def _drive(
        self,
        beside: Beside,
        driver: Driver,
        looker: Looker,
        watch: Watch,
        ended: asyncio.Future[int],
    ) -> None:
        """Return when all is sent, when time is over, when it is clear, or when we are told to."""
        deadline = time.monotonic() + self._length
        opinions: list[object] = []
        while not driver.is_done and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(beside.stopped.wait(), LOOK_EVERY)
            if beside.stopped.is_set():
                return
            tally = driver.tally()
            self._check(tally, ended)
            seen = await asyncio.to_thread(looker.look, now())
            watch.show(tally, seen)
            maybe = bool(seen.growing) or seen.rises or seen.waits
            few = tally.answered < verdict.ENOUGH
            if tally.is_done and (
                few or verdict.is_open(seen.found, maybe=maybe, waits=seen.waits)
            ):
                most = self._plan.requests * OVERTIME
                driver.go_on(min(tally.limit + self._plan.requests, most), self._pace / 2)
            opinions.append(
                verdict.opinion(seen.found, tally.answered, tally.quiet, waits=seen.waits)
            )
            if _agree(opinions, verdict.agreeing(seen.found)):
                return

    def _check(self, tally: Tally, ended: asyncio.Future[int]) -> None:
        """Raise `Misconfigured` where going on is of no use."""
        if ended.done():
            raise self._ended(ended.result())
        if not tally.answered and tally.unanswered >= HOPELESS:
            raise Misconfigured(
                f"{self._start.target}: answers no request ({telling_line(self._log)})"
                " → start it by hand to see why"
            )
        if tally.answered >= HOPELESS and tally.broken == tally.answered:
            status = tally.statuses[0][0]
            raise Misconfigured(
                f"{self._start.target}: answered {status} to all of {tally.answered} requests"
                f" ({telling_line(self._log)}) → give it what it needs, as its database"
            )

    def _ended(self, code: int) -> Misconfigured:
        return Misconfigured(
            f"{self._start.target}: Gunicorn ended with exit code {code}"
            f" ({telling_line(self._log)}) → start it by hand to see why"
        )


def _agree(opinions: list[object], number: int) -> bool:
    """Return whether the last *number* of opinions are the same, and are any."""
    return opinions[-1] is not None and opinions[-number:] == [opinions[-1]] * number


async def _last_look(beside: Beside, tally: Tally, looker: Looker) -> Look:
    """Return what is known once the workers have told of everything they answered."""
    deadline = time.monotonic() + LAST_SAMPLES
    while True:
        seen = await asyncio.to_thread(looker.look, now())
        late = time.monotonic() > deadline or beside.stopped.is_set()
        if late or (seen.requests >= tally.answered and not seen.waits):
            return seen
        await asyncio.sleep(0.2)


def _report(last: Look, tally: Tally, took: float) -> verdict.Report:
    sent = tally.answered + tally.unanswered
    lost = f"{tally.unanswered:,} of {sent:,} requests had no answer ({tally.problem})"
    seen = verdict.Seen(
        requests=tally.answered,
        seconds=took,
        statuses=dict(tally.statuses),
        workers=last.workers,
        growing=last.growing,
        notes=(*last.notes, *([lost] if tally.unanswered else [])),
    )
    return verdict.conclude(last.found, seen)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
