"""Brings the outbox to the server, on a thread of its own, and takes no for an answer."""

from __future__ import annotations

import gzip
import http.client
import logging
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from bugsly import __version__
from bugsly.protocol.envelope import CONTENT_TYPE, build_envelope
from bugsly.protocol.event import ITEM_TYPE as EVENT
from bugsly.protocol.memory import ITEM_TYPE as MEMORY
from bugsly.reply import LONGEST_PAUSE, Reply, Verdict, no_reply, pause_before, read_reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from bugsly.events import Finish
    from bugsly.guard import Guard
    from bugsly.outbox import Outbox
    from bugsly.protocol.dsn import Dsn
    from bugsly.protocol.evidence import Ask
    from bugsly.protocol.memory import Exit

    Asked = Callable[[Iterable[Ask]], None]
    Report = Callable[[Iterable[bytes], Iterable[Exit]], bytes]

LOG = logging.getLogger("bugsly")
BATCH = 200_000
"""Bytes of samples, and as many of events, in one envelope."""
TIMEOUT = 10.0
TOO_LARGE = 413
LAST_TIMEOUT = 1.0
"""For the attempt of a worker that is leaving."""


class Words(NamedTuple):
    """What the agent does about what is sent and what comes back."""

    report: Report
    """Makes the payload of samples and exits, empty where there is nothing to be said."""
    finish: Finish
    asked: Asked


class Sender:
    """Posts what waits; keeps it while the server is away, drops it when the server refuses it."""

    def __init__(self, dsn: Dsn, outbox: Outbox, words: Words, guard: Guard, worker: str) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._words = words
        self._guard = guard
        self._header = {"worker": worker}
        self._wake = threading.Event()
        self._settled = threading.Event()
        self._closing = threading.Event()
        self._tries = 0
        self._problem = ""
        self._lost_before = 0
        self._tls: ssl.SSLContext | None = None
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name="bugsly-sender", daemon=True)

    def start(self) -> None:
        """Begin to send whatever comes into the outbox."""
        self._thread.start()

    def wake(self) -> None:
        """Send now, unless a pause is due before the next try."""
        self._settled.clear()
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Return whether everything was settled within *timeout* seconds."""
        deadline = time.monotonic() + timeout
        while self._outbox and (left := deadline - time.monotonic()) > 0:
            self.wake()
            self._settled.wait(left)
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
        while self._outbox.due:
            events = self._ready_events()
            samples, exits = self._outbox.peek(BATCH)
            payload = self._words.report(samples, exits)
            if not payload and not events:
                return 0.0
            reply = self._post(payload, events)
            self._outbox.events.pause(reply.pause_of_errors)
            if events and self._is_for_events(reply):
                continue
            if reply.verdict is Verdict.AGAIN:
                self._tries += 1
                self._complain(reply.complaint)
                return pause_before(self._tries, reply.retry_after)
            self._tries = 0
            taken = reply.verdict is Verdict.TAKEN
            self._outbox.remove(samples, exits)
            self._outbox.evidence.settle(taken=taken)
            self._outbox.events.settle(events, taken=taken)
            if not taken:
                self.refused += len(samples)
                self._complain(reply.complaint)
                return LONGEST_PAUSE
            self._recovered()
            self._words.asked(reply.asks)
        return 0.0

    def _ready_events(self) -> list[bytes]:
        self._outbox.events.finish(self._words.finish)
        return self._outbox.events.peek(BATCH)

    def _is_for_events(self, reply: Reply) -> bool:
        """Return whether a refusal is for the events alone; the rest is tried without them."""
        if reply.status == TOO_LARGE:
            self._outbox.events.drop_first()
            return True
        return reply.verdict is Verdict.AGAIN and reply.pause_of_errors > 0

    def _post(self, payload: bytes, events: list[bytes]) -> Reply:
        items = [(MEMORY, payload)] if payload else []
        items += [(EVENT, event) for event in events]
        body = gzip.compress(build_envelope(self._header, items), 5)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Encoding": "gzip",
            "User-Agent": f"bugsly/{__version__}",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={self._dsn.key}",
        }
        connection = self._connection()
        try:
            connection.request("POST", self._dsn.path, body, headers)
            return read_reply(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            return no_reply(error)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        timeout = LAST_TIMEOUT if self._closing.is_set() else TIMEOUT
        if self._dsn.scheme == "http":
            return http.client.HTTPConnection(self._dsn.host, self._dsn.port, timeout=timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._dsn.host, self._dsn.port, timeout=timeout, context=self._tls
        )

    def _complain(self, problem: str) -> None:
        if not self._problem:
            self._lost_before = self._outbox.dropped
        if problem != self._problem:
            LOG.warning("Bugsly at %s: %s", self._server(), problem)
        self._problem = problem

    def _recovered(self) -> None:
        if self._problem:
            LOG.warning(
                "Bugsly at %s: it answers again; %d samples were dropped meanwhile",
                self._server(),
                self._outbox.dropped - self._lost_before,
            )
        self._problem = ""

    def _server(self) -> str:
        return f"{self._dsn.scheme}://{self._dsn.host}:{self._dsn.port}"
