"""Sends the shop's traffic: customers who come and go, and a partner who stays connected.

A client that keeps its connection open stays with one Gunicorn worker, so a leak in one endpoint
shows in one worker.
"""

from __future__ import annotations

import http.client
import random
import sys
import threading
from urllib.parse import urlsplit

CUSTOMER_COUNT = 6
BROWSED_PATHS = (
    "/",
    "/products/7",
    "/products/120",
    "/products/999",
    "/search/Product 1",
    "/search/9",
)
CUSTOMER_PAUSE_SECONDS = 0.04
PARTNER_PAUSE_SECONDS = 0.025


def main(url: str) -> None:
    """Send requests to the shop at *url* until we are stopped."""
    host = urlsplit(url).netloc
    stop = threading.Event()
    for _ in range(CUSTOMER_COUNT):
        threading.Thread(target=_browse, args=(host, stop), daemon=True).start()
    _poll_feed(host, stop)


def _browse(host: str, stop: threading.Event) -> None:
    """Open a connection for each request."""
    choose = random.Random()  # noqa: S311 - of a shop window, not of a key
    while not stop.wait(choose.uniform(0.5, 1.5) * CUSTOMER_PAUSE_SECONDS):
        connection = http.client.HTTPConnection(host, timeout=5)
        _fetch(connection, choose.choice(BROWSED_PATHS).replace(" ", "%20"))
        connection.close()


def _poll_feed(host: str, stop: threading.Event) -> None:
    """Send every request through one connection."""
    connection = http.client.HTTPConnection(host, timeout=5)
    while not stop.wait(PARTNER_PAUSE_SECONDS):
        if not _fetch(connection, "/partner/feed"):
            connection.close()


def _fetch(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
