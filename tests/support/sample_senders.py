"""Clients that send sample after sample, each again until it is acknowledged."""

import http.client
import threading
import uuid
from collections.abc import Callable
from typing import NamedTuple

from tests.support.protocol_values import sample, worker

from bugsly.protocol.dsn import Dsn
from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import encode_report, encode_sample

RETRY_SECONDS = 0.02


class SenderReply(NamedTuple):
    """What a server answered."""

    status: int
    retry_after: str
    body: bytes


class SampleSender:
    """One worker on a thread of its own; `acknowledged` counts its samples, from 1."""

    def __init__(self, dsn: Callable[[], Dsn]) -> None:
        self.token = uuid.uuid4().hex
        self.acknowledged = 0
        self.refusals: list[SenderReply] = []
        self._dsn = dsn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def send(self, number: int) -> SenderReply:
        """Send sample *number*; its requests are its number, by which it is found again."""
        taken = encode_sample(sample(number, age=number * 1_000, requests=number))
        payload = encode_report(worker(id=self.token, age=3_600_000_000), [taken], (), {})
        dsn = self._dsn()
        connection = http.client.HTTPConnection(dsn.host, dsn.port, timeout=10)
        try:
            auth = {"X-Sentry-Auth": f"Sentry sentry_key={dsn.key}"}
            connection.request("POST", dsn.path, build_envelope({}, [("memory", payload)]), auth)
            reply = connection.getresponse()
            return SenderReply(reply.status, reply.getheader("Retry-After", ""), reply.read())
        finally:
            connection.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                server_reply = self.send(self.acknowledged + 1)
            except (OSError, http.client.HTTPException):
                self._stop.wait(RETRY_SECONDS)
                continue
            if server_reply.status == 200:
                self.acknowledged += 1
            else:
                self.refusals.append(server_reply)
                self._stop.wait(RETRY_SECONDS)
