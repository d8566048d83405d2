"""A clock that stands still until a test moves it."""

from bugsly_server.clock import Micros

START: Micros = 1_787_281_920_000_000
"""2026-08-21 03:12:00 UTC."""


class FakeClock:
    """Is called like `clock.now`."""

    def __init__(self, at: Micros = START) -> None:
        self.at = at

    def __call__(self) -> Micros:
        return self.at

    def advance(self, by: Micros) -> None:
        self.at += by
