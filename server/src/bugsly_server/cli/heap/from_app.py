"""Runs an app under load, and has the heap of one of its workers walked meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from bugsly.protocol.evidence import HeapGrowth
from bugsly_server.cli.heap.from_worker import (
    RESULT_TIMEOUT_SECONDS,
    HeapWalks,
    heap_of_facts,
    no_result_error,
)
from bugsly_server.cli.processes.gunicorn_app import INTERRUPTED_EXIT_CODE, ServedApp, serve_app
from bugsly_server.cli.processes.gunicorn_command import GunicornCommand
from bugsly_server.cli.processes.server_alongside import ServerAlongside
from bugsly_server.clock import now
from bugsly_server.doctor.load_generator import LoadGenerator
from bugsly_server.doctor.load_plan import MAX_REQUESTS, LoadPlan
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers
from bugsly_server.web import api

WARM_UP_REQUESTS = 400
"""Requests before the first snapshot, which fill what an app allocates only once."""
REQUEST_INTERVAL = 0.005
"""Seconds between requests."""
POLL_SECONDS = 0.2


class HeapRun:
    """One run of `heap` on an app: starts it, sends requests, has its heap walked."""

    def __init__(self, command: GunicornCommand, plan: LoadPlan, requests: int, log: Path) -> None:
        """Measure growth over *requests* requests of a worker; *plan* says what to send."""
        self._command = command
        self._plan = plan
        self._requests = requests
        self._log = log
        self.walks: HeapWalks | None = None
        """The result; None if the run was interrupted."""

    async def run(self, alongside: ServerAlongside) -> int:
        """Run; return 0, or 130 if interrupted."""
        async with serve_app(self._command, self._log, alongside) as app:
            driver = LoadGenerator(app.port, self._plan, REQUEST_INTERVAL)
            driver.extend(MAX_REQUESTS, REQUEST_INTERVAL)
            driver.start()
            try:
                self.walks = await self._walk(alongside, app, driver)
            finally:
                driver.stop()
        return INTERRUPTED_EXIT_CODE if alongside.stop_requested.is_set() else 0

    async def _walk(
        self, alongside: ServerAlongside, app: ServedApp, driver: LoadGenerator
    ) -> HeapWalks | None:
        """Return what the walks found, None if we are asked to stop."""
        while await _continues(alongside, app, driver):
            worker = await asyncio.to_thread(_busiest_worker, alongside)
            if worker is not None and worker.requests >= WARM_UP_REQUESTS:
                growth = await _walk_heap(alongside, app, driver, worker, self._requests)
                current = await _walk_heap(alongside, app, driver, worker, 0)
                return (
                    None
                    if current is None
                    else HeapWalks(pid=worker.pid, most=current, growth=growth)
                )
        return None


async def _walk_heap(
    alongside: ServerAlongside, app: ServedApp, driver: LoadGenerator, worker: Worker, requests: int
) -> HeapGrowth | None:
    """Return what a walk of that worker's heap found, None if we are asked to stop."""
    database, deadline = alongside.server.store.database, time.monotonic() + RESULT_TIMEOUT_SECONDS
    with database.writing() as connection:
        request_id = api.add_heap_request(connection, worker.id, requests, now())
    while await _continues(alongside, app, driver):
        with database.reading() as connection:
            facts = api.probe_request_facts(connection, request_id)
        heap = None if facts is None else heap_of_facts(facts, worker.pid)
        if heap is not None:
            return heap
        if time.monotonic() > deadline:
            raise no_result_error(worker.pid)
    return None


async def _continues(alongside: ServerAlongside, app: ServedApp, driver: LoadGenerator) -> bool:
    """Wait POLL_SECONDS; return whether to continue. Raise `Misconfigured` if the app fails."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(alongside.stop_requested.wait(), POLL_SECONDS)
    if not alongside.stop_requested.is_set():
        app.raise_if_hopeless(driver.tally())
    return not alongside.stop_requested.is_set()


def _busiest_worker(alongside: ServerAlongside) -> Worker | None:
    """Return the worker that has answered most requests, None if there is no worker."""
    with alongside.server.store.database.reading() as connection:
        project = projects.by_slug(connection, alongside.project)
        living = [] if project is None else workers.list_living(connection, project.id)
    return max(living, key=lambda worker: worker.requests, default=None)
