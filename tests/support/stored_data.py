"""What a server's folder holds, read from its files."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path


def spooled_entries(folder: Path) -> int:
    """Return how many entries wait to be digested."""
    with closing(sqlite3.connect(folder / "spool.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM entry").fetchone()[0])


def stored_samples(folder: Path) -> dict[str, Counter[int]]:
    """Return for each worker's token how often each number of requests is among its samples."""
    with closing(sqlite3.connect(folder / "meta.db")) as connection:
        tokens = dict(connection.execute("SELECT id, token FROM worker").fetchall())
    found: dict[str, Counter[int]] = {token: Counter() for token in tokens.values()}
    for path in sorted((folder / "telemetry" / "samples").glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            for worker_id, requests in connection.execute("SELECT worker_id, requests FROM sample"):
                found[tokens[worker_id]][requests] += 1
    return found
