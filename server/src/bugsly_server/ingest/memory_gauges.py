"""Makes memory reports from the gauges of SDKs that measure a process themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from bugsly.protocol.memory import Sample, WorkerInfo, encode_report, encode_sample
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.decode.lenient_json import line, mapping, mappings, moment, number, read_object

METRIC_NAMES = frozenset(
    f"process.memory.{what}"
    for what in ("rss", "resident", "usage", "private", "uss", "working_set")
)
"""The memory of a whole process; for a part of it, such as a heap, nothing is killed."""
PID_ATTRIBUTES = ("process.pid", "worker.pid", "pid")
BYTES_PER_UNIT = {
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
MAX_NAME_LENGTH = 200
MAX_BYTES = 1 << 50
MILLISECOND: Micros = SECOND // 1_000
ASSUMED_INTERVAL: Micros = MINUTE
"""Metrics do not say how often a gauge is read; after three minutes without, it is silent."""
MAX_PROCESSES = 50


class MemoryGauge(NamedTuple):
    """The memory of a process at a moment by its own clock."""

    worker: WorkerInfo
    at: Micros
    size: int


def reports_from_gauges(payload: bytes, received_at: Micros, skipped: Counter[str]) -> list[bytes]:
    """Return the gauges in *payload* as payloads of `memory` items.

    A worker is a host, a pid, a gauge and a release. The newest gauge of the item is dated by
    *received_at* and the others before it, so that the client's clock does not matter.
    """
    metrics = mappings(mapping(read_object(payload)).get("items"))
    memory_gauges = [gauge for one in metrics if (gauge := _memory_gauge(one)) is not None]
    if len(memory_gauges) < len(metrics):
        skipped["metric that is no process's memory, not kept"] += len(metrics) - len(memory_gauges)
    gauges_by_worker: dict[WorkerInfo, list[MemoryGauge]] = defaultdict(list)
    for gauge in memory_gauges:
        gauges_by_worker[gauge.worker].append(gauge)
    newest = max((gauge.at for gauge in memory_gauges), default=0)
    return [
        _report(worker, gauges, newest, received_at)
        for worker, gauges in list(gauges_by_worker.items())[:MAX_PROCESSES]
    ]


def _memory_gauge(raw: Mapping[str, Any]) -> MemoryGauge | None:
    """Return *raw* as a gauge of a process's memory; None for any other metric."""
    name = line(raw.get("name"), MAX_NAME_LENGTH)
    attributes = {
        key: mapping(one).get("value") for key, one in mapping(raw.get("attributes")).items()
    }
    pid = next(
        (found for key in PID_ATTRIBUTES if (found := number(attributes.get(key), 1 << 32))), 0
    )
    unit = BYTES_PER_UNIT.get(line(raw.get("unit"), MAX_NAME_LENGTH), 0)
    size = number(raw.get("value"), MAX_BYTES) * unit
    at = moment(raw.get("timestamp"))
    if name not in METRIC_NAMES or not pid or at is None or not 0 < size <= MAX_BYTES:
        return None
    host, release = (
        line(attributes.get(key), MAX_NAME_LENGTH) for key in ("server.address", "sentry.release")
    )
    identity = "\0".join((host, str(pid), name, release))
    return MemoryGauge(
        WorkerInfo(
            id=blake2b(identity.encode(), digest_size=16).hexdigest(),
            pid=pid,
            host=host,
            machine="",
            age=0,
            every=ASSUMED_INTERVAL,
            release=release,
            environment=line(attributes.get("sentry.environment"), MAX_NAME_LENGTH),
        ),
        at,
        size,
    )


def _report(
    worker: WorkerInfo, gauges: list[MemoryGauge], newest: Micros, received_at: Micros
) -> bytes:
    """Return the report of one process; a sample's number is its time in milliseconds."""
    oldest = min(one.at for one in gauges)
    numbered = {(received_at - newest + one.at) // MILLISECOND: one for one in gauges}
    samples = (
        encode_sample(Sample(number=key, age=one.at - oldest, anonymous=one.size))
        for key, one in numbered.items()
    )
    return encode_report(replace(worker, age=newest - oldest), samples, (), {})
