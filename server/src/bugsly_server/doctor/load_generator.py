"""Sends the requests of a plan over several connections, and counts the answers."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass

from bugsly_server.doctor.load_plan import LoadPlan, RequestTemplate

RESPONSE_TIMEOUT_SECONDS = 90.0
"""Longer than Gunicorn waits for a worker, so that it is the one to give up."""
MAX_REQUESTS_PER_CONNECTION = 25
"""Requests after which a connection is made anew, by chance with another worker."""
MAX_IDLE_SECONDS = 1.0
"""Seconds after which Gunicorn may be about to close a connection."""
MAX_LATE_SECONDS = 1.0
"""Seconds of delay that are made up for, so that an app that hung is not flooded."""
RETRY_PAUSE_SECONDS = 0.2
"""After a request that was not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTally:
    """What was sent so far, and what came of it."""

    answered: int
    unanswered: int
    """Requests whose connection was refused, cut, or silent for too long."""
    statuses: tuple[tuple[int, int], ...]
    """Answers by status."""
    problem: str
    """Why the last of the unanswered failed."""
    silent_seconds: float
    """Seconds since the last answer, or since the start."""
    limit: int
    """How many are sent in all, as it stands."""

    @property
    def is_done(self) -> bool:
        """Return whether everything was sent, and answered or lost."""
        return self.answered + self.unanswered >= self.limit

    @property
    def server_errors(self) -> int:
        """Return how many answers say that the app itself does not work; a 502 may be meant."""
        return sum(count for status, count in self.statuses if status in {500, 503})


class LoadGenerator:
    """Clients of an app, in threads of their own."""

    def __init__(self, port: int, plan: LoadPlan, interval: float) -> None:
        """Aim at *port* of this host; *interval* is the time in seconds from request to request."""
        self._port = port
        self._interval = interval
        self._sequence = enumerate(plan.request_sequence())
        self._limit = plan.requests
        self._sent = 0
        self._due = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._statuses: Counter[int] = Counter()
        self._unanswered = 0
        self._problem = ""
        self._answered_at = time.monotonic()
        names = [f"client {number}" for number in range(plan.clients)]
        self._threads = [
            threading.Thread(target=self._run_client, name=name, daemon=True) for name in names
        ]

    def start(self) -> None:
        """Begin."""
        self._due = self._answered_at = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more; what is on its way is not waited for."""
        self._stop.set()

    def extend(self, requests: int, interval: float) -> None:
        """Send so many in all, at another pace, where that is more than before."""
        with self._lock:
            if requests > self._limit:
                self._limit, self._interval = requests, interval
                self._due = max(self._due, time.monotonic())

    @property
    def is_done(self) -> bool:
        """Return whether everything was sent, and answered or lost."""
        return self.tally().is_done

    def tally(self) -> RequestTally:
        """Return the counts of this moment."""
        with self._lock:
            return RequestTally(
                answered=self._statuses.total(),
                unanswered=self._unanswered,
                statuses=tuple(sorted(self._statuses.items())),
                problem=self._problem,
                silent_seconds=time.monotonic() - self._answered_at,
                limit=self._limit,
            )

    def _run_client(self) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=RESPONSE_TIMEOUT_SECONDS
        )
        used, used_at = 0, time.monotonic()
        while (next_request := self._next_request()) is not None:
            if used >= MAX_REQUESTS_PER_CONNECTION or time.monotonic() - used_at > MAX_IDLE_SECONDS:
                connection.close()
                used = 0
            if not self._send(connection, *next_request):
                connection.close()
                self._stop.wait(RETRY_PAUSE_SECONDS)
            used, used_at = used + 1, time.monotonic()
        connection.close()

    def _next_request(self) -> tuple[int, RequestTemplate] | None:
        """Return the next request once it is time for it, None once we are stopped."""
        while not self._stop.is_set():
            due = time.monotonic() + RETRY_PAUSE_SECONDS
            with self._lock:
                next_request = next(self._sequence) if self._sent < self._limit else None
                if next_request is not None:
                    self._sent += 1
                    due = self._due = (
                        max(self._due, time.monotonic() - MAX_LATE_SECONDS) + self._interval
                    )
            self._stop.wait(max(0.0, due - time.monotonic()))
            if next_request is not None:
                return None if self._stop.is_set() else next_request
        return None

    def _send(
        self, connection: http.client.HTTPConnection, number: int, template: RequestTemplate
    ) -> bool:
        try:
            connection.request(
                template.method,
                template.path_for(number),
                template.body_for(number),
                template.header_fields(),
            )
            answer = connection.getresponse()
            while answer.read(1 << 20):
                pass
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self._unanswered += 1
                self._problem = str(error) or type(error).__name__
            return False
        with self._lock:
            self._statuses[answer.status] += 1
            self._answered_at = time.monotonic()
        return True
