"""Traffic as rows: one for each worker and bucket, all of its endpoints in a few bytes each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bugsly_server.model.time_series import EndpointTraffic
from bugsly_server.store.ports import StoredSample
from bugsly_server.store.telemetry.tiers import bucket_start

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

TrafficCounts = dict[int, list[int]]
"""By id of the endpoint: the fields of `Served` but for its name."""
TrafficKey = tuple[int, int]
"""A worker's id, and the beginning of a bucket."""

_decoder = msgspec.msgpack.Decoder(TrafficCounts)
encode = msgspec.msgpack.Encoder().encode


def decode(served: bytes) -> TrafficCounts:
    """Return what `encode` was given; nothing where that is damaged."""
    try:
        return _decoder.decode(served)
    except msgspec.MsgspecError:
        return {}


def add_counts(total: TrafficCounts, counts: Iterable[tuple[int, Sequence[int]]]) -> None:
    """Add *counts*, by endpoint, to *total*: all are sums, but for the biggest ones."""
    for key, more in counts:
        sums = total.get(key)
        if sums is None:
            total[key] = [*more]
            continue
        requests, client_errors, server_errors, micros, sent, biggest, whole, streamed = more
        sums[0] += requests
        sums[1] += client_errors
        sums[2] += server_errors
        sums[3] += micros
        sums[4] += sent
        sums[5] = max(sums[5], biggest)
        sums[6] = max(sums[6], whole)
        sums[7] += streamed


def by_key(samples: Iterable[StoredSample], width: int) -> dict[TrafficKey, list[StoredSample]]:
    """Return the *samples* that served something, by worker and bucket of *width*."""
    samples_by_key: dict[TrafficKey, list[StoredSample]] = {}
    for sample in samples:
        if sample.traffic:
            samples_by_key.setdefault(
                (sample.worker_id, bucket_start(sample.at, width)), []
            ).append(sample)
    return samples_by_key


def add_samples(total: TrafficCounts, samples: Iterable[StoredSample]) -> None:
    """Add what *samples* served to *total*."""
    for sample in samples:
        add_counts(total, [(key, served[1:]) for key, served in sample.traffic.items()])


def to_served(total: TrafficCounts) -> dict[int, EndpointTraffic]:
    """Return *total* as the port gives it; the endpoints' names are meta's."""
    return {key: EndpointTraffic("", *counts) for key, counts in total.items()}
