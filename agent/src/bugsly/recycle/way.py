"""How a worker leaves: what the safety net has to know of whatever serves the app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from bugsly.recycle.board import Post

if TYPE_CHECKING:
    from collections.abc import Callable


class Way(Protocol):
    """The worker, as the safety net sees it."""

    @property
    def post(self) -> Post:
        """Return where it stands among its siblings."""

    obstacle: str
    """Why it cannot leave without failing a request, and what to do; empty where it can."""
    from_disk: bool
    """Whether its replacement reads the application's files anew."""
    lingers: float
    """Seconds for which a connection may stay open after an answer, for another request."""
    grace: float
    """Seconds that requests in progress are given."""

    def serves(self) -> bool:
        """Return whether nobody else has told it to leave."""

    def is_empty(self) -> bool:
        """Return whether it is known that no connection is open."""

    def refuse(self) -> None:
        """Take no more connections, where stopping alone would drop some."""

    def drained(self) -> bool:
        """Return whether stopping drops none."""

    def stop(self) -> None:
        """Let it end when its requests are done."""


class NoWay:
    """Whatever it is that serves, it has not been said how to end it."""

    obstacle = (
        "nothing is known here that replaces a worker"
        " → serve the app with Gunicorn, or call bugsly.recycle_by"
    )
    from_disk = True
    lingers = 0.0
    grace = 0.0

    @property
    def post(self) -> Post:
        """Return that it stands alone."""
        return Post("0", 0, 1)

    def serves(self) -> bool:
        """Return that it does."""
        return True

    def is_empty(self) -> bool:
        """Return that it is not known."""
        return False

    def refuse(self) -> None:
        """Do nothing."""

    def drained(self) -> bool:
        """Return that it need not wait."""
        return True

    def stop(self) -> None:
        """Do nothing."""


class ByHand(NoWay):
    """What the user's own *leave* ends, one of *workers* of its parent."""

    obstacle = ""

    def __init__(self, leave: Callable[[], object], workers: int) -> None:
        self._leave = leave
        self._workers = workers

    @property
    def post(self) -> Post:
        """Return where the process stands that asks, which may be a fork."""
        return Post(str(os.getppid()), 0, self._workers)

    def stop(self) -> None:
        """Do what the user says."""
        self._leave()
