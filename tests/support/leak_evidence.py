"""Builders of leak evidence: requests served, and the sizes of holders and of memory meanwhile."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.support.clock import START

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.clock import SECOND
from bugsly_server.model.leak_evidence import LeakEvidence, TimeBucket, WorkerHistory

MB = 1_000_000
ORDERS, HOME = "GET /orders", "GET /"
APP = "/app/shop/views.py"


class ServedSoFar(NamedTuple):
    """What a worker has answered since it started, by endpoint."""

    served: Counter[str]
    failed: Counter[str]

    @property
    def requests(self) -> int:
        return self.served.total()


LevelFunction = Callable[[ServedSoFar], int]
TrafficFunction = Callable[[int], Mapping[str, int]]


def no_growth(_: ServedSoFar) -> int:
    return 0


def gain_per_request(
    endpoint: str, entries: float = 1.0, *, failing: bool = False
) -> LevelFunction:
    """Draw a holder that gains so many *entries* with each request of *endpoint*."""
    return lambda served_so_far: round(
        entries * (served_so_far.failed if failing else served_so_far.served)[endpoint]
    )


def keys_from_stock(stock: int, endpoint: str = ORDERS, seed: int = 7) -> LevelFunction:
    """Draw a holder with a key of a finite *stock*, picked anew by each request of *endpoint*."""
    dice = random.Random(seed)
    seen_keys: set[int] = set()
    served_before = 0

    def distinct_keys(served_so_far: ServedSoFar) -> int:
        nonlocal served_before
        seen_keys.update(
            dice.randrange(stock) for _ in range(served_so_far.served[endpoint] - served_before)
        )
        served_before = served_so_far.served[endpoint]
        return len(seen_keys)

    return distinct_keys


def mixed_traffic(orders: int = 20, home: int = 30, seed: int = 1) -> TrafficFunction:
    """Draw two endpoints whose requests come and go without regard of each other."""
    dice = random.Random(seed)
    return lambda _: {
        ORDERS: dice.randint(orders // 2, orders * 3 // 2),
        HOME: dice.randint(home // 2, home * 3 // 2),
    }


def worker_history(
    levels: Mapping[str, LevelFunction] | None = None, **facts: Any
) -> WorkerHistory:
    """Draw a worker; *facts* are those of `WorkerHistory`, or what its buckets are drawn from."""
    level_by_gauge: dict[str, LevelFunction] = {
        name: facts.pop(name) for name in ("memory", "live", "threads") if name in facts
    }
    steps = _time_buckets(
        levels or {},
        facts.pop("traffic", mixed_traffic()),
        facts.pop("number", 40),
        facts.pop("fails", lambda _: {}),
        level_by_gauge,
    )
    fields = {"worker_id": 1, "pid": 4001, "release": "1.0", "python": "3.11", "server": "gunicorn"}
    return WorkerHistory(**{**fields, "buckets": steps, **facts})


def _time_buckets(
    levels: Mapping[str, LevelFunction],
    traffic: TrafficFunction,
    number: int,
    failures: TrafficFunction,
    level_by_gauge: Mapping[str, LevelFunction],
) -> tuple[TimeBucket, ...]:
    served_so_far = ServedSoFar(Counter(), Counter())
    found = []
    for index in range(number):
        served, failed = traffic(index), failures(index)
        served_so_far.served.update(served)
        served_so_far.failed.update(failed)
        live = level_by_gauge.get("live", no_growth)(served_so_far)
        found.append(
            TimeBucket(
                at=START + index * 10 * SECOND,
                requests=served_so_far.requests,
                anonymous=30 * MB + level_by_gauge.get("memory", no_growth)(served_so_far),
                in_use=12 * MB + live if "live" in level_by_gauge else 0,
                allocator_bytes=20 * MB + live,
                blocks=None,
                descriptors=12,
                threads=level_by_gauge["threads"](served_so_far)
                if "threads" in level_by_gauge
                else 3,
                served=served,
                failed=failed,
                holder_counts={name: level(served_so_far) for name, level in levels.items()},
            )
        )
    return tuple(found)


def holder(name: str = "shop.views.log", kind: str = "list", **facts: Any) -> Holder:
    return Holder(**{"name": name, "kind": kind, "entry_bytes": 800, "file": APP, **facts})


def source(text: str, **facts: Any) -> ModuleSource:
    return ModuleSource(**{"file": APP, "module": "shop.views", "text": text, **facts})


def leak_evidence(
    *histories: WorkerHistory, holders: tuple[Holder, ...] = (), **facts: Any
) -> LeakEvidence:
    texts = facts.pop("sources", ())
    return LeakEvidence(
        histories=histories,
        holders={one.name: one for one in holders},
        sources={one.file: one for one in texts},
        **facts,
    )
