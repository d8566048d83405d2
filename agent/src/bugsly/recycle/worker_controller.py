"""Lets a worker leave: what the recycler needs from the server that runs the app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from bugsly.recycle.host_coordinator import WorkerSlot

if TYPE_CHECKING:
    from collections.abc import Callable


class WorkerController(Protocol):
    """One worker of a server."""

    @property
    def slot(self) -> WorkerSlot:
        """Return its place among its siblings."""

    unsupported_reason: str
    """Why it cannot leave without failing a request, and what to do; empty where it can."""
    reloads_code: bool
    """Whether its replacement loads the application's files again."""
    keepalive_seconds: float
    """Seconds for which a connection may stay open after an answer, for another request."""
    grace_seconds: float
    """Seconds that requests in progress may take to end."""

    def is_serving(self) -> bool:
        """Return whether nothing else has told it to leave."""

    def has_no_connections(self) -> bool:
        """Return whether it surely has no open connection."""

    def stop_accepting(self) -> None:
        """Accept no more connections, where stopping alone would drop some."""

    def is_drained(self) -> bool:
        """Return whether stopping now drops no connection."""

    def stop(self) -> None:
        """Let it end once its requests have ended."""


class UnsupportedController:
    """A server whose workers we cannot end."""

    unsupported_reason = (
        "nothing is known here that replaces a worker"
        " → serve the app with Gunicorn, or call bugsly.recycle_by"
    )
    reloads_code = True
    keepalive_seconds = 0.0
    grace_seconds = 0.0

    @property
    def slot(self) -> WorkerSlot:
        """Return a slot without siblings."""
        return WorkerSlot("0", 0, 1)

    def is_serving(self) -> bool:
        """Return True: nothing is known that ends it."""
        return True

    def has_no_connections(self) -> bool:
        """Return False: its connections are not known."""
        return False

    def stop_accepting(self) -> None:
        """Do nothing."""

    def is_drained(self) -> bool:
        """Return True: there is nothing to wait for."""
        return True

    def stop(self) -> None:
        """Do nothing."""


class CallbackController(UnsupportedController):
    """One of *workers* workers of its parent, which the user's *stop_worker* ends."""

    unsupported_reason = ""

    def __init__(self, stop_worker: Callable[[], object], workers: int) -> None:
        self._stop_worker = stop_worker
        self._workers = workers

    @property
    def slot(self) -> WorkerSlot:
        """Return the slot of the calling process, which may be a fork."""
        return WorkerSlot(str(os.getppid()), 0, self._workers)

    def stop(self) -> None:
        """Call the user's function."""
        self._stop_worker()
