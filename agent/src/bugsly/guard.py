"""The only place in the agent that swallows an exception.

Every hook that the host application calls runs inside a `Guard`. Failures there are counted by
name and reported with the next samples; with `BUGSLY_STRICT=1`, as in the tests, they are raised.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    Value = TypeVar("Value")


def _is_strict() -> bool:
    return os.environ.get("BUGSLY_STRICT") == "1"


class Guard:
    """A reusable `with` block that lets no exception of ours reach the application."""

    __slots__ = ("_failures", "_name")

    def __init__(self, name: str, failures: dict[str, int]) -> None:
        self._name = name
        self._failures = failures

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception) or _is_strict():
            return False
        count = self._failures.get(self._name, 0) + 1
        self._failures[self._name] = count
        if count == 1:
            _log_first_failure(self._name, error)
        return True


class Guards:
    """Makes the guards of one agent and keeps their common count."""

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}

    def __call__(self, name: str) -> Guard:
        """Return a guard for *name*, a dotted name such as `flask.install`."""
        return Guard(name, self.failures)


def call_or_default(function: Callable[[], Value], default: Value) -> Value:
    """Return what *function* returns, *default* where it raises.

    It runs code of the application, so its failures are not ours and not counted.
    """
    try:
        return function()
    except Exception:  # noqa: BLE001 - what the application's code raises can be anything
        return default


def _log_first_failure(name: str, error: Exception) -> None:
    import logging

    logging.getLogger("bugsly").warning(
        "bugsly %s: %.300r was swallowed → the app is not affected; more of the same are counted",
        name,
        error,
    )
