"""One run of doctor: start, drive, look until it is clear, end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from bugsly_server.cli.beside import Beside
from bugsly_server.cli.doctor_app import INTERRUPTED, Served, serving
from bugsly_server.cli.doctor_start import Start
from bugsly_server.cli.doctor_watch import Watch
from bugsly_server.clock import Micros, now
from bugsly_server.doctor import verdict
from bugsly_server.doctor.drive import Driver, Tally
from bugsly_server.doctor.look import Look, Looker
from bugsly_server.doctor.plan import Plan

LOOK_EVERY = 1.0
SHORTEST = 20.0
"""Seconds that a run takes at least, for enough samples to see a line in."""
LAST_SAMPLES = 5.0
"""Seconds for the samples of the last requests to come in."""


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
        begun = now()
        async with serving(self._start, self._log, beside) as app:
            if not beside.stopped.is_set():
                self.report = await self._examine(beside, app, begun)
        return INTERRUPTED if beside.stopped.is_set() else 0

    async def _examine(self, beside: Beside, app: Served, begun: Micros) -> verdict.Report | None:
        driver = Driver(app.port, self._plan, self._pace)
        looker = Looker(beside.server, beside.project, begun)
        started = time.monotonic()
        driver.start()
        with Watch() as watch:
            try:
                await self._drive(beside, driver, looker, watch, app)
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
        app: Served,
    ) -> None:
        """Return when all is sent, when time is over, when it is clear, or when we are told to."""
        deadline = time.monotonic() + self._length
        opinions: list[object] = []
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(beside.stopped.wait(), LOOK_EVERY)
            if beside.stopped.is_set():
                return
            tally = driver.tally()
            app.check(tally)
            seen = await asyncio.to_thread(looker.look, now())
            watch.show(tally, seen)
            maybe = bool(seen.growing) or seen.rises or seen.waits or any(opinions)
            if tally.is_done and not self._goes_on(driver, tally, seen, maybe=maybe):
                return
            opinions.append(
                verdict.opinion(seen.found, tally.answered, tally.quiet, waits=seen.waits)
            )
            if _agree(opinions, verdict.agreeing(seen.found)):
                return

    def _goes_on(self, driver: Driver, tally: Tally, seen: Look, *, maybe: bool) -> bool:
        """Return whether more is sent, now that all is, because it could tell more."""
        few = tally.answered < verdict.ENOUGH
        is_open = verdict.is_open(seen.found, maybe=maybe, waits=seen.waits)
        limit = self._plan.overtime(tally.limit, waits=seen.waits) if few or is_open else 0
        driver.go_on(limit, self._pace / 2)
        return limit > tally.limit


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
        limits=last.limits,
        notes=(*last.notes, *([lost] if tally.unanswered else [])),
    )
    return verdict.conclude(last.found, seen)
