"""Builders of the values that travel, each whole with no argument given."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bugsly.protocol.evidence import Holder, HolderCount
from bugsly.protocol.memory import Sample, SampledTraffic, WorkerInfo

MB = 1_000_000
GB = 1_000 * MB


def worker(**changes: Any) -> WorkerInfo:
    fields: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "pid": 4711,
        "host": "web-1",
        "machine": "0a1b2c3d",
        "age": 60_000_000,
    }
    return WorkerInfo(**(fields | changes))


def sample(number: int = 1, **changes: Any) -> Sample:
    fields: dict[str, Any] = {"number": number, "age": number * 10_000_000, "anonymous": 50 * MB}
    return Sample(**(fields | changes))


def traffic(endpoint: str = "GET /", requests: int = 1, **changes: Any) -> SampledTraffic:
    return SampledTraffic(endpoint=endpoint, requests=requests, **changes)


def holder(name: str = "shop.views.log", **changes: Any) -> Holder:
    return Holder(**({"name": name, "kind": "list"} | changes))


def levels(**counts: int) -> tuple[HolderCount, ...]:
    """Return levels by name, a double underscore in which stands for a dot."""
    return tuple(
        HolderCount(holder=n.replace("__", "."), count=count) for n, count in counts.items()
    )


def decode_samples(encoded: Iterable[bytes]) -> list[Sample]:
    return [msgspec.json.decode(one, type=Sample) for one in encoded]
