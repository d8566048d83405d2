"""Runs an app under load until it is clear whether it leaks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from bugsly_server.cli.doctor.progress import RunProgress
from bugsly_server.cli.processes.gunicorn_app import INTERRUPTED_EXIT_CODE, ServedApp, serve_app
from bugsly_server.cli.processes.gunicorn_command import GunicornCommand
from bugsly_server.cli.processes.server_alongside import ServerAlongside
from bugsly_server.clock import Micros, now
from bugsly_server.doctor import run_verdict
from bugsly_server.doctor.load_generator import LoadGenerator, RequestTally
from bugsly_server.doctor.load_plan import LoadPlan
from bugsly_server.doctor.run_observation import RunObservation, RunObserver

OBSERVATION_SECONDS = 1.0
MIN_RUN_SECONDS = 20.0
"""Shortest duration of a run, which gives enough samples to fit a line."""
LAST_SAMPLES_SECONDS = 5.0
"""Longest wait for the samples of the last requests."""


class DoctorRun:
    """One run of `doctor`: starts the app, sends requests, observes, reports."""

    def __init__(
        self, command: GunicornCommand, plan: LoadPlan, duration: float, log: Path
    ) -> None:
        self._command = command
        self._plan = plan
        self._duration = duration
        self._request_interval = min(MIN_RUN_SECONDS, duration / 2) / plan.requests
        self._log = log
        self.report: run_verdict.DoctorReport | None = None
        """The result; None if the run was interrupted."""

    async def run(self, alongside: ServerAlongside) -> int:
        """Run; return 0, or 130 if interrupted."""
        started_at = now()
        async with serve_app(self._command, self._log, alongside) as app:
            if not alongside.stop_requested.is_set():
                self.report = await self._examine(alongside, app, started_at)
        return INTERRUPTED_EXIT_CODE if alongside.stop_requested.is_set() else 0

    async def _examine(
        self, alongside: ServerAlongside, app: ServedApp, started_at: Micros
    ) -> run_verdict.DoctorReport | None:
        driver = LoadGenerator(app.port, self._plan, self._request_interval)
        observer = RunObserver(alongside.server, alongside.project, started_at)
        started = time.monotonic()
        driver.start()
        with RunProgress() as progress:
            try:
                await self._drive_until_clear(alongside, driver, observer, progress, app)
            finally:
                driver.stop()
            duration = time.monotonic() - started
            last_observation = await _last_observation(alongside, driver.tally(), observer)
        return (
            None
            if alongside.stop_requested.is_set()
            else _make_report(last_observation, driver.tally(), duration)
        )

    async def _drive_until_clear(
        self,
        alongside: ServerAlongside,
        driver: LoadGenerator,
        observer: RunObserver,
        progress: RunProgress,
        app: ServedApp,
    ) -> None:
        """Return once all requests are sent, time is up, the result is clear, or we must stop."""
        deadline = time.monotonic() + self._duration
        opinions: list[object] = []
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(alongside.stop_requested.wait(), OBSERVATION_SECONDS)
            if alongside.stop_requested.is_set():
                return
            tally = driver.tally()
            app.raise_if_hopeless(tally)
            observation = await asyncio.to_thread(observer.observe, now())
            progress.show(tally, observation)
            may_leak = (
                bool(observation.growing)
                or observation.has_possible_growth
                or observation.has_pending_probes
                or any(opinions)
            )
            if tally.is_done and not self._extend(driver, tally, observation, may_leak=may_leak):
                return
            opinions.append(
                run_verdict.early_conclusion(
                    observation.diagnoses,
                    tally.answered,
                    tally.silent_seconds,
                    has_pending_probes=observation.has_pending_probes,
                )
            )
            if _do_opinions_agree(opinions, run_verdict.required_agreement(observation.diagnoses)):
                return

    def _extend(
        self,
        driver: LoadGenerator,
        tally: RequestTally,
        observation: RunObservation,
        *,
        may_leak: bool,
    ) -> bool:
        """Extend the load if more requests could change the result; return whether it did."""
        has_few_requests = tally.answered < run_verdict.MIN_CONCLUSIVE_REQUESTS
        is_open = run_verdict.needs_more_requests(
            observation.diagnoses,
            may_grow=may_leak,
            has_pending_probes=observation.has_pending_probes,
        )
        limit = (
            self._plan.total_with_overtime(
                tally.limit, has_pending_probes=observation.has_pending_probes
            )
            if has_few_requests or is_open
            else 0
        )
        driver.extend(limit, self._request_interval / 2)
        return limit > tally.limit


def _do_opinions_agree(opinions: list[object], number: int) -> bool:
    """Return whether the last *number* opinions are the same, and not None."""
    return opinions[-1] is not None and opinions[-number:] == [opinions[-1]] * number


async def _last_observation(
    alongside: ServerAlongside, tally: RequestTally, observer: RunObserver
) -> RunObservation:
    """Return the observation once workers have reported every request they answered."""
    deadline = time.monotonic() + LAST_SAMPLES_SECONDS
    while True:
        observation = await asyncio.to_thread(observer.observe, now())
        is_over = time.monotonic() > deadline or alongside.stop_requested.is_set()
        if is_over or (
            observation.requests >= tally.answered and not observation.has_pending_probes
        ):
            return observation
        await asyncio.sleep(0.2)


def _make_report(
    last_observation: RunObservation, tally: RequestTally, duration: float
) -> run_verdict.DoctorReport:
    sent = tally.answered + tally.unanswered
    lost_note = f"{tally.unanswered:,} of {sent:,} requests had no answer ({tally.problem})"
    facts = run_verdict.RunSummary(
        requests=tally.answered,
        seconds=duration,
        statuses=dict(tally.statuses),
        workers=last_observation.workers,
        growing=last_observation.growing,
        limits=last_observation.max_requests,
        notes=(*last_observation.notes, *([lost_note] if tally.unanswered else [])),
    )
    return run_verdict.build_report(last_observation.diagnoses, facts)
