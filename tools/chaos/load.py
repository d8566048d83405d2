"""Clients that send events and samples, each again until it is acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from typing import Protocol

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import Sample, WorkerInfo, encode_report, encode_sample
from tools.chaos.served import ServedFolder

RETRY_SECONDS = 0.05
PAUSE_SECONDS = 0.005
KINDS = 12
"""Of errors."""
WORKER_AGE = 3_600_000_000

Record = tuple[str, int]
"""An event is its id and 0, a sample the token of its worker and its number."""


class RecordSource(Protocol):
    """Makes records, one after the other."""

    def next_record(self) -> tuple[Record, bytes]:
        """Return the next record and the envelope that carries it."""


class EventSource:
    """Makes errors of a few kinds."""

    def __init__(self) -> None:
        self._number = 0

    def next_record(self) -> tuple[Record, bytes]:
        """See the protocol."""
        self._number += 1
        event_id = uuid.uuid4().hex
        problem = {"type": f"Kind{self._number % KINDS}Error", "value": f"number {self._number}"}
        event = {"event_id": event_id, "exception": {"values": [problem]}, "release": "1.0"}
        return (event_id, 0), build_envelope({}, [("event", json.dumps(event).encode())])


class SampleSource:
    """Makes the samples of a worker."""

    def __init__(self) -> None:
        self._number = 0
        self._worker = WorkerInfo(
            id=uuid.uuid4().hex, pid=1, host="web", machine="0a1b2c3d", age=WORKER_AGE,
            server="gunicorn", release="1.0", environment="chaos", python="3.11.7",
        )  # fmt: skip

    def next_record(self) -> tuple[Record, bytes]:
        """See the protocol."""
        self._number += 1
        sample = Sample(
            number=self._number, age=self._number * 1_000, anonymous=50_000_000,
            shared=9_000_000, requests=self._number, descriptors=9, threads=2,
            used=2_000_000_000, limit=8_000_000_000,
        )  # fmt: skip
        payload = encode_report(self._worker, [encode_sample(sample)], (), {})
        return (self._worker.id, self._number), build_envelope({}, [("memory", payload)])


class Load:
    """Threads that send; `acknowledged` are the records that the server took."""

    def __init__(self, served: ServedFolder) -> None:
        self.acknowledged: set[Record] = set()
        self.total = 0
        """How many were acknowledged; some of them are expected no longer."""
        self.sent: set[Record] = set()
        self.refusals = 0
        self.bad_replies: list[str] = []
        self._served = served
        self._running = threading.Event()
        self._stopping = threading.Event()
        self._counting = threading.Lock()
        sources: list[RecordSource] = [
            EventSource(),
            EventSource(),
            SampleSource(),
            SampleSource(),
        ]
        self._locks = [threading.Lock() for _ in sources]
        self._threads = [
            threading.Thread(target=self._run, args=pair, daemon=True)
            for pair in zip(sources, self._locks, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def resume(self) -> None:
        """Send again."""
        self._running.set()

    def pause(self) -> None:
        """Send no more; return once every record that was begun is acknowledged."""
        self._running.clear()
        for lock in self._locks:
            with lock:
                pass

    def close(self) -> None:
        """End the threads."""
        self._stopping.set()
        self._running.set()
        for thread in self._threads:
            thread.join()

    def _run(self, source: RecordSource, lock: threading.Lock) -> None:
        while not self._stopping.is_set():
            self._running.wait()
            with lock:
                if self._running.is_set():
                    self._send(*source.next_record())
            self._stopping.wait(PAUSE_SECONDS)

    def _send(self, record: Record, envelope: bytes) -> None:
        self.sent.add(record)
        while not self._stopping.is_set():
            try:
                reply = self._served.post(envelope)
            except (OSError, http.client.HTTPException):
                self._stopping.wait(RETRY_SECONDS)
                continue
            if reply.status == 200:
                self.acknowledged.add(record)
                with self._counting:
                    self.total += 1
                return
            self.refusals += 1
            if reply.status != 503 or not reply.retry_after:
                self.bad_replies.append(f"{reply.status}: {reply.body[:200]!r}")
            self._stopping.wait(RETRY_SECONDS)
