"""Counts a WSGI application's requests, whatever framework and server are around it."""

from __future__ import annotations

from contextvars import ContextVar
from random import random
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bugsly.integrations.leaving import close_after
from bugsly.probes.errors.errors import Caught
from bugsly.probes.pool import settle
from bugsly.probes.survivors import SHARE, ref_of
from bugsly.probes.traffic import UNKNOWN, WORTH_A_LOOK, endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from weakref import ReferenceType

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from bugsly.agent import Agent
    from bugsly.probes.errors.scope import Scope
    from bugsly.probes.pool import Checkout
    from bugsly.probes.traffic import Endpoint

SEVERAL = 2
"""Pieces of a file, which the server reads as it sends."""
COUNTED = "bugsly.counted"
"""In the environ of a request that an outer layer counts already."""
UNCAUGHT = Caught("wsgi")
NOWHERE: WSGIEnvironment = {}
"""In the place of an environ that is done with."""
CURRENT: ContextVar[Call | None] = ContextVar("bugsly.call", default=None)
"""The request in progress in this thread or greenlet."""


class Wsgi:
    """The application it wraps, and the count of what it serves."""

    def __init__(self, application: WSGIApplication, agent: Agent) -> None:
        self.application = application
        self._agent = agent
        agent.served.add(self)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request as the application does, and count it."""
        if COUNTED in environ:
            return self.application(environ, start_response)
        environ[COUNTED] = True
        agent = self._agent
        if not agent.running:
            agent.start()
        call = Call(agent, environ, start_response)
        try:
            body = self.application(environ, call.start_response)
        except StopIteration:  # tells Gunicorn that the connection, a websocket, was taken over
            call.finish()
            raise
        except BaseException as error:
            call.failed(error)
            call.finish()
            raise
        return call.follow(body)


class Call:
    """One request on its way through the application."""

    __slots__ = (
        "__weakref__",
        "_agent",
        "_endpoint",
        "_errors",
        "_guard",
        "_start_response",
        "_survivors",
        "_traffic",
        "_watched",
        "announced",
        "begun",
        "environ",
        "pieces",
        "scope",
        "sent",
        "status",
        "taken",
    )

    def __init__(
        self, agent: Agent, environ: WSGIEnvironment, start_response: StartResponse
    ) -> None:
        self.environ = environ
        self._agent = agent
        self._start_response = start_response
        self._traffic = agent.traffic
        self._survivors = agent.survivors
        self._errors = agent.errors
        self.scope: Scope | None = None
        self._guard = agent.request_guard
        self._endpoint: Endpoint | None = None
        self.status = 0
        self.announced = -1
        self.sent = 0
        self.pieces = 0
        self.taken: list[Checkout] | None = []
        self._watched: ReferenceType[object] | None = None
        CURRENT.set(self)
        self._traffic.started()
        self.begun = perf_counter_ns()
        self._traffic.under_way.began(self)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Note endpoint, status and length, and hand on to the server's own.

        Flask takes its request out of the environ when the context is popped, which is before
        the body is sent, so this is the last moment to ask for the endpoint.
        """
        with self._guard:
            if self._agent.leaving:
                close_after(self._start_response)
            self._endpoint = endpoint_of(self.environ)
            self.announced = -1
            for name, value in headers:
                if len(name) == 14 and name.lower() == "content-length" and value.isdigit():
                    self.announced = int(value)
            self.status = int(status[:3])
            if self.status >= 500 or random() < SHARE:
                self._watched = ref_of(self.environ)
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    def failed(self, error: BaseException) -> None:
        """Note that *error* came out of the application."""
        self.status = 500
        self._errors.capture(error, UNCAUGHT)

    @property
    def endpoint(self) -> str:
        """Return method and rule, as `GET /orders/<id>`."""
        method, rule = self._endpoint or endpoint_of(self.environ)
        return f"{method} {rule}"

    def follow(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """Return *body*, wrapped where its end can only be known by following it.

        A list is left alone because servers derive Content-Length from a list of one, and the
        server's own file wrapper because it is what sendfile(2) needs.
        """
        if isinstance(body, (list, tuple)):
            with self._guard:
                self.sent = sum(map(len, body))
                self.pieces = 1  # all of it is in memory, in however many parts
        elif not _is_file(body, self.environ.get("wsgi.file_wrapper")):
            return Body(body, self)
        else:
            self.pieces = SEVERAL
        self.finish()
        return body

    def finish(self) -> None:
        """Count the request, with the announced length where there is one; HEAD sends nothing.

        What it took and did not give back is noted, and no part of it is kept.
        """
        CURRENT.set(None)
        self._traffic.under_way.ended(self)
        environ, self.environ = self.environ, NOWHERE
        if self._endpoint is None:
            with self._guard:
                self._endpoint = endpoint_of(environ)
        with self._guard:
            endpoint = self._endpoint or UNKNOWN
            self._count(endpoint)
            taken, self.taken = self.taken, None
            if taken:
                settle(taken, endpoint)
            if self._watched is not None:
                self._survivors.watch(self._watched, endpoint, failed=self.status >= 500)

    def _count(self, endpoint: Endpoint) -> None:
        micros = (perf_counter_ns() - self.begun) // 1000
        if endpoint[0] == "HEAD":
            self._traffic.finished(endpoint, self.status, micros, 0)
            return
        if self.pieces == 1 and self.sent < self.announced:
            self.pieces = SEVERAL  # the client left before the second
        sent = self.sent if self.announced < 0 else self.announced
        self._traffic.finished(endpoint, self.status, micros, sent, self.pieces)


def _is_file(body: object, wrapper: object) -> bool:
    """Return whether *body* is what the server's file wrapper made.

    A wrapper is a class, and in uWSGI a function that returns the file it is given.
    """
    if isinstance(wrapper, type):
        return isinstance(body, wrapper)
    return wrapper is not None and hasattr(body, "read")


class Body:
    """A response body whose close() ends the request.

    Its chunks are counted where it announced no length, or one that is worth a look.
    """

    __slots__ = ("_body", "_call", "_open")

    def __init__(self, body: Iterable[bytes], call: Call) -> None:
        self._body = body
        self._call = call
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        short = 0 <= self._call.announced < WORTH_A_LOOK
        return self._followed() if short else self._counted()

    def _followed(self) -> Iterator[bytes]:
        """Yield the chunks; `yield from` would close the body a second time."""
        try:
            for chunk in self._body:  # noqa: UP028 - see above
                yield chunk
        except Exception as error:
            self._call.failed(error)
            raise

    def _counted(self) -> Iterator[bytes]:
        try:
            for chunk in self._body:
                self._call.sent += len(chunk)
                if chunk:
                    self._call.pieces += 1
                yield chunk
        except Exception as error:
            self._call.failed(error)
            raise

    def close(self) -> None:
        """End the request, once the application has closed its own body."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except Exception as error:
            self._call.failed(error)
            raise
        finally:
            if self._open:
                self._open = False
                self._call.finish()
