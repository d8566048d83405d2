"""A clock that stands still until a test moves it."""

from bugsly_server.clock import Micros

START: Micros = 1_787_281_920_000_000
"""2026-08-21 03:12:00 UTC."""


class FakeClock:
    """A `Clock`; what is added to `at` passes, unless it was `set`."""

    def __init__(self, at: Micros = START) -> None:
        self.at = at
        self._set_by: Micros = 0

    def __call__(self) -> Micros:
        return self.at

    def advance(self, by: Micros) -> None:
        """Let time pass."""
        self.at += by

    def steady(self) -> Micros:
        return self.at - self._set_by

    def set(self, by: Micros) -> None:
        """Set it ahead or back, which takes no time."""
        self.at += by
        self._set_by += by
