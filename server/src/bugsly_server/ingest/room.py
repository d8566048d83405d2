"""Bounds what the bodies of all requests together take in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bugsly_server.errors import Unavailable

Take = Callable[[int], None]


class Room:
    """So many bytes, lent to requests for as long as they last."""

    def __init__(self, most: int, pause: int) -> None:
        self._lock = threading.Lock()
        self._free = most
        self._pause = pause

    @contextmanager
    def guest(self) -> Iterator[Take]:
        """Give a function that takes bytes, which are given back at the end of the block.

        It raises `Unavailable` where there are not enough.
        """
        taken = 0

        def take(amount: int) -> None:
            nonlocal taken
            with self._lock:
                if amount > self._free:
                    raise Unavailable(
                        "server: too much arrives at once → send it again in a moment", self._pause
                    )
                self._free -= amount
                taken += amount

        try:
            yield take
        finally:
            with self._lock:
                self._free += taken
