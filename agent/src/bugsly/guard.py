"""The only place in the agent that swallows an exception.

Every hook that the host application calls runs inside a `Guard`. What goes wrong there is counted
by place and reported with the next samples; with `BUGSLY_STRICT=1`, as in the tests, it is raised.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    Answer = TypeVar("Answer")


def _is_strict() -> bool:
    return os.environ.get("BUGSLY_STRICT") == "1"


class Guard:
    """A reusable `with` block that lets no exception of ours reach the application."""

    __slots__ = ("_failures", "_place")

    def __init__(self, place: str, failures: dict[str, int]) -> None:
        self._place = place
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
        count = self._failures.get(self._place, 0) + 1
        self._failures[self._place] = count
        if count == 1:
            _tell(self._place, error)
        return True


class Guards:
    """Makes the guards of one agent and keeps their common count."""

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}

    def __call__(self, place: str) -> Guard:
        """Return the guard of *place*, a dotted name such as `flask.install`."""
        return Guard(place, self.failures)


def answer_of(question: Callable[[], Answer], otherwise: Answer) -> Answer:
    """Return what *question* answers, *otherwise* where it raises.

    It asks code of the application, whose failures are none of ours and not counted.
    """
    try:
        return question()
    except Exception:  # noqa: BLE001 - what the application's code raises can be anything
        return otherwise


def _tell(place: str, error: Exception) -> None:
    import logging

    logging.getLogger("bugsly").warning(
        "bugsly %s: %r was swallowed → the app is not affected; more of the same are counted",
        place,
        error,
    )
