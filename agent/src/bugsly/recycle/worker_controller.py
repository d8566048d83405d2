"""How a worker leaves: what the safety net has to know of whatever serves the app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from bugsly.recycle.host_coordinator import WorkerSlot

if TYPE_CHECKING:
    from collections.abc import Callable


class WorkerController(Protocol):
    """The worker, as the safety net sees it."""

    @property
    def slot(self) -> WorkerSlot:
        """Return where it stands among its siblings."""

    unsupported_reason: str
    """Why it cannot leave without failing a request, and what to do; empty where it can."""
    reloads_code: bool
    """Whether its replacement reads the application's files anew."""
    keepalive_seconds: float
    """Seconds for which a connection may stay open after an answer, for another request."""
    grace_seconds: float
    """Seconds that requests in progress are given."""

    def is_serving(self) -> bool:
        """Return whether nobody else has told it to leave."""

    def has_no_connections(self) -> bool:
        """Return whether it is known that no connection is open."""

    def stop_accepting(self) -> None:
        """Take no more connections, where stopping alone would drop some."""

    def is_drained(self) -> bool:
        """Return whether stopping drops none."""

    def stop(self) -> None:
        """Let it end when its requests are done."""


class UnsupportedController:
    """Whatever it is that serves, it has not been said how to end it."""

    unsupported_reason = (
        "nothing is known here that replaces a worker"
        " → serve the app with Gunicorn, or call bugsly.recycle_by"
    )
    reloads_code = True
    keepalive_seconds = 0.0
    grace_seconds = 0.0

    @property
    def slot(self) -> WorkerSlot:
        """Return that it stands alone."""
        return WorkerSlot("0", 0, 1)

    def is_serving(self) -> bool:
        """Return that it does."""
        return True

    def has_no_connections(self) -> bool:
        """Return that it is not known."""
        return False

    def stop_accepting(self) -> None:
        """Do nothing."""

    def is_drained(self) -> bool:
        """Return that it need not wait."""
        return True

    def stop(self) -> None:
        """Do nothing."""


class CallbackController(UnsupportedController):
    """What the user's own *stop_worker* ends, one of *workers* of its parent."""

    unsupported_reason = ""

    def __init__(self, stop_worker: Callable[[], object], workers: int) -> None:
        self._stop_worker = stop_worker
        self._workers = workers

    @property
    def slot(self) -> WorkerSlot:
        """Return where the process stands that asks, which may be a fork."""
        return WorkerSlot(str(os.getppid()), 0, self._workers)

    def stop(self) -> None:
        """Do what the user says."""
        self._stop_worker()
