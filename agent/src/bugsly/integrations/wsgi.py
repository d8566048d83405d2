"""Counts the requests of a WSGI application, whatever its framework and server."""

from __future__ import annotations

from contextvars import ContextVar
from random import random
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bugsly.integrations.gunicorn_recycling import close_after_response
from bugsly.probes.connection_pool import count_left_open
from bugsly.probes.errors.error_reporter import CaptureContext
from bugsly.probes.surviving_requests import FOLLOWED_SHARE, request_ref
from bugsly.probes.traffic import MIN_LARGE_BODY_BYTES, UNKNOWN_ENDPOINT, endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from weakref import ReferenceType

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from bugsly.integrations.ports import WsgiAgent
    from bugsly.probes.connection_pool import Checkout
    from bugsly.probes.errors.scope import ErrorScope
    from bugsly.probes.traffic import EndpointKey

MULTIPLE_CHUNKS = 2
"""Stands for the chunks of a file, which the server reads as it sends."""
COUNTED_KEY = "bugsly.counted"
"""In the environ of a request that an outer layer already counts."""
WSGI_CAPTURE = CaptureContext("wsgi")
EMPTY_ENVIRON: WSGIEnvironment = {}
"""Replaces the environ of a request that has ended."""
CURRENT_REQUEST: ContextVar[TrackedRequest | None] = ContextVar("bugsly.call", default=None)
"""The request in progress in this thread or greenlet."""


class WsgiMiddleware:
    """Wraps an application, and counts its requests."""

    def __init__(self, application: WSGIApplication, agent: WsgiAgent) -> None:
        self.application = application
        self._agent = agent
        agent.wsgi_apps.add(self)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request as the application does, and count it."""
        if COUNTED_KEY in environ:
            return self.application(environ, start_response)
        environ[COUNTED_KEY] = True
        agent = self._agent
        if not agent.running:
            agent.start()
        request = TrackedRequest(agent, environ, start_response)
        try:
            body = self.application(environ, request.start_response)
        except StopIteration:  # tells Gunicorn that a websocket took the connection
            request.finish()
            raise
        except BaseException as error:
            request.record_failure(error)
            request.finish()
            raise
        return request.track_body(body)


class TrackedRequest:
    """One request while the application handles it."""

    __slots__ = (
        "__weakref__",
        "_agent",
        "_endpoint",
        "_environ_ref",
        "_errors",
        "_guard",
        "_start_response",
        "_survivors",
        "_traffic",
        "begun",
        "bytes_sent",
        "checkouts",
        "chunk_count",
        "content_length",
        "environ",
        "scope",
        "status",
    )

    def __init__(
        self, agent: WsgiAgent, environ: WSGIEnvironment, start_response: StartResponse
    ) -> None:
        self.environ = environ
        self._agent = agent
        self._start_response = start_response
        self._traffic = agent.traffic
        self._survivors = agent.survivors
        self._errors = agent.error_reporter
        self.scope: ErrorScope | None = None
        self._guard = agent.request_guard
        self._endpoint: EndpointKey | None = None
        self.status = 0
        self.content_length = -1
        self.bytes_sent = 0
        self.chunk_count = 0
        self.checkouts: list[Checkout] | None = []
        self._environ_ref: ReferenceType[object] | None = None
        CURRENT_REQUEST.set(self)
        self._traffic.request_started()
        self.begun = perf_counter_ns()
        self._traffic.in_flight_requests.request_started(self)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Note endpoint, status and length, and call the server's `start_response`.

        Flask removes its request from the environ when it pops the context, before the body is
        sent, so this is the last moment to read the endpoint.
        """
        with self._guard:
            if self._agent.recycle_reason:
                close_after_response(self._start_response)
            self._endpoint = endpoint_of(self.environ)
            self.content_length = -1
            for name, value in headers:
                if len(name) == 14 and name.lower() == "content-length" and value.isdigit():
                    self.content_length = int(value)
            self.status = int(status[:3])
            if self.status >= 500 or random() < FOLLOWED_SHARE:
                self._environ_ref = request_ref(self.environ)
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    def record_failure(self, error: BaseException) -> None:
        """Report *error*, which the application raised."""
        self.status = 500
        self._errors.capture_exception(error, WSGI_CAPTURE)

    @property
    def endpoint(self) -> str:
        """Return method and rule: `GET /orders/<id>`."""
        method, rule = self._endpoint or endpoint_of(self.environ)
        return f"{method} {rule}"

    def track_body(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """Return *body*, wrapped unless its end is known at once.

        A list is not wrapped because servers derive Content-Length from a list of one, nor is the
        server's own file wrapper, which sendfile(2) needs.
        """
        if isinstance(body, (list, tuple)):
            with self._guard:
                self.bytes_sent = sum(map(len, body))
                self.chunk_count = 1  # all of it is in memory, in however many parts
        elif not _is_file(body, self.environ.get("wsgi.file_wrapper")):
            return TrackedBody(body, self)
        else:
            self.chunk_count = MULTIPLE_CHUNKS
        self.finish()
        return body

    def finish(self) -> None:
        """Count the request, with the announced length where there is one; HEAD sends nothing.

        Note the connections it left open, and keep no reference to its environ.
        """
        CURRENT_REQUEST.set(None)
        self._traffic.in_flight_requests.request_finished(self)
        environ, self.environ = self.environ, EMPTY_ENVIRON
        if self._endpoint is None:
            with self._guard:
                self._endpoint = endpoint_of(environ)
        with self._guard:
            endpoint = self._endpoint or UNKNOWN_ENDPOINT
            self._count(endpoint)
            checkouts, self.checkouts = self.checkouts, None
            if checkouts:
                count_left_open(checkouts, endpoint)
            if self._environ_ref is not None:
                self._survivors.follow(self._environ_ref, endpoint, failed=self.status >= 500)

    def _count(self, endpoint: EndpointKey) -> None:
        micros = (perf_counter_ns() - self.begun) // 1000
        if endpoint[0] == "HEAD":
            self._traffic.request_finished(endpoint, self.status, micros, 0)
            return
        if self.chunk_count == 1 and self.bytes_sent < self.content_length:
            self.chunk_count = MULTIPLE_CHUNKS  # the client left before the second
        bytes_sent = self.bytes_sent if self.content_length < 0 else self.content_length
        self._traffic.request_finished(endpoint, self.status, micros, bytes_sent, self.chunk_count)


def _is_file(body: object, wrapper: object) -> bool:
    """Return whether the server's file wrapper created *body*.

    A wrapper is a class; in uWSGI it is a function that returns the file it is given.
    """
    if isinstance(wrapper, type):
        return isinstance(body, wrapper)
    return wrapper is not None and hasattr(body, "read")


class TrackedBody:
    """A response body whose close() ends the request.

    Its chunks are counted unless it announced a small length.
    """

    __slots__ = ("_body", "_is_open", "_request")

    def __init__(self, body: Iterable[bytes], request: TrackedRequest) -> None:
        self._body = body
        self._request = request
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        is_small = 0 <= self._request.content_length < MIN_LARGE_BODY_BYTES
        return self._tracked() if is_small else self._counted()

    def _tracked(self) -> Iterator[bytes]:
        """Yield the chunks; `yield from` would close the body a second time."""
        try:
            for chunk in self._body:  # noqa: UP028 - see above
                yield chunk
        except Exception as error:
            self._request.record_failure(error)
            raise

    def _counted(self) -> Iterator[bytes]:
        try:
            for chunk in self._body:
                self._request.bytes_sent += len(chunk)
                if chunk:
                    self._request.chunk_count += 1
                yield chunk
        except Exception as error:
            self._request.record_failure(error)
            raise

    def close(self) -> None:
        """Close the application's own body, then end the request."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except Exception as error:
            self._request.record_failure(error)
            raise
        finally:
            if self._is_open:
                self._is_open = False
                self._request.finish()
