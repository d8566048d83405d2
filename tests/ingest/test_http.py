"""HTTP at ingest: methods, browsers, chunks, slow clients, and clients that disconnect."""

import socket
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import pytest
from tests.support.running_server import RunningServer, ServedProject
from tests.support.wait import wait_until

from bugsly_server.ingest import limits

MB = 1024 * 1024


def connect(server: RunningServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def head(project: ServedProject, *lines: str) -> bytes:
    """Return the head of a POST with the key and *lines*."""
    auth = f"X-Sentry-Auth: Sentry sentry_key={project.key}"
    return "\r\n".join(
        [f"POST {project.path} HTTP/1.1", "Host: here", auth, *lines, "", ""]
    ).encode()


def answer(connection: socket.socket) -> bytes:
    """Return all that arrives until the server closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def _send_all(connection: socket.socket, parts: Iterable[bytes]) -> None:
    for part in parts:
        connection.sendall(part)


def chunks(amount: int, size: int = 65_536) -> Iterator[bytes]:
    for _ in range(amount):
        yield b" " * size


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(
    server: RunningServer, project: ServedProject, method: str
) -> None:
    reply = server.send(project.path, b"", project.auth, method)
    assert reply.status == 405
    assert reply.headers["allow"] == "POST, OPTIONS"


def test_a_browser_may_send_a_preflight_request(
    server: RunningServer, project: ServedProject
) -> None:
    asked = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST"}
    reply = server.send(project.path, b"", asked, "OPTIONS")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "x-sentry-auth" in reply.headers["access-control-allow-headers"]


@pytest.mark.parametrize("body", [b"{}\n", b"nonsense"])
def test_a_browser_may_read_every_reply(
    server: RunningServer, project: ServedProject, body: bytes
) -> None:
    reply = server.send(project.path, body, {**project.auth, "Origin": "https://shop.test"})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "x-sentry-error" in reply.headers["access-control-expose-headers"]


def test_a_body_may_come_in_chunks(server: RunningServer, project: ServedProject) -> None:
    chunked = iter([b'{"event_id"', b': "abc"}', b"\n"])
    assert server.send(project.path, chunked, project.auth).body == b'{"id": "abc"}'


def test_a_body_over_the_limit_is_refused_by_its_length_before_it_is_sent(
    server: RunningServer, project: ServedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DRAIN_SECONDS", 0.0)
    with connect(server) as connection:
        connection.sendall(head(project, f"Content-Length: {limits.MAX_BODY_BYTES + 1}"))
        reply = answer(connection)
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in reply


def test_a_chunked_body_over_the_limit_is_refused(
    server: RunningServer, project: ServedProject
) -> None:
    reply = server.send(project.path, chunks(limits.MAX_BODY_BYTES // 65_536 + 2), project.auth)
    assert reply.status == 413
    assert reply.detail == f"body: longer than {limits.MAX_BODY_BYTES} bytes → send less at a time"


def test_a_body_of_exactly_the_limit_is_read(server: RunningServer, project: ServedProject) -> None:
    body = b"{}\n" + b"\n" * (limits.MAX_BODY_BYTES - 3)
    assert server.send(project.path, body, project.auth).status == 200


def test_a_refused_client_that_still_sends_gets_its_answer(server: RunningServer) -> None:
    stranger = {"X-Sentry-Auth": "Sentry sentry_key=stranger"}
    assert server.send("/api/1/envelope/", b"x" * 15 * MB, stranger).status == 403


def test_a_client_that_never_stops_sending_is_disconnected(
    server: RunningServer, project: ServedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DRAIN_SECONDS", 0.2)
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    endless = chain([head(project, "Transfer-Encoding: chunked")], repeat(chunk))
    with connect(server) as connection, pytest.raises(OSError, match=r"reset|pipe"):
        _send_all(connection, endless)


def test_a_body_that_takes_too_long_is_refused(
    server: RunningServer, project: ServedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_SECONDS", 0.2)
    with connect(server) as connection:
        connection.sendall(head(project, "Content-Length: 100") + b"{}")
        reply = answer(connection)
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in reply


def test_a_client_that_disconnects_halfway_does_no_harm(
    server: RunningServer, project: ServedProject
) -> None:
    for part in (b"", b"{", b"{}\n" * 100_000):
        with connect(server) as connection:
            connection.sendall(head(project, "Content-Length: 1000000") + part)
    assert server.send(project.path, b"{}\n", project.auth).status == 200
    wait_until(
        lambda: server.server.envelopes._buffer_budget._free == limits.MAX_BUFFERED_BYTES,
        what="the room",
    )


def test_one_connection_carries_many_requests(
    server: RunningServer, project: ServedProject
) -> None:
    request = head(project, "Content-Length: 3") + b"{}\n"
    last = head(project, "Content-Length: 3", "Connection: close") + b"{}\n"
    with connect(server) as connection:
        connection.sendall(request * 50 + last)
        assert answer(connection).count(b"HTTP/1.1 200 ") == 51


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /" + b"a" * 10_000_000,
        b"POST / HTTP/1.1\r\n" + b"x: y\r\n" * 1_000_000,
        b"POST / HTTP/1.1\r\nx: " + b"y" * 10_000_000,
    ],
    ids=["path", "headers", "header"],
)
def test_a_head_without_end_is_cut_off(server: RunningServer, sent: bytes) -> None:
    with connect(server) as connection:
        try:
            connection.sendall(sent)
            assert answer(connection).startswith(b"HTTP/1.1 4")
        except OSError:
            assert len(sent) > 100_000


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST /api/1/envelope/ HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /api/1/envelope/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /api/1/envelope/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST \xff\xfe HTTP/1.1\r\n\r\n",
        b"POST * HTTP/1.1\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(
    server: RunningServer, project: ServedProject, sent: bytes
) -> None:
    with connect(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 5" not in answer(connection)
    assert server.send(project.path, b"{}\n", project.auth).status == 200
