"""A real HTTP server that answers as a test says, and keeps what it was asked."""

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

BODY_CHUNK = b"x" * 65536
DRIP_SECONDS = 0.05


class RecordedRequest(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebServerHandler(BaseHTTPRequestHandler):
    """One request to a `WebServer`."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        web = self.server.web
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        web.requests.append(RecordedRequest("POST", self.path, dict(self.headers), body))
        answer = web.responders.pop(0) if len(web.responders) > 1 else web.responders[0]
        try:
            answer(self)
        except OSError:
            web.hung_up.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Responder = Callable[[WebServerHandler], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    web: "WebServer"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up, or trusts no certificate of ours, is what tests are after."""


class WebServer:
    """Listens on *host*; gives *responders* in order, and the last one for ever."""

    def __init__(
        self,
        *answers: Responder,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.responders = list(answers) or [respond_status(204)]
        self.requests: list[RecordedRequest] = []
        self.closing = threading.Event()
        self.hung_up = threading.Event()
        self._server = _Server((host, port), WebServerHandler)
        self._server.web = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        host = self._server.server_address[0]
        return f"http://{host!s}:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def respond_status(code: int, **headers: str) -> Responder:
    def answer(call: WebServerHandler) -> None:
        call.send_response(code)
        for name, value in headers.items():
            call.send_header(name, value)
        call.send_header("Content-Length", "0")
        call.end_headers()

    return answer


def respond_never(call: WebServerHandler) -> None:
    call.server.web.closing.wait()
    call.close_connection = True


def respond_slowly(call: WebServerHandler) -> None:
    """Send a header that never ends, a byte at a time."""
    call.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not call.server.web.closing.wait(DRIP_SECONDS):
        call.wfile.write(b"x")
    call.close_connection = True


def respond_endlessly(call: WebServerHandler) -> None:
    """Send a body until the client hangs up."""
    call.send_response(200)
    call.send_header("Content-Length", str(1 << 40))
    call.end_headers()
    while not call.server.web.closing.is_set():
        call.wfile.write(BODY_CHUNK)
