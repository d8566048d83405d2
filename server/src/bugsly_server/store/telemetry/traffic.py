"""Traffic as rows: one for each worker and bucket, all of its endpoints in a few bytes each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bugsly_server.model.series import Served
from bugsly_server.store.ports import StoredSample
from bugsly_server.store.telemetry.tiers import bucket

SCHEMA = """
CREATE TABLE IF NOT EXISTS traffic (
    worker_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    served BLOB NOT NULL,
    PRIMARY KEY (worker_id, at)
) WITHOUT ROWID;
"""
FIND = "SELECT served FROM traffic WHERE worker_id = ? AND at = ?"
REPLACE = "INSERT OR REPLACE INTO traffic (worker_id, at, served) VALUES (?, ?, ?)"
SELECT = "SELECT served FROM traffic WHERE worker_id = ? AND at >= ? AND at < ?"

Counts = dict[int, list[int]]
"""By id of the endpoint: the fields of `Served` but for its name."""
Place = tuple[int, int]
"""A worker's id, and the beginning of a bucket."""

_decoder = msgspec.msgpack.Decoder(Counts)
encode = msgspec.msgpack.Encoder().encode
decode = _decoder.decode


def add(total: Counts, counts: Iterable[tuple[int, Sequence[int]]]) -> None:
    """Add *counts*, by endpoint, to *total*: all are sums, but for the biggest ones."""
    for key, more in counts:
        known = total.get(key)
        if known is None:
            total[key] = [*more]
            continue
        requests, client_errors, server_errors, micros, sent, biggest, whole, streamed = more
        known[0] += requests
        known[1] += client_errors
        known[2] += server_errors
        known[3] += micros
        known[4] += sent
        known[5] = max(known[5], biggest)
        known[6] = max(known[6], whole)
        known[7] += streamed


def by_place(samples: Iterable[StoredSample], width: int) -> dict[Place, list[StoredSample]]:
    """Return the *samples* that served something, by worker and bucket of *width*."""
    places: dict[Place, list[StoredSample]] = {}
    for sample in samples:
        if sample.traffic:
            places.setdefault((sample.worker_id, bucket(sample.at, width)), []).append(sample)
    return places


def add_samples(total: Counts, samples: Iterable[StoredSample]) -> None:
    """Add what *samples* served to *total*."""
    for sample in samples:
        add(total, [(key, served[1:]) for key, served in sample.traffic.items()])


def served(total: Counts) -> dict[int, Served]:
    """Return *total* as the port gives it; the endpoints' names are meta's."""
    return {key: Served("", *counts) for key, counts in total.items()}
