"""Sends many fuzzed requests on several connections, and collects how the server took them."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random

from tools.fuzz.http.connection import FuzzConnection, HttpOutcome
from tools.fuzz.http.fuzzed_server import FuzzedServer
from tools.fuzz.http.mutations import mutate
from tools.fuzz.http.request import FuzzedRequest
from tools.fuzz.http.templates import make_request

CONNECTIONS = 8
MAX_SECONDS = 1.0
"""For an answer."""
TRIES_ALONE = 3
REQUESTS_PER_MEASUREMENT = 1_000


class FuzzedLoad:
    """What became of the requests that one server was sent, and of its memory meanwhile."""

    def __init__(self, server: FuzzedServer, seed: int) -> None:
        self.statuses: Counter[int] = Counter()
        """Answers by status; 0 where the server closed the connection without one."""
        self.failed: list[FuzzedRequest] = []
        """Requests that were answered with 500."""
        self.slow: list[FuzzedRequest] = []
        """Requests whose answer took longer than a second beside others."""
        self.seconds: list[float] = []
        self.peak_rss = 0
        """Bytes, while the latest requests were sent."""
        self._server = server
        self._randoms = [Random(f"{seed}/{number}") for number in range(CONNECTIONS)]  # noqa: S311 - no secrets
        self._lock = threading.Lock()

    def send(self, requests: int) -> None:
        """Send *requests* more."""
        self.peak_rss = 0
        share = -(-requests // CONNECTIONS)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            sending = [pool.submit(self._send_share, share, random) for random in self._randoms]
        for sent in sending:
            sent.result()

    def hanging(self) -> list[FuzzedRequest]:
        """Return the slow requests whose answer takes as long each time with nothing beside it."""
        return [request for request in self.slow if self._is_slow_alone(request)]

    def _send_share(self, amount: int, random: Random) -> None:
        with closing(FuzzConnection(self._server.port)) as connection:
            for _ in range(amount):
                request = mutate(make_request(self._server.access, random), random)
                outcome = connection.send(request.on_wire(), is_framed=request.is_framed)
                with self._lock:
                    self._add(request, outcome)

    def _add(self, request: FuzzedRequest, outcome: HttpOutcome) -> None:
        self.statuses[outcome.status] += 1
        self.seconds.append(outcome.seconds)
        if outcome.status == 500:
            self.failed.append(request)
        if outcome.seconds > MAX_SECONDS:
            self.slow.append(request)
        if len(self.seconds) % REQUESTS_PER_MEASUREMENT == 0:
            rss = self._server.rss()
            self.peak_rss = max(self.peak_rss, rss)
            print(f"{len(self.seconds):,} requests, {rss / 1e6:.0f} MB", end="\r", flush=True)

    def _is_slow_alone(self, request: FuzzedRequest) -> bool:
        with closing(FuzzConnection(self._server.port)) as connection:
            tries = [
                connection.send(request.on_wire(), is_framed=request.is_framed).seconds
                for _ in range(TRIES_ALONE)
            ]
        return min(tries) > MAX_SECONDS
