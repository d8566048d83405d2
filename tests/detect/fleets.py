"""The fleets that detection is tried on: each draws its workers, the same for the same seed."""

import math
import random
from collections.abc import Callable

from tests.detect import behaviours as b
from tests.detect.behaviours import MEGABYTE
from tests.detect.simulation import Behaviour, WorkerPlan

DrawFleet = Callable[[random.Random], list[WorkerPlan]]


def uniform_fleet(
    behaviour: Behaviour, rate: float = 20.0, max_requests: int = 0
) -> list[WorkerPlan]:
    """Return four workers that do the same and share the traffic."""
    return [WorkerPlan(behaviour, rate, max_requests=max_requests) for _ in range(4)]


def fleet_with_odd_worker(
    odd: WorkerPlan, others: Behaviour = b.flat, rate: float = 20.0
) -> list[WorkerPlan]:
    """Return four workers, one of which is different."""
    return [odd, *(WorkerPlan(others, rate) for _ in range(3))]


def skewed_fleet(behaviour: Behaviour) -> list[WorkerPlan]:
    """Return four workers of which one has most of the traffic."""
    return [WorkerPlan(behaviour, rate) for rate in (60, 12, 5, 3)]


def fleet_with_younger_worker(behaviour: Behaviour) -> list[WorkerPlan]:
    """Return four workers of which one starts fifty minutes after the others."""
    return fleet_with_odd_worker(WorkerPlan(behaviour, starts=3_000), behaviour)


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def warm_up_behaviour(rng: random.Random) -> Behaviour:
    return b.warm_up(60 * MEGABYTE, log_uniform(rng, 300, 20_000))


def bounded_cache_behaviour(rng: random.Random) -> Behaviour:
    """Return a cache that is full within fifteen minutes at 20 requests a second."""
    return b.bounded_cache(50 * MEGABYTE, log_uniform(rng, 1_000, 9_000))


def saw_tooth_behaviour(rng: random.Random) -> Behaviour:
    return b.saw_tooth(rng.uniform(10, 40) * MEGABYTE, round(log_uniform(rng, 200, 4_000)))


HONEST_FLEETS: dict[str, DrawFleet] = {
    "flat": lambda _: uniform_fleet(b.flat),
    "noise": lambda _: uniform_fleet(b.noisy),
    "spikes in flight": lambda _: uniform_fleet(b.spikes),
    "one step of 40 MB": lambda _: uniform_fleet(b.steps([40 * MEGABYTE], 40_000)),
    "two steps": lambda _: uniform_fleet(b.steps([40 * MEGABYTE, 25 * MEGABYTE], 40_000)),
    "two steps, in one worker": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.steps([40 * MEGABYTE, 25 * MEGABYTE], 40_000))
    ),
    "four early steps, in one worker": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.steps([10 * MEGABYTE] * 4, 6_000))
    ),
    "warm-up": lambda rng: uniform_fleet(warm_up_behaviour(rng)),
    "bounded cache, full in 15 min": lambda rng: uniform_fleet(bounded_cache_behaviour(rng)),
    "arena noise to +110 MB": lambda _: uniform_fleet(b.arena_noise),
    "arena noise, in one worker": lambda _: fleet_with_odd_worker(WorkerPlan(b.arena_noise)),
    "arena noise, a single worker": lambda _: [WorkerPlan(b.arena_noise)],
    "high-water mark of responses": lambda _: uniform_fleet(b.high_water),
    "saw-tooth of cycles": lambda rng: uniform_fleet(saw_tooth_behaviour(rng)),
    "memory is given back": lambda _: uniform_fleet(b.shrinking),
    "traffic skew, flat": lambda _: skewed_fleet(b.flat),
    "traffic skew, noise": lambda _: skewed_fleet(b.noisy),
    "traffic skew, warm-up": lambda rng: skewed_fleet(warm_up_behaviour(rng)),
    "traffic skew, arena noise": lambda _: skewed_fleet(b.arena_noise),
    "one younger, flat": lambda _: fleet_with_younger_worker(b.flat),
    "one younger, warm-up": lambda rng: fleet_with_younger_worker(warm_up_behaviour(rng)),
    "one younger, bounded cache": lambda rng: fleet_with_younger_worker(
        bounded_cache_behaviour(rng)
    ),
    "one younger, arena noise": lambda _: fleet_with_younger_worker(b.arena_noise),
    "one heavy client": lambda _: fleet_with_odd_worker(WorkerPlan(b.heavy_client)),
    "one heavy client, busier": lambda _: fleet_with_odd_worker(WorkerPlan(b.heavy_client, 60)),
    "recycled, warm-up in each life": lambda rng: uniform_fleet(
        b.warm_up(40 * MEGABYTE, log_uniform(rng, 150, 800)), 3, 1_000
    ),
    "recycled, noise": lambda _: uniform_fleet(b.noisy, 3, 1_000),
    "recycled, arena noise": lambda _: uniform_fleet(b.arena_noise, 10, 10_000),
    "idle, noise": lambda _: uniform_fleet(b.noisy, 0.01),
    "idle, arena noise": lambda _: uniform_fleet(b.arena_noise, 0.05),
}
FILLING_FLEETS: dict[str, DrawFleet] = {
    "cache, full after 15 min to 6 h": lambda rng: uniform_fleet(
        b.bounded_cache(50 * MEGABYTE, log_uniform(rng, 18_000, 200_000))
    ),
    "traffic skew, bounded cache": lambda rng: skewed_fleet(bounded_cache_behaviour(rng)),
    "recycled, cache full in half a life": lambda _: uniform_fleet(
        b.bounded_cache(40 * MEGABYTE, 500), 3, 1_000
    ),
}
LEAKY_FLEETS: dict[str, DrawFleet] = {
    "one of four, 7 kB": lambda _: fleet_with_odd_worker(WorkerPlan(b.leak(7_000))),
    "one of four, 7 kB, 80 requests/s": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.leak(7_000), 80)
    ),
    "one of four, 1 kB": lambda _: fleet_with_odd_worker(WorkerPlan(b.leak(1_000))),
    "one of four, 7 kB in 5 % of requests": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.leak(350, 0.05))
    ),
    "one of four, 7 kB, over noise": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.leak(7_000)), b.noisy
    ),
    "one of four, 7 kB, all warm up": lambda _: fleet_with_odd_worker(
        WorkerPlan(b.combined(b.leak(7_000), b.warm_up(60 * MEGABYTE, 3_000))),
        b.warm_up(60 * MEGABYTE, 3_000),
    ),
    "two of four, 7 kB": lambda _: [WorkerPlan(b.leak(7_000))] * 2 + [WorkerPlan(b.flat)] * 2,
    "one of two, 7 kB": lambda _: [WorkerPlan(b.leak(7_000)), WorkerPlan(b.flat)],
    "all, 7 kB": lambda _: uniform_fleet(b.leak(7_000)),
    "all, 1 kB": lambda _: uniform_fleet(b.leak(1_000)),
    "all, 1 kB, 2 requests/s": lambda _: uniform_fleet(b.leak(1_000), 2),
    "all, 1 kB, over noise": lambda _: uniform_fleet(b.combined(b.leak(1_000), b.noisy)),
    "all, 7 kB, traffic skew": lambda _: skewed_fleet(b.leak(7_000)),
    "all, 7 kB, over arena noise": lambda _: uniform_fleet(
        b.combined(b.leak(7_000), b.arena_noise)
    ),
    "a single worker, 800 B": lambda _: [WorkerPlan(b.leak(800))],
    "all, max_requests 1,000, 7 kB": lambda _: uniform_fleet(b.leak(7_000), 3, 1_000),
    "all, max_requests 10,000, 2 kB": lambda _: uniform_fleet(b.leak(2_000), 20, 10_000),
    "in time, busy, 60 MB/h": lambda _: uniform_fleet(b.leak_in_time(60 * MEGABYTE)),
    "in time, idle, 30 MB/h": lambda _: uniform_fleet(b.leak_in_time(30 * MEGABYTE), 0.01),
}
