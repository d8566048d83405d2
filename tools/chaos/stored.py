"""What the data folder holds, read from its files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bugsly_server.clock import Micros
from tools.chaos.load import Record


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Give the file at *path* to read."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def spooled(folder: Path) -> int:
    """Return how many records wait."""
    with reading(folder / "spool.db") as connection:
        return int(connection.execute("SELECT count(*) FROM entry").fetchone()[0])


def events(folder: Path) -> tuple[dict[Record, Micros], int]:
    """Return when each event was counted, and how many times they were counted in all."""
    with reading(folder / "meta.db") as connection:
        rows = connection.execute("SELECT event_id, at FROM seen")
        seen = {(bytes(key).hex(), 0): at for key, at in rows}
        counted = connection.execute("SELECT coalesce(sum(events), 0) FROM grouping").fetchone()[0]
    return seen, int(counted)


def samples(folder: Path, name: str = "*.db") -> dict[Record, list[Micros]]:
    """Return when each sample was taken, as often as it is there, in the files called *name*.

    A damaged file that the server has had no reason to read yet counts for as much as can be read.
    """
    with reading(folder / "meta.db") as connection:
        tokens = dict(connection.execute("SELECT id, token FROM worker").fetchall())
    found: dict[Record, list[Micros]] = {}
    for path in (folder / "telemetry" / "samples").glob(name):
        with suppress(sqlite3.DatabaseError), reading(path) as connection:
            rows = connection.execute("SELECT worker_id, requests, at FROM sample")
            for worker_id, requests, at in rows:
                found.setdefault((tokens[worker_id], requests), []).append(at)
    return found
