"""The server's memory is bounded, whatever is sent to it."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.body_encodings import ENCODERS
from tests.support.bugsly_command import run_bugsly, running_bugsly

from bugsly.protocol.dsn import Dsn, parse_dsn
from bugsly_server.errors import Unavailable
from bugsly_server.ingest.buffer_budget import BufferBudget

MB = 1024 * 1024
MAX_MEGABYTES = 500
"""Of resident memory: what it takes idle, the room for bodies, and one that is being unpacked.

Four times as many senders reach the same 400 MB."""


def test_bytes_are_given_back_and_no_more_are_lent_than_there_are() -> None:
    room = BufferBudget(100, retry_after=7)
    with room.reservation() as first, room.reservation() as second:
        first(60)
        with pytest.raises(Unavailable) as refusal:
            second(41)
        assert refusal.value.retry_after == 7
        second(40)
    with room.reservation() as third:
        third(100)


def test_bytes_are_given_back_after_an_error_too() -> None:
    room = BufferBudget(100, retry_after=7)
    with pytest.raises(ZeroDivisionError), room.reservation() as take:
        take(100 // (100 - 100))
    with room.reservation() as take:
        take(100)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[int, Dsn]]:
    """A server in a process of its own: its pid and a DSN of it."""
    with running_bugsly("serve", "--port", "0", "--data-dir", str(tmp_path)) as command:
        address = command.await_output(r"serves at (http://\S+)")
        found = run_bugsly("dsn", "app", "--data-dir", str(tmp_path), "--public-url", address)
        yield command.process.pid, parse_dsn(found.stdout.strip().splitlines()[-1])


def resident_mb(pid: int, name: str = "VmHWM") -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) // 1024


def post(dsn: Dsn, body: bytes, headers: dict[str, str], statuses: list[int]) -> None:
    connection = http.client.HTTPConnection(dsn.host, dsn.port, timeout=60)
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={dsn.key}"}
    try:
        connection.request("POST", dsn.path, body, {**auth, **headers})
        statuses.append(connection.getresponse().status)
    except OSError:
        statuses.append(0)
    finally:
        connection.close()


def test_bombs_and_floods_do_not_fill_the_memory(process: tuple[int, Dsn]) -> None:
    pid, dsn = process
    assert resident_mb(pid) <= 90
    bomb = {name: (encoding, pack(b"\n" * 200 * MB)) for name, (encoding, pack) in ENCODERS.items()}
    bodies = [(body, {"Content-Encoding": encoding}) for encoding, body in bomb.values()] * 3
    bodies += [(b"{}\n" + b"\n" * 19 * MB, {})] * 12
    statuses: list[int] = []
    senders = [
        threading.Thread(target=post, args=(dsn, body, headers, statuses))
        for body, headers in bodies
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert resident_mb(pid) < MAX_MEGABYTES
    assert set(statuses) <= {200, 413, 503}
    assert statuses.count(413) >= len(bomb) * 3 - statuses.count(503)
    again: list[int] = []
    post(dsn, b"{}\n", {}, again)
    assert again == [200]
