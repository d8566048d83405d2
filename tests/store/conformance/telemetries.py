"""The backends of telemetry, samples to put into them, and what a naive reader makes of those."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bugsly_server.clock import HOUR, MINUTE, SECOND, Micros
from bugsly_server.model.series import Point, Served
from bugsly_server.store.ports import Reading, StoredSample, Telemetry
from bugsly_server.store.telemetry import SqliteTelemetry

MIDNIGHT: Micros = 1_799_971_200 * SECOND
"""2027-01-15 00:00 UTC."""
WIDTHS: tuple[Micros, ...] = (MINUTE, 10 * MINUTE, HOUR)
"""Of the buckets that there are besides the samples themselves."""
KEEP_DAYS = 90

Open = Callable[[Path], Telemetry]


def open_sqlite(folder: Path) -> Telemetry:
    return SqliteTelemetry(folder / "telemetry", KEEP_DAYS)


BACKENDS = {"sqlite": open_sqlite}


def stored(at: Micros, worker_id: int = 1, **changes: Any) -> StoredSample:
    """Return a sample whose numbers follow from its moment, so that no two look alike."""
    step = at // SECOND
    whole = StoredSample(
        worker_id=worker_id,
        at=at,
        requests=step,
        anonymous=50_000_000 + step * 97 % 10_007,
        shared=7_000_000 + step * 89 % 10_009,
        descriptors=step * 31 % 50,
        threads=step * 17 % 9,
        in_flight=step * 13 % 5,
        traffic={},
        number=step,
    )
    return whole._replace(**changes)


def served(requests: int, biggest: int = 10) -> Served:
    return Served(
        "", requests, requests // 3, requests // 7, requests * 900, requests * 50, biggest
    )


def every(step: Micros, since: Micros, until: Micros, **changes: Any) -> list[StoredSample]:
    return [stored(at, **changes) for at in range(since, until, step)]


def naive_readings(samples: Iterable[StoredSample], worker_id: int, width: Micros) -> list[Reading]:
    """Return what *samples* of a worker are in buckets of *width*."""
    mine = sorted((one for one in samples if one.worker_id == worker_id), key=lambda one: one.at)
    groups = groupby(mine, key=lambda one: one.at // width * width)
    return [_fold(at, list(members)) for at, members in groups]


def naive_traffic(samples: Iterable[StoredSample]) -> dict[int, Served]:
    total: dict[int, Served] = {}
    for one in samples:
        for key, more in one.traffic.items():
            total[key] = total[key].together_with(more) if key in total else more
    return total


def readings_of(
    telemetry: Telemetry, worker_id: int, width: Micros, span: tuple[int, int]
) -> list[Reading]:
    """Return the readings of the tier of *width*, which the number of points wanted selects."""
    since, until = span
    return telemetry.readings(worker_id, since, until, (until - since) // width)


def bare(found: Mapping[int, Served]) -> dict[int, tuple[int, ...]]:
    return {key: one[1:] for key, one in found.items()}


def sizes(points: Sequence[Point]) -> list[int]:
    return [one.last for one in points]


def _fold(at: Micros, members: list[StoredSample]) -> Reading:
    levels = [one.anonymous for one in members]
    return Reading(
        Point(at, members[-1].requests, min(levels), levels[-1], max(levels)),
        members[-1].shared,
        max(one.descriptors for one in members),
        max(one.threads for one in members),
        max(one.in_flight for one in members),
    )
