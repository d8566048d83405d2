"""Both sides of WSGI: applications of every kind, and a server that is strict with them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from tests.support.fake_agent import FakeAgent

from bugsly.integrations.wsgi import WsgiMiddleware
from bugsly.protocol.memory import SampledTraffic

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
TEXT_HEADERS = [("Content-Type", "text/plain")]
TEN_BYTE_HEADERS = [*TEXT_HEADERS, ("Content-Length", "10")]


@dataclass
class WsgiResponse:
    status: str = ""
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def environ_of(path: str = "/", method: str = "GET", **more: Any) -> dict[str, Any]:
    """Return the environ of a request, with the dots of *more*'s names written as `__`."""
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
    }
    environ |= {name.replace("__", "."): value for name, value in more.items()}
    setup_testing_defaults(environ)
    return environ


class WsgiServer:
    """Calls applications as PEP 3333 wants it, checked by the standard library's validator."""

    def __init__(self) -> None:
        self.answer = WsgiResponse()

    def start_response(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self.answer.status and exc_info is None:
            raise AssertionError("start_response was called twice without exc_info")
        self.answer.status, self.answer.headers = status, headers
        return self._write

    def _write(self, chunk: bytes) -> None:
        self.answer.body += chunk

    def call(self, application: Application, environ: dict[str, Any]) -> Iterable[bytes]:
        """Return the body of the response, not yet iterated."""
        self.answer = WsgiResponse()
        return application(environ, self.start_response)

    def get(self, application: Application, environ: dict[str, Any] | None = None) -> WsgiResponse:
        """Return the whole response."""
        body = self.call(validator(application), environ or environ_of())
        try:
            for chunk in body:
                self._write(chunk)
        finally:
            close_body(body)
        return self.answer


def close_body(body: Iterable[bytes]) -> None:
    """Do what a server does at the end of a response."""
    closing = getattr(body, "close", None)
    if closing is not None:
        closing()


def responding_app(body: Any, headers: Any = TEXT_HEADERS, status: str = "200 OK") -> Application:
    def application(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, headers)
        return body

    return application


def raising_app(error: BaseException) -> Application:
    def application(_environ: dict[str, Any], _start_response: Any) -> Any:
        raise error

    return application


class ChunkedBody:
    """A body as frameworks make it: iterated once, closed once."""

    def __init__(self, *chunks: bytes, fail: bool = False) -> None:
        self._chunks = chunks
        self._fail = fail
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._fail:
            raise OSError("the disk is gone")

    def close(self) -> None:
        self.closed += 1


class WatchedApplication:
    """An application wrapped, and what was counted of it."""

    def __init__(self, application: Application) -> None:
        self.fake = FakeAgent()
        self.wsgi = WsgiMiddleware(application, self.fake)
        self.server = WsgiServer()

    def call(self, **environ: Any) -> Any:
        return self.server.call(self.wsgi, environ_of(**environ))

    @property
    def in_flight(self) -> int:
        return self.fake.traffic.in_flight

    def take_traffic(self) -> SampledTraffic:
        (counted,) = self.fake.traffic.take_traffic()
        return counted
