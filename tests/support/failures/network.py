"""Calls to other services; nothing listens on `port`."""

from tests.support.failures import Failure

CASES = (
    Failure(
        "connection-refused",
        """
        import requests

        requests.get(f"http://127.0.0.1:{port}/prices", timeout=3)
        """,
        ("127.0.0.1:", "refuses connections", "nothing listens", "container itself"),
        3,
    ),
    Failure(
        "connection-refused",
        """
        import redis

        with redis.Redis(port=port) as client:
            client.get("basket")
        """,
        ("localhost:", "refuses connections"),
        4,
    ),
    Failure(
        "host-unknown",
        """
        import requests

        requests.get("http://prices.invalid/today", timeout=3)
        """,
        ("prices.invalid:80", "cannot be resolved"),
        3,
    ),
    Failure(
        "answer-too-late",
        """
        import requests

        requests.get(f"http://127.0.0.1:{silent}/prices", timeout=0.05)
        """,
        ("127.0.0.1:", "did not answer in time", "a timeout of 0.05 s"),
        3,
    ),
    Failure(
        "database-unreachable",
        """
        import psycopg

        psycopg.connect(f"postgresql://shop@127.0.0.1:{port}/shop")
        """,
        ("`127.0.0.1:", "cannot be reached", "DATABASE_URL", "container itself"),
        3,
    ),
    Failure(
        "tls-to-plain-port",
        """
        import requests

        requests.get(f"https://127.0.0.1:{plain}/prices", timeout=3)
        """,
        ("does not speak TLS", "http://"),
        3,
    ),
)
