"""Waiting for what another thread or process does, with a deadline instead of a sleep."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object], seconds: float = 10, what: str = "it") -> None:
    """Return once *condition* is true; fail after *seconds*, naming *what* did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: has not happened within {seconds:g} s")
        time.sleep(POLL_SECONDS)
