"""Makes reports of memory from the gauges of SDKs that watch a process by themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from bugsly.protocol.memory import Sample, Worker, encode_report, encode_sample
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.digest.loose import line, mapping, moment, number, read_object, values

NAMES = frozenset(
    f"process.memory.{what}"
    for what in ("rss", "resident", "usage", "private", "uss", "working_set")
)
"""What a process holds as a whole; parts of it, as a heap, have no limit that kills it."""
PIDS = ("process.pid", "worker.pid", "pid")
UNITS = {
    "": 1,
    "none": 1,
    "byte": 1,
    "kilobyte": 10**3,
    "megabyte": 10**6,
    "gigabyte": 10**9,
    "kibibyte": 1 << 10,
    "mebibyte": 1 << 20,
    "gibibyte": 1 << 30,
}
NAME = 200
LARGEST = 1 << 50
MILLISECOND: Micros = SECOND // 1_000
EVERY: Micros = MINUTE
"""Nobody says how often a gauge is read; after three minutes without, its process is silent."""
MOST_PROCESSES = 50


class Gauge(NamedTuple):
    """The memory of a process at a moment of its own clock."""

    worker: Worker
    at: Micros
    size: int


def take_gauges(payload: bytes, received_at: Micros, skipped: Counter[str]) -> list[bytes]:
    """Return the payloads of `memory` items that say what the gauges in *payload* do.

    A worker is a host, a pid, a gauge and a release. The newest gauge of the item is dated by
    *received_at* and the others before it, so that the client's clock does not matter.
    """
    told = values(mapping(read_object(payload)).get("items"))
    read = [gauge for one in told if (gauge := _gauge(one)) is not None]
    if len(read) < len(told):
        skipped["metric that is no process's memory, not kept"] += len(told) - len(read)
    mine: dict[Worker, list[Gauge]] = defaultdict(list)
    for gauge in read:
        mine[gauge.worker].append(gauge)
    newest = max((gauge.at for gauge in read), default=0)
    return [
        _report(worker, gauges, newest, received_at)
        for worker, gauges in list(mine.items())[:MOST_PROCESSES]
    ]


def _gauge(loose: Mapping[str, Any]) -> Gauge | None:
    """Return *loose* as a gauge of a process's memory, None where it is another metric."""
    name = line(loose.get("name"), NAME)
    attributes = {
        key: mapping(one).get("value") for key, one in mapping(loose.get("attributes")).items()
    }
    pid = next((found for key in PIDS if (found := number(attributes.get(key), 1 << 32))), 0)
    unit = UNITS.get(line(loose.get("unit"), NAME), 0)
    size = number(loose.get("value"), LARGEST) * unit
    at = moment(loose.get("timestamp"))
    if name not in NAMES or not pid or at is None or not 0 < size <= LARGEST:
        return None
    host, release = (
        line(attributes.get(key), NAME) for key in ("server.address", "sentry.release")
    )
    identity = "\0".join((host, str(pid), name, release))
    return Gauge(
        Worker(
            id=blake2b(identity.encode(), digest_size=16).hexdigest(),
            pid=pid,
            host=host,
            machine="",
            age=0,
            every=EVERY,
            release=release,
            environment=line(attributes.get("sentry.environment"), NAME),
        ),
        at,
        size,
    )


def _report(worker: Worker, gauges: list[Gauge], newest: Micros, received_at: Micros) -> bytes:
    """Return the report of one process; samples are numbered by the millisecond they are of."""
    oldest = min(one.at for one in gauges)
    numbered = {(received_at - newest + one.at) // MILLISECOND: one for one in gauges}
    samples = (
        encode_sample(Sample(number=key, age=one.at - oldest, anonymous=one.size))
        for key, one in numbered.items()
    )
    return encode_report(replace(worker, age=newest - oldest), samples, (), {})
