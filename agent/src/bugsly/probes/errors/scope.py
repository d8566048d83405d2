"""What is told beforehand, for the case of an error: breadcrumbs and the user, by request."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from itertools import islice
from time import time
from typing import TYPE_CHECKING, Protocol

from bugsly.protocol.event import Crumb
from bugsly.redact import GONE, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

MOST_CRUMBS = 40
ROOM = 16_000
"""Characters that the breadcrumbs of one request may take."""
LONGEST_MESSAGE = 500
LONGEST_WORD = 100
LONGEST_DETAIL = 200
MOST_DETAILS = 10


class InProgress(Protocol):
    """A request that is being answered."""

    scope: Scope | None
    begun: int
    """On the clock of `time.perf_counter_ns`."""

    @property
    def environ(self) -> WSGIEnvironment:
        """What the server told of it."""

    @property
    def endpoint(self) -> str:
        """Method and rule, as `GET /orders/<id>`."""


class Scope:
    """What was told in one request, or outside of any in one thread or greenlet."""

    __slots__ = ("_crumbs", "_size", "user")

    def __init__(self) -> None:
        self._crumbs: deque[Crumb] = deque()
        self._size = 0
        self.user = ""

    def add(self, category: str, level: str, message: str, details: Mapping[str, str]) -> None:
        """Add a breadcrumb; the oldest make room for it."""
        told = list(islice(details.items(), MOST_DETAILS))
        crumb = Crumb(
            at=time(),
            category=category[:LONGEST_WORD],
            level=level[:LONGEST_WORD],
            message=message[:LONGEST_MESSAGE],
            details={
                name[:LONGEST_WORD]: GONE if is_secret_name(name) else text[:LONGEST_DETAIL]
                for name, text in told
            },
        )
        self._crumbs.append(crumb)
        self._size += _size(crumb)
        while self._size > ROOM or len(self._crumbs) > MOST_CRUMBS:
            self._size -= _size(self._crumbs.popleft())

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """Return the breadcrumbs, oldest first."""
        return tuple(self._crumbs)


def _size(crumb: Crumb) -> int:
    details = sum(len(name) + len(text) for name, text in crumb.details.items())
    return len(crumb.category) + len(crumb.message) + details


OUTSIDE: ContextVar[Scope | None] = ContextVar("bugsly.scope", default=None)


class Scopes:
    """Finds the scope of the moment: that of the request in progress, else the thread's."""

    def __init__(self, current: Callable[[], InProgress | None]) -> None:
        self.current = current

    def look(self) -> Scope | None:
        """Return the scope, None where nothing was told."""
        call = self.current()
        return OUTSIDE.get() if call is None else call.scope

    def open(self) -> Scope:
        """Return the scope, made where there is none."""
        found = self.look()
        if found is None:
            found = Scope()
            call = self.current()
            if call is None:
                OUTSIDE.set(found)
            else:
                call.scope = found
        return found
