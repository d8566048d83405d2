"""Limits the memory that the bodies of all requests take together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bugsly_server.errors import Unavailable

TakeBytes = Callable[[int], None]


class BufferBudget:
    """A number of bytes that requests borrow from while they run."""

    def __init__(self, max_bytes: int, retry_after: int) -> None:
        self._lock = threading.Lock()
        self._free = max_bytes
        self._retry_after = retry_after

    @contextmanager
    def reservation(self) -> Iterator[TakeBytes]:
        """Give a function that borrows bytes until the end of the block.

        It raises `Unavailable` where there are not enough.
        """
        taken = 0

        def take_bytes(amount: int) -> None:
            nonlocal taken
            with self._lock:
                if amount > self._free:
                    raise Unavailable(
                        "server: too much arrives at once → send it again in a moment",
                        self._retry_after,
                    )
                self._free -= amount
                taken += amount

        try:
            yield take_bytes
        finally:
            with self._lock:
                self._free += taken
