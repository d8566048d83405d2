"""Starts and drives an app, and has the heap of one of its workers walked meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from bugsly.protocol.evidence import Heap
from bugsly_server.cli.beside import Beside
from bugsly_server.cli.doctor_app import INTERRUPTED, Served, serving
from bugsly_server.cli.doctor_start import Start
from bugsly_server.cli.heap_worker import PATIENCE, Walks, heap_of, silent
from bugsly_server.clock import now
from bugsly_server.doctor.drive import Driver
from bugsly_server.doctor.plan import MOST_REQUESTS, Plan
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers
from bugsly_server.web import api

WARM_REQUESTS = 400
"""Answered before the first snapshot: what an app only needs once is there by then."""
PACE = 0.005
"""Seconds from request to request."""
LOOK_EVERY = 0.2


class HeapRun:
    """What happens between the start of the server and its end."""

    def __init__(self, start: Start, plan: Plan, requests: int, log: Path) -> None:
        """Walk over *requests* of a worker, which is sent what *plan* says."""
        self._start = start
        self._plan = plan
        self._requests = requests
        self._log = log
        self.walks: Walks | None = None
        """What came of it; None where it was interrupted."""

    async def work(self, beside: Beside) -> int:
        """Run; return the exit code of an interruption, else 0."""
        async with serving(self._start, self._log, beside) as app:
            driver = Driver(app.port, self._plan, PACE)
            driver.go_on(MOST_REQUESTS, PACE)
            driver.start()
            try:
                self.walks = await self._walk(beside, app, driver)
            finally:
                driver.stop()
        return INTERRUPTED if beside.stopped.is_set() else 0

    async def _walk(self, beside: Beside, app: Served, driver: Driver) -> Walks | None:
        """Return what the walks found, None where we are told to stop."""
        while await _goes_on(beside, app, driver):
            worker = await asyncio.to_thread(_busiest, beside)
            if worker is not None and worker.requests >= WARM_REQUESTS:
                growth = await _heap(beside, app, driver, worker, self._requests)
                most = await _heap(beside, app, driver, worker, 0)
                return None if most is None else Walks(pid=worker.pid, most=most, growth=growth)
        return None


async def _heap(
    beside: Beside, app: Served, driver: Driver, worker: Worker, requests: int
) -> Heap | None:
    """Return what a walk of that worker's heap found, None where we are told to stop."""
    database, deadline = beside.server.store.database, time.monotonic() + PATIENCE
    with database.writing() as connection:
        key = api.put_heap(connection, worker.id, requests, now())
    while await _goes_on(beside, app, driver):
        with database.reading() as connection:
            facts = api.ask_facts(connection, key)
        heap = None if facts is None else heap_of(facts, worker.pid)
        if heap is not None:
            return heap
        if time.monotonic() > deadline:
            raise silent(worker.pid)
    return None


async def _goes_on(beside: Beside, app: Served, driver: Driver) -> bool:
    """Wait a moment and return whether the run goes on; raise where it is of no use."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(beside.stopped.wait(), LOOK_EVERY)
    if not beside.stopped.is_set():
        app.check(driver.tally())
    return not beside.stopped.is_set()


def _busiest(beside: Beside) -> Worker | None:
    """Return the worker that has answered most."""
    with beside.server.store.database.reading() as connection:
        mine = projects.by_slug(connection, beside.project)
        living = [] if mine is None else workers.living(connection, mine.id)
    return max(living, key=lambda one: one.requests, default=None)
