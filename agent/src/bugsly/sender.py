"""Brings the outbox to the server, on a thread of its own, and takes no for an answer."""

from __future__ import annotations

import gzip
import http.client
import logging
import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bugsly.protocol.envelope import CONTENT_TYPE, build_envelope
from bugsly.protocol.memory import ITEM_TYPE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from bugsly.guard import Guard
    from bugsly.outbox import Outbox
    from bugsly.protocol.dsn import Dsn
    from bugsly.protocol.memory import Exit

    Report = Callable[[Iterable[bytes], Iterable[Exit]], bytes]

LOG = logging.getLogger("bugsly")
BATCH = 200_000
"""Bytes of samples in one envelope."""
TIMEOUT = 10.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_RETRY_AFTER = 3600.0
REPLY_BYTES = 64 * 1024
ASKED_TO_WAIT = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: *status* 0 means that it said nothing we can read."""

    status: int
    retry_after: float = 0.0
    problem: str = ""


class Sender:
    """Posts what waits; keeps it while the server is away, drops it when the server refuses it."""

    def __init__(self, dsn: Dsn, outbox: Outbox, report: Report, guard: Guard) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._report = report
        self._guard = guard
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._closing = threading.Event()
        self._tries = 0
        self._problem = ""
        self._tls: ssl.SSLContext | None = None
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name="bugsly-sender", daemon=True)

    def start(self) -> None:
        """Begin to send whatever comes into the outbox."""
        self._thread.start()

    def wake(self) -> None:
        """Send now, unless the server asked to wait."""
        self._settled.clear()
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Return whether everything was settled within *timeout* seconds."""
        self.wake()
        self._settled.wait(timeout)
        return not self._outbox

    def close(self, timeout: float) -> None:
        """Make one last attempt, bounded by *timeout* seconds, and end."""
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
            pause = LONGEST_PAUSE
            closing = self._closing.is_set()
            with self._guard:
                pause = self._settle()
            self._settled.set()
            if closing:
                return

    def _settle(self) -> float:
        """Send batch after batch; return the seconds to wait before more, 0 when all is sent."""
        while self._outbox:
            samples, exits = self._outbox.peek(BATCH)
            reply = self._post(self._report(samples, exits))
            if reply.status in ASKED_TO_WAIT or not 200 <= reply.status < 500:
                return self._back_off(reply)
            if reply.status >= 300:
                self.refused += len(samples)
                self._complain(
                    f"{reply.problem} → the samples are dropped, the next try is in a minute"
                )
            else:
                self._recovered()
            self._outbox.remove(samples, exits)
            if reply.status >= 300:
                return LONGEST_PAUSE
        return 0.0

    def _post(self, payload: bytes) -> Reply:
        body = gzip.compress(build_envelope({}, [(ITEM_TYPE, payload)]), 5)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Encoding": "gzip",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={self._dsn.key}",
        }
        connection = self._connection()
        try:
            connection.request("POST", self._dsn.path, body, headers)
            response = connection.getresponse()
            retry_after = _seconds(response.getheader("Retry-After"))
            return Reply(
                response.status, retry_after, f"it answered {response.status} {response.reason}"
            )
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, 0.0, str(error) or type(error).__name__)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        timeout = 1.0 if self._closing.is_set() else TIMEOUT
        if self._dsn.scheme == "http":
            return http.client.HTTPConnection(self._dsn.host, self._dsn.port, timeout=timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._dsn.host, self._dsn.port, timeout=timeout, context=self._tls
        )

    def _back_off(self, reply: Reply) -> float:
        self._tries += 1
        self._complain(
            f"{reply.problem} → samples wait in the worker, up to 1 MB, until it answers"
        )
        if reply.retry_after:
            return min(LONGEST_RETRY_AFTER, reply.retry_after) * random.uniform(1.0, 1.1)
        ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._tries - 1, 10))
        return ceiling * random.uniform(0.5, 1.0)

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            LOG.warning("%s://%s:%s: %s", self._dsn.scheme, self._dsn.host, self._dsn.port, problem)
        self._problem = problem

    def _recovered(self) -> None:
        self._tries = 0
        if self._problem:
            LOG.warning(
                "%s:%s: it answers again; %d samples were dropped meanwhile",
                self._dsn.host,
                self._dsn.port,
                self._outbox.dropped,
            )
        self._problem = ""


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return LONGEST_PAUSE
