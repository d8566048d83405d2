"""Sends the outbox to the server on a thread of its own, and drops what the server refuses."""

from __future__ import annotations

import gzip
import http.client
import logging
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from bugsly.protocol.envelope import CONTENT_TYPE, build_envelope
from bugsly.protocol.event import ITEM_TYPE as EVENT_ITEM
from bugsly.protocol.memory import ITEM_TYPE as MEMORY_ITEM
from bugsly.server_reply import (
    MAX_RETRY_SECONDS,
    DeliveryOutcome,
    ServerReply,
    read_reply,
    reply_from_error,
    retry_delay,
)
from bugsly.version import __version__

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from bugsly.event_outbox import EncodeEvent
    from bugsly.guard import Guard
    from bugsly.outbox import Outbox
    from bugsly.protocol.dsn import Dsn
    from bugsly.protocol.evidence import ProbeRequest
    from bugsly.protocol.memory import Exit

    AcceptProbeRequests = Callable[[Iterable[ProbeRequest]], None]
    EncodeReport = Callable[[Iterable[bytes], Iterable[Exit]], bytes]

LOG = logging.getLogger("bugsly")
MAX_BATCH_BYTES = 200_000
"""Bytes of samples, and as many of events, in one envelope."""
TIMEOUT_SECONDS = 10.0
PAYLOAD_TOO_LARGE = 413
LOG_INTERVAL_SECONDS = 60.0
"""Between two problems that are logged: a server may answer otherwise each time."""
LAST_TIMEOUT_SECONDS = 1.0
"""For the last attempt of a worker that exits."""


class SenderCallbacks(NamedTuple):
    """Encodes what is sent, and takes the probe requests that come back."""

    encode_report: EncodeReport
    """Returns the payload of samples and exits, empty where there is nothing to report."""
    encode_event: EncodeEvent
    accept_probe_requests: AcceptProbeRequests


class Sender:
    """Posts what waits; keeps it while the server is away, drops what the server refuses.

    *header* is that of every envelope: which worker sends it, and its secret.
    """

    def __init__(
        self,
        dsn: Dsn,
        outbox: Outbox,
        callbacks: SenderCallbacks,
        guard: Guard,
        header: dict[str, str],
    ) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._callbacks = callbacks
        self._guard = guard
        self._header = header
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._closing = threading.Event()
        self._attempts = 0
        self._logged_problem = ""
        self._next_log_at = 0.0
        self._dropped_before = 0
        self._tls: ssl.SSLContext | None = None
        self._thread = threading.Thread(target=self._run, name="bugsly-sender", daemon=True)

    def start(self) -> None:
        """Start to send whatever comes into the outbox."""
        self._thread.start()

    def wake(self) -> None:
        """Send now, unless the next attempt has to wait."""
        self._settled.clear()
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Send; return whether the outbox was empty within *timeout* seconds."""
        deadline = time.monotonic() + timeout
        while self._outbox and (remaining := deadline - time.monotonic()) > 0:
            self.wake()
            self._settled.wait(remaining)
        return not self._outbox

    def close(self, timeout: float) -> None:
        """Make one last attempt and end; wait at most *timeout* seconds for that."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = 0.0
        while True:
            if pause:
                self._closing.wait(pause)
            else:
                self._wake.wait()
            self._wake.clear()
            pause = MAX_RETRY_SECONDS
            closing = self._closing.is_set()
            with self._guard:
                pause = self._send_waiting()
            self._settled.set()
            if closing:
                return

    def _send_waiting(self) -> float:
        """Send batch after batch; return the seconds until the next attempt, 0 when all is sent."""
        while self._outbox.is_due:
            events = self._encoded_events()
            samples, exits = self._outbox.peek(MAX_BATCH_BYTES)
            payload = self._callbacks.encode_report(samples, exits)
            if not payload and not events:
                return 0.0
            reply = self._post(payload, events)
            self._outbox.events.pause(reply.errors_rate_limited_seconds)
            if events and self._concerns_only_events(reply):
                continue
            if reply.outcome is DeliveryOutcome.RETRY:
                self._attempts += 1
                self._log_problem(reply.log_message)
                return retry_delay(self._attempts, reply.retry_after)
            self._attempts = 0
            accepted = reply.outcome is DeliveryOutcome.ACCEPTED
            self._outbox.remove(samples, exits)
            self._outbox.evidence.acknowledge(accepted=accepted)
            self._outbox.events.acknowledge(events, accepted=accepted)
            if not accepted:
                self._outbox.refused += len(samples)
                self._log_problem(reply.log_message)
                return MAX_RETRY_SECONDS
            self._log_recovery()
            self._callbacks.accept_probe_requests(reply.probe_requests)
        return 0.0

    def _encoded_events(self) -> list[bytes]:
        self._outbox.events.encode_pending(self._callbacks.encode_event)
        return self._outbox.events.peek(MAX_BATCH_BYTES)

    def _concerns_only_events(self, reply: ServerReply) -> bool:
        """Return whether a refusal concerns only the events; the rest is then sent without them."""
        if reply.status == PAYLOAD_TOO_LARGE:
            self._outbox.events.drop_first()
            return True
        return reply.outcome is DeliveryOutcome.RETRY and reply.errors_rate_limited_seconds > 0

    def _post(self, payload: bytes, events: list[bytes]) -> ServerReply:
        items = [(MEMORY_ITEM, payload)] if payload else []
        items += [(EVENT_ITEM, event) for event in events]
        body = gzip.compress(build_envelope(self._header, items), 5)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Encoding": "gzip",
            "User-Agent": f"bugsly/{__version__}",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={self._dsn.key}",
        }
        connection = self._connect()
        try:
            connection.request("POST", self._dsn.path, body, headers)
            return read_reply(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            return reply_from_error(error)
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        timeout = LAST_TIMEOUT_SECONDS if self._closing.is_set() else TIMEOUT_SECONDS
        if self._dsn.scheme == "http":
            return http.client.HTTPConnection(self._dsn.host, self._dsn.port, timeout=timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._dsn.host, self._dsn.port, timeout=timeout, context=self._tls
        )

    def _log_problem(self, problem: str) -> None:
        if not self._logged_problem:
            self._dropped_before = self._outbox.dropped
        if problem != self._logged_problem and time.monotonic() >= self._next_log_at:
            LOG.warning("Bugsly at %s: %s", self._server_address(), problem)
            self._logged_problem = problem
            self._next_log_at = time.monotonic() + LOG_INTERVAL_SECONDS

    def _log_recovery(self) -> None:
        if self._logged_problem:
            LOG.warning(
                "Bugsly at %s: it answers again; %d samples were dropped meanwhile",
                self._server_address(),
                self._outbox.dropped - self._dropped_before,
            )
        self._logged_problem = ""

    def _server_address(self) -> str:
        return f"{self._dsn.scheme}://{self._dsn.host}:{self._dsn.port}"
