"""Runs a task repeatedly on a thread; the only broad `except` in the server."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from bugsly_server.errors import BugslyError

LOG = logging.getLogger("bugsly")


class BackgroundTask(Protocol):
    """Something that is done for as long as the server runs."""

    def run_once(self) -> float:
        """Do one round, and return how many seconds to pause before the next."""

    def recover(self, error: Exception) -> float:
        """Recover from *error* in a round, and return how many seconds to pause."""


class BackgroundThread:
    """One thread of the server, which runs one task."""

    def __init__(self, name: str, task: BackgroundTask) -> None:
        self.name = name
        self.problem: str | None = None
        """What kept the last round from its work, as the log says it."""
        self._task = task
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Stop after the current round; return at the latest after *timeout* seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._task.run_once()
                self.problem = None
            except BugslyError as error:
                self._log_once(f"{self.name}: {error}")
                pause = self._task.recover(error)
            except Exception as error:
                self.problem = f"{self.name}: a round failed → it goes on; see the server's log"
                LOG.exception("%s: a round failed → it goes on", self.name)
                pause = self._task.recover(error)
            self._stopping.wait(pause)

    def _log_once(self, problem: str) -> None:
        """Log *problem* in one line, unless the round before had the same."""
        if problem != self.problem:
            self.problem = problem
            LOG.warning("%s", problem)
