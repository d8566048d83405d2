"""A Bugsly server that records what it is told and answers what a test wants it to answer."""

import gzip
import socket
import socketserver
import ssl
import sys
import threading
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec

from bugsly.protocol.envelope import parse_envelope
from bugsly.protocol.evidence import Holder, ProbeRequest, ProbeResult
from bugsly.protocol.memory import Exit, MemoryReport, Sample, WorkerInfo

PROJECT_KEY = "0123456789abcdef0123456789abcdef"
HANG_REPLY = None
"""The answer that does not come until the server is closed."""

ReplyBytes = bytes | None


def reply(status: int = 200, reason: str = "OK", body: bytes = b"", **headers: object) -> bytes:
    """Return the answer with *status*; an underscore in a name of *headers* is a hyphen."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status} {reason}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def reply_with_probe_requests(*asks: ProbeRequest) -> bytes:
    """Return the answer that takes what came, and asks for probes."""
    return reply(body=msgspec.json.encode({"id": "", "ask": asks}))


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    report: MemoryReport | None
    events: list[dict[str, Any]]
    size: int
    """Bytes of the largest item."""
    envelope_header: dict[str, Any]


class FakeServer:
    """Has a free port of loopback from the start, and listens there while in its `with` block."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[ReceivedRequest] = []
        self.queued_replies: deque[ReplyBytes] = deque()
        self.default_reply: ReplyBytes = reply()
        self.faults: list[BaseException] = []
        self._tls = tls
        self._closing = threading.Event()
        self._listener = _Listener(self, tls)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        return int(self._listener.server_address[1])

    @property
    def dsn(self) -> str:
        return f"{'https' if self._tls else 'http'}://{PROJECT_KEY}@127.0.0.1:{self.port}/1"

    def __enter__(self) -> Self:
        self._listener.server_activate()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        assert error is not None or self.faults == []

    def handle(self, request: socketserver.StreamRequestHandler) -> None:
        """Serve one connection, which the agent uses for one request."""
        received = read_request(request)
        if received is None:
            return
        self.received.append(received)
        answer = self.queued_replies.popleft() if self.queued_replies else self.default_reply
        if answer is HANG_REPLY:
            self._closing.wait()
        else:
            request.wfile.write(answer)

    @property
    def reports(self) -> list[MemoryReport]:
        return [one.report for one in self.received if one.report is not None]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events that came, those that came again too."""
        return [event for one in self.received for event in one.events]

    @property
    def samples(self) -> list[Sample]:
        return [sample for report in self.reports for sample in report.samples]

    @property
    def probe_results(self) -> list[ProbeResult]:
        """Return what came of asks."""
        return [one for each in self.reports if each.evidence for one in each.evidence.answers]

    @property
    def holders(self) -> dict[str, Holder]:
        """Return the holders heard of, as they were last described, by name."""
        found = [one for each in self.reports if each.evidence for one in each.evidence.holders]
        return {one.name: one for one in found}

    @property
    def workers(self) -> dict[str, WorkerInfo]:
        """Return every worker heard of, as it last spoke of itself, by its id."""
        return {report.worker.id: report.worker for report in self.reports}

    def worker_of(self, pid: int) -> WorkerInfo | None:
        return next((one for one in self.workers.values() if one.pid == pid), None)

    def samples_of(self, pid: int) -> list[Sample]:
        return [
            one for report in self.reports if report.worker.pid == pid for one in report.samples
        ]

    def exits_of(self, pid: int, *, by_itself: bool) -> list[Exit]:
        """Return what was said of the end of *pid*, by itself or by others."""
        worker = self.worker_of(pid)
        if worker is None:
            return []
        reports = [one for one in self.reports if (one.worker.id == worker.id) is by_itself]
        return [one for report in reports for one in report.exits if one.worker == worker.id]


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, owner: FakeServer, tls: ssl.SSLContext | None) -> None:
        self.owner = owner
        self._tls = tls
        super().__init__(("127.0.0.1", 0), _Connection, bind_and_activate=False)
        self.server_bind()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Keep what went wrong, but for clients that went away."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.owner.faults.append(error)


class _Connection(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        self.server.owner.handle(self)


def read_request(request: socketserver.StreamRequestHandler) -> ReceivedRequest | None:
    """Return the request that comes, None where the client goes away before its end."""
    line = request.rfile.readline().decode()
    headers = {}
    while (header := request.rfile.readline().decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name] = value.strip()
    length = int(headers.get("Content-Length", "0"))
    body = request.rfile.read(length)
    if not length or len(body) < length:
        return None
    envelope = parse_envelope(gzip.decompress(body))
    items = envelope.items
    assert {item.type for item in items} <= {"memory", "event"}
    reports = [
        msgspec.json.decode(item.payload, type=MemoryReport)
        for item in items
        if item.type == "memory"
    ]
    events = [msgspec.json.decode(item.payload) for item in items if item.type == "event"]
    assert len(reports) <= 1
    report = reports[0] if reports else None
    size = max(len(item.payload) for item in items)
    return ReceivedRequest(line.split()[1], headers, report, events, size, envelope.header)
