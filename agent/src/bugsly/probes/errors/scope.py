"""Keeps breadcrumbs and the user of a request, for the event of an error in it."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from itertools import islice
from time import time
from typing import TYPE_CHECKING, Protocol

from bugsly.protocol.event import CapturedBreadcrumb
from bugsly.redact import REDACTED, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

MAX_BREADCRUMBS = 40
MAX_BREADCRUMBS_LENGTH = 16_000
"""Characters of all breadcrumbs of one request."""
MAX_BREADCRUMB_MESSAGE_LENGTH = 500
MAX_DETAIL_NAME_LENGTH = 100
MAX_DETAIL_LENGTH = 200
MAX_DETAILS = 10


class CurrentRequest(Protocol):
    """The request in progress."""

    scope: ErrorScope | None
    begun: int
    """By `time.perf_counter_ns`."""

    @property
    def environ(self) -> WSGIEnvironment:
        """Return its WSGI environment."""

    @property
    def endpoint(self) -> str:
        """Return method and rule, such as `GET /orders/<id>`."""


class ErrorScope:
    """Breadcrumbs and user of one request, or of one thread or greenlet outside requests."""

    __slots__ = ("_crumbs", "_size", "user")

    def __init__(self) -> None:
        self._crumbs: deque[CapturedBreadcrumb] = deque()
        self._size = 0
        self.user = ""

    def add_breadcrumb(
        self, category: str, level: str, message: str, details: Mapping[str, str]
    ) -> None:
        """Add a breadcrumb; drop the oldest ones beyond the limits."""
        kept_details = list(islice(details.items(), MAX_DETAILS))
        crumb = CapturedBreadcrumb(
            at=time(),
            category=category[:MAX_DETAIL_NAME_LENGTH],
            level=level[:MAX_DETAIL_NAME_LENGTH],
            message=message[:MAX_BREADCRUMB_MESSAGE_LENGTH],
            details={
                name[:MAX_DETAIL_NAME_LENGTH]: REDACTED
                if is_secret_name(name)
                else text[:MAX_DETAIL_LENGTH]
                for name, text in kept_details
            },
        )
        self._crumbs.append(crumb)
        self._size += _breadcrumb_length(crumb)
        while self._size > MAX_BREADCRUMBS_LENGTH or len(self._crumbs) > MAX_BREADCRUMBS:
            self._size -= _breadcrumb_length(self._crumbs.popleft())

    @property
    def crumbs(self) -> tuple[CapturedBreadcrumb, ...]:
        """Return the breadcrumbs, oldest first."""
        return tuple(self._crumbs)


def _breadcrumb_length(crumb: CapturedBreadcrumb) -> int:
    details = sum(len(name) + len(text) for name, text in crumb.details.items())
    return len(crumb.category) + len(crumb.message) + details


SCOPE_OUTSIDE_REQUESTS: ContextVar[ErrorScope | None] = ContextVar("bugsly.scope", default=None)


class ScopeFinder:
    """Finds the current scope: that of the request in progress, else of the thread."""

    def __init__(self, current_request: Callable[[], CurrentRequest | None]) -> None:
        self.current_request = current_request

    def find(self) -> ErrorScope | None:
        """Return the scope, None if nothing has been recorded."""
        request = self.current_request()
        return SCOPE_OUTSIDE_REQUESTS.get() if request is None else request.scope

    def find_or_create(self) -> ErrorScope:
        """Return the scope, and create it if there is none."""
        found = self.find()
        if found is None:
            found = ErrorScope()
            request = self.current_request()
            if request is None:
                SCOPE_OUTSIDE_REQUESTS.set(found)
            else:
                request.scope = found
        return found
