"""Runs a step again and again on a thread; the only place in the server with a broad `except`."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from bugsly_server.errors import BugslyError

LOG = logging.getLogger("bugsly")


class Step(Protocol):
    """Something to be done for as long as the server runs."""

    def step(self) -> float:
        """Do a little, and return the seconds to pause before the next time."""

    def failed(self, error: Exception) -> float:
        """Make good what *error* broke off, and return the seconds to pause."""


class Background:
    """One thread of the server."""

    def __init__(self, name: str, work: Step) -> None:
        self._work = work
        self._problem = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Let the present step end, and return; at the latest after *timeout* seconds."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                pause = self._work.step()
                self._problem = ""
            except BugslyError as error:
                self._tell_once(str(error))
                pause = self._work.failed(error)
            except Exception as error:
                LOG.exception("%s: a step failed → it goes on", self._thread.name)
                pause = self._work.failed(error)
            self._closing.wait(pause)

    def _tell_once(self, problem: str) -> None:
        """Log *problem*, in one line, unless it is the one of the step before."""
        if problem != self._problem:
            self._problem = problem
            LOG.warning("%s: %s", self._thread.name, problem)
