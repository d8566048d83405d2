"""Clients that send one request after another, and count from their side what became of them."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

REQUEST_INTERVAL_SECONDS = 0.01
"""Seconds between an answer and the next request of the same client."""


class HttpLoad:
    """What became of the requests so far."""

    def __init__(self, port: int, pace: float, observe: Callable[[], int]) -> None:
        self.answered: Counter[str] = Counter()
        """Answers by their body."""
        self.failed: list[str] = []
        self.min_observed = observe()
        self.stopping = threading.Event()
        self._port = port
        self._pace = pace
        self._observe = observe

    def send(self) -> None:
        """Send until told to stop, on one connection for as long as the server lets it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.stopping.wait(self._pace):
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
                continue
            if response.status == 200:
                self.answered[body] += 1
            else:
                self.failed.append(f"{response.status} {body}")
        connection.close()

    def watch_minimum(self) -> None:
        """Keep the least of what *observe* returns, until told to stop."""
        while not self.stopping.wait(REQUEST_INTERVAL_SECONDS):
            self.min_observed = min(self.min_observed, self._observe())


@contextmanager
def http_load(
    port: int,
    *,
    clients: int = 4,
    pace: float = REQUEST_INTERVAL_SECONDS,
    observe: Callable[[], int] = int,
) -> Iterator[HttpLoad]:
    """Send requests to *port* from as many *clients* until the end of the block."""
    made = HttpLoad(port, pace, observe)
    threads = [threading.Thread(target=made.send) for _ in range(clients)]
    threads.append(threading.Thread(target=made.watch_minimum))
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        for thread in threads:
            thread.join()


def hold_request(port: int, path: str) -> threading.Thread:
    """Send a request to *path*, and return the thread that waits for its answer."""

    def wait() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread
