"""The backends of telemetry, samples to write to them, and a naive reader of those samples."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bugsly_server.clock import HOUR, MINUTE, SECOND, Micros
from bugsly_server.model.time_series import EndpointTraffic, MemoryPoint
from bugsly_server.store.ports import GaugePoint, StoredSample, Telemetry
from bugsly_server.store.telemetry import SqliteTelemetry

MIDNIGHT: Micros = 1_799_971_200 * SECOND
"""2027-01-15 00:00 UTC."""
WIDTHS: tuple[Micros, ...] = (MINUTE, 10 * MINUTE, HOUR)
"""Of the buckets that there are besides the samples themselves."""
KEEP_DAYS = 90

OpenTelemetry = Callable[[Path], Telemetry]


def open_sqlite(folder: Path) -> Telemetry:
    return SqliteTelemetry(folder / "telemetry", KEEP_DAYS)


BACKENDS = {"sqlite": open_sqlite}


def stored_sample(at: Micros, worker_id: int = 1, **changes: Any) -> StoredSample:
    """Return a sample whose numbers are computed from its moment, so that no two are alike."""
    second = at // SECOND
    whole = StoredSample(
        worker_id=worker_id,
        at=at,
        requests=second,
        anonymous=50_000_000 + second * 97 % 10_007,
        shared=7_000_000 + second * 89 % 10_009,
        descriptors=second * 31 % 50,
        threads=second * 17 % 9,
        in_flight=second * 13 % 5,
        traffic={},
        number=second,
    )
    return whole._replace(**changes)


def served(requests: int, biggest: int = 10) -> EndpointTraffic:
    return EndpointTraffic(
        "", requests, requests // 3, requests // 7, requests * 900, requests * 50, biggest
    )


def samples_every(
    interval: Micros, since: Micros, until: Micros, **changes: Any
) -> list[StoredSample]:
    return [stored_sample(at, **changes) for at in range(since, until, interval)]


def naive_points(
    samples: Iterable[StoredSample], worker_id: int, width: Micros
) -> list[GaugePoint]:
    """Return what *samples* of a worker are in buckets of *width*."""
    worker_samples = sorted(
        (one for one in samples if one.worker_id == worker_id), key=lambda sample: sample.at
    )
    groups = groupby(worker_samples, key=lambda sample: sample.at // width * width)
    return [_fold_bucket(at, list(members)) for at, members in groups]


def naive_traffic(samples: Iterable[StoredSample]) -> dict[int, EndpointTraffic]:
    total: dict[int, EndpointTraffic] = {}
    for sample in samples:
        for key, more in sample.traffic.items():
            total[key] = total[key].merged_with(more) if key in total else more
    return total


def readings_of(
    telemetry: Telemetry, worker_id: int, width: Micros, span: tuple[int, int]
) -> list[GaugePoint]:
    """Return the points of the tier of *width*, which the requested number of points selects."""
    since, until = span
    return telemetry.gauge_points(worker_id, since, until, (until - since) // width)


def bare_traffic(found: Mapping[int, EndpointTraffic]) -> dict[int, tuple[int, ...]]:
    return {key: one[1:] for key, one in found.items()}


def last_sizes(points: Sequence[MemoryPoint]) -> list[int]:
    return [one.last for one in points]


def _fold_bucket(at: Micros, members: list[StoredSample]) -> GaugePoint:
    levels = [one.anonymous for one in members]
    return GaugePoint(
        MemoryPoint(at, members[-1].requests, min(levels), levels[-1], max(levels)),
        members[-1].shared,
        max(one.descriptors for one in members),
        max(one.threads for one in members),
        max(one.in_flight for one in members),
    )
