"""A real server under many connections, slow clients, and clients that send too much."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.bugsly_command import running_bugsly
from tests.support.running_server import RunningServer, ServedProject, running_server
from tests.support.wait import wait_until

from bugsly_server.connections import bounded_protocol

FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("floods"), max_connections="16") as server:
        yield server


@pytest.fixture(scope="module")
def project(server: RunningServer) -> ServedProject:
    return server.project("shop")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


@contextmanager
def half_open(port: int, amount: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open *amount* connections that send no more than *sent*."""
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(port)) for _ in range(amount)]
        for connection in connections:
            connection.sendall(sent)
        yield connections


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@contextmanager
def soft_limit_of_open_files(amount: int) -> Iterator[None]:
    """Limit the descriptors of processes that the block starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (amount, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTT",
        head("/api/1/envelope/", "Content-Length: 100"),
        head("/login", FORM, "Content-Length: 100") + b"name=",
    ],
    ids=["nothing", "half a line", "no body", "half a form"],
)
def test_connections_that_send_half_a_request_lock_out_nobody(
    server: RunningServer, project: ServedProject, sent: bytes
) -> None:
    with half_open(server.port, 40, sent) as connections:
        for _ in range(20):
            assert server.send(project.path, b"{}\n", project.auth).status == 200
        assert is_closed(connections[0])


def test_a_request_in_progress_is_not_given_up_for_those_that_send_nothing(
    server: RunningServer,
) -> None:
    with connect(server.port) as slow:
        slow.sendall(head("/login", FORM, "Content-Length: 6") + b"name=x")
        with half_open(server.port, 40):
            assert slow.recv(100).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("sent", [b"GET", head("/login", FORM, "Content-Length: 9") + b"name"])
def test_a_request_that_does_not_arrive_in_time_is_given_up(
    server: RunningServer, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(bounded_protocol, "BODY_SECONDS", 0.2)
    with half_open(server.port, 1, sent) as (connection,):
        wait_until(lambda: is_closed(connection), what="the end of the connection")


def test_a_long_form_is_refused(server: RunningServer) -> None:
    body = b"name=" + b"x" * (bounded_protocol.MAX_PAGE_BODY_BYTES + 1)
    with connect(server.port) as connection:
        connection.sendall(head("/login", FORM, f"Content-Length: {len(body)}") + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_flood_of_requests_on_one_connection_is_refused(
    server: RunningServer, project: ServedProject
) -> None:
    request = head(project.path, f"X-Sentry-Auth: {project.auth['X-Sentry-Auth']}")
    answered = 0
    with connect(server.port) as connection, suppress(ConnectionError):
        connection.sendall(request * 200)
        while part := connection.recv(65_536):
            answered += part.count(b"HTTP/1.1 200 ")
    assert answered <= bounded_protocol.MAX_PIPELINED_REQUESTS
    assert server.send(project.path, b"{}\n", project.auth).status == 200


def test_headers_after_a_body_are_dropped(server: RunningServer, project: ServedProject) -> None:
    auth = f"X-Sentry-Auth: {project.auth['X-Sentry-Auth']}"
    start = head(project.path, auth, "Transfer-Encoding: chunked") + b"3\r\n{}\n\r\n0\r\n"
    with connect(server.port) as connection:
        connection.sendall(start + b"a: b\r\n" * 50_000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_leaves_halfway_through_a_form_is_no_error(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(server.port) as connection:
        connection.sendall(head("/login", FORM, "Content-Length: 9") + b"name")
    assert server.send("/login", method="GET").status == 200
    assert caplog.records == []


def test_few_descriptors_and_many_half_open_connections_neither_stop_it_nor_fill_the_log(
    tmp_path: Path,
) -> None:
    serve = ("serve", "--port", "0", "--data-dir", str(tmp_path))
    with soft_limit_of_open_files(256), running_bugsly(*serve) as command:
        port = int(command.await_output(r"serves at http://127.0.0.1:(\d+)"))
        resource.setrlimit(
            resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1:] * 2
        )
        with half_open(port, 400), connect(port) as good:
            good.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert good.recv(100).startswith(b"HTTP/1.1 200 ")
        assert len(command.output) < 5_000
        assert command.end() == 0


def test_a_process_without_descriptors_turns_clients_away_and_then_takes_them_again(
    tmp_path: Path,
) -> None:
    serve = ("serve", "--port", "0", "--data-dir", str(tmp_path))
    with running_bugsly(*serve) as command:
        port = int(command.await_output(r"serves at http://127.0.0.1:(\d+)"))
        pid = command.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened + 10, hard))
        with half_open(port, 60):
            command.await_output("no file can be opened any more")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
        with connect(port) as good:
            good.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert good.recv(100).startswith(b"HTTP/1.1 200 ")
        assert len(command.output) < 5_000
