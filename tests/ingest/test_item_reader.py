"""Reading items in processes of their own: whatever an item is, the server goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from tests.support.event_loop import ThreadedEventLoop, running_loop
from tests.support.events import payload
from tests.support.protocol_values import sample, worker
from tests.support.running_server import (
    HttpReply,
    RunningServer,
    ServedProject,
    running_server,
)
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import encode_report, encode_sample
from bugsly_server.errors import Unavailable
from bugsly_server.ingest import limits, reading_process
from bugsly_server.ingest.item_reader import ItemReader
from bugsly_server.ingest.item_reading import ItemToRead, ReadItem
from bugsly_server.ingest.reading_process import ReadingProcess

MEMORY = encode_report(worker(age=10_000_000_000), [encode_sample(sample())], (), {})
NESTED = b"[" * 500 + b"]" * 500
LARGE_EVENT = json.dumps({"extra": {f"k{n}": f"{n} token " * 20 for n in range(20_000)}}).encode()
"""Takes some hundred milliseconds to read."""
TOO_LONG = "event item that takes too long to read, or too much memory"


@pytest.fixture
def loop() -> Iterator[ThreadedEventLoop]:
    with running_loop() as loop:
        yield loop


@pytest.fixture
def process() -> Iterator[ReadingProcess]:
    process = ReadingProcess(0, max_waiting=10)
    yield process
    process.close()


@pytest.fixture
def reader() -> Iterator[ItemReader]:
    reader = ItemReader()
    yield reader
    reader.close()


def event(content: bytes = b'{"message": "x"}') -> ItemToRead:
    return ItemToRead("event", content, "{}", 1, ())


def read(
    loop: ThreadedEventLoop, process: ReadingProcess, item: ItemToRead, seconds: float = 5.0
) -> ReadItem | None:
    return loop.wait_for(lambda: process.read(item, seconds))


def child_of(process: ReadingProcess) -> subprocess.Popen[bytes]:
    assert process._child is not None
    return process._child


def post(server: RunningServer, project: ServedProject, *items: tuple[str, bytes]) -> HttpReply:
    return server.send(project.path, build_envelope({}, items), project.auth)


def test_an_item_that_takes_too_long_ends_its_reader_and_the_next_is_read(
    loop: ThreadedEventLoop, process: ReadingProcess
) -> None:
    assert read(loop, process, event(LARGE_EVENT), 0.02) is None
    found = read(loop, process, event())
    assert found is not None
    assert [json.loads(one)["message"] for one in found.payloads] == ["x"]


def test_an_item_that_takes_too_much_memory_ends_its_reader_and_the_next_is_read(
    loop: ThreadedEventLoop, process: ReadingProcess
) -> None:
    objects = b'{"a": [' + b"{}," * 9_000_000 + b"{}]}"
    assert read(loop, process, event(objects), 60.0) is None
    assert read(loop, process, event()) is not None


def test_a_reader_that_was_killed_is_started_anew(
    loop: ThreadedEventLoop, process: ReadingProcess
) -> None:
    read(loop, process, event())
    child_of(process).kill()
    child_of(process).wait()
    assert read(loop, process, event()) is not None


def test_an_item_that_cannot_be_handed_over_leaves_the_others_a_reader(
    loop: ThreadedEventLoop, process: ReadingProcess
) -> None:
    broken = msgspec.structs.replace(event(), secret_names=("\ud800",))
    with pytest.raises(Unavailable, match="cannot be read now"):
        read(loop, process, broken)
    assert read(loop, process, event()) is not None


def test_a_reader_without_work_is_ended(
    loop: ThreadedEventLoop, process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_process, "IDLE_SECONDS", 0.05)
    read(loop, process, event())
    wait_until(lambda: process._child is None, what="the end of the reader")
    assert read(loop, process, event()) is not None


def test_clients_are_asked_to_wait_where_too_much_waits(loop: ThreadedEventLoop) -> None:
    process = ReadingProcess(0, max_waiting=0)
    with pytest.raises(Unavailable, match="more waits than it can read"):
        read(loop, process, event())
    process.close()


def test_clients_are_asked_to_wait_where_no_reader_can_be_started(
    loop: ThreadedEventLoop, process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable, match=r"cannot start .* \(No such file or directory\) →"):
        read(loop, process, event())


def test_clients_are_asked_to_wait_where_a_reader_ends_before_it_reads(
    loop: ThreadedEventLoop, process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_process, "CHILD_MODULE", "bugsly_server.nowhere")
    with pytest.raises(Unavailable, match=r"ended with code 1 .* No module named"):
        read(loop, process, event())


def test_a_reader_that_reads_for_ever_does_not_hold_up_the_end_of_the_server(
    loop: ThreadedEventLoop,
) -> None:
    process = ReadingProcess(0, max_waiting=10)
    read(loop, process, event())
    os.kill(child_of(process).pid, signal.SIGSTOP)

    async def ask() -> asyncio.Future[ReadItem | None]:
        return process.read(event(), 5.0)

    loop.run(ask())
    process.close()
    assert process._child is None


def test_a_slow_item_is_read_where_large_ones_are_and_so_is_the_rest_of_its_project(
    loop: ThreadedEventLoop, reader: ItemReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FAST_PAYLOAD_BYTES", len(LARGE_EVENT))
    monkeypatch.setattr(limits, "FAST_CPU_SECONDS", 0.02)
    assert loop.run(reader.read(event(LARGE_EVENT), 1, 60.0)) is not None
    assert loop.run(reader.read(event(LARGE_EVENT), 1, 60.0)) is not None
    assert reader._fast._child is None
    assert loop.run(reader.read(event(), 2, 60.0)) is not None
    assert reader._fast._child is not None


def test_an_event_that_takes_too_long_is_counted_and_the_rest_of_the_envelope_is_kept(
    server: RunningServer, project: ServedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ENVELOPE_CPU_SECONDS", 0.02)
    items = (("event", payload(1)), ("event", LARGE_EVENT), ("event", payload(2)))
    reply = post(server, project, *items, ("memory", MEMORY))
    assert reply.status == 200
    assert json.loads(reply.body)["id"] == json.loads(payload(1))["event_id"]
    assert server.skipped(project) == {TOO_LONG: 2}
    wait_until(lambda: server.measured_workers(project), what="the worker")


def test_an_envelope_of_nothing_but_what_takes_too_long_is_refused(
    server: RunningServer, project: ServedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ENVELOPE_CPU_SECONDS", 0.02)
    reply = post(server, project, ("event", LARGE_EVENT))
    assert (reply.status, reply.detail) == (
        413,
        "items: take too long to read, or too much memory → send less at a time",
    )
    assert server.skipped(project) == {TOO_LONG: 1}


@pytest.mark.parametrize("name", ["context_line", "pre_context", "vars", "filename"])
def test_a_deeply_nested_part_of_a_frame_is_cut_out_and_the_rest_is_kept(
    server: RunningServer, project: ServedProject, name: str
) -> None:
    frames = b'{"stacktrace": {"frames": [{"%s": %s}]}}' % (name.encode(), NESTED)
    nested = b'{"message": "kept", "exception": {"values": [%s]}}' % frames
    reply = post(server, project, ("event", nested), ("memory", MEMORY))
    assert reply.status == 200
    assert len(json.loads(reply.body)["id"]) == 32
    wait_until(lambda: server.measured_workers(project), what="the worker")


def test_events_that_come_at_once_do_not_exceed_the_quota(tmp_path: Path) -> None:
    with running_server(tmp_path, events_per_day="5") as server:
        project = server.project("flooded")
        with ThreadPoolExecutor(20) as senders:
            sent = [
                senders.submit(post, server, project, ("event", payload(number)))
                for number in range(20)
            ]
        assert sorted(one.result().status for one in sent) == [200] * 5 + [429] * 15


def test_memory_is_taken_while_an_event_takes_for_ever_to_read(
    server: RunningServer, project: ServedProject
) -> None:
    post(server, project, ("event", payload(1)))
    child = child_of(server.server.envelopes._reader._fast)
    os.kill(child.pid, signal.SIGSTOP)
    replies: list[HttpReply] = []
    sender = threading.Thread(
        target=lambda: replies.append(post(server, project, ("event", payload(2))))
    )
    sender.start()
    try:
        assert post(server, project, ("memory", MEMORY)).status == 200
        assert server.send("/login", method="GET").status == 200
        assert replies == []
    finally:
        os.kill(child.pid, signal.SIGCONT)
        sender.join()
    assert [one.status for one in replies] == [200]
