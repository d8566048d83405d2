"""The fleets that detection is tried on: each draws its workers, the same for the same seed."""

import math
import random
from collections.abc import Callable

from tests.detect import behaviours as b
from tests.detect.behaviours import MB
from tests.detect.simulation import Behaviour, Place

Draw = Callable[[random.Random], list[Place]]


def four(behaviour: Behaviour, rate: float = 20.0, max_requests: int = 0) -> list[Place]:
    """Return four workers that do the same and share the traffic."""
    return [Place(behaviour, rate, max_requests=max_requests) for _ in range(4)]


def odd_one(odd: Place, others: Behaviour = b.flat, rate: float = 20.0) -> list[Place]:
    """Return four workers, one of which is different."""
    return [odd, *(Place(others, rate) for _ in range(3))]


def skewed(behaviour: Behaviour) -> list[Place]:
    """Return four workers of which one has most of the traffic."""
    return [Place(behaviour, rate) for rate in (60, 12, 5, 3)]


def younger(behaviour: Behaviour) -> list[Place]:
    """Return four workers of which one starts fifty minutes after the others."""
    return odd_one(Place(behaviour, starts=3_000), behaviour)


def drawn(rng: random.Random, least: float, most: float) -> float:
    """Return a number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(least), math.log(most)))


def warming(rng: random.Random) -> Behaviour:
    return b.warm_up(60 * MB, drawn(rng, 300, 20_000))


def caching(rng: random.Random) -> Behaviour:
    """Return a cache that is full within fifteen minutes at 20 requests a second."""
    return b.bounded_cache(50 * MB, drawn(rng, 1_000, 9_000))


def sawing(rng: random.Random) -> Behaviour:
    return b.saw_tooth(rng.uniform(10, 40) * MB, round(drawn(rng, 200, 4_000)))


HONEST: dict[str, Draw] = {
    "flat": lambda _: four(b.flat),
    "noise": lambda _: four(b.noisy),
    "spikes in flight": lambda _: four(b.spikes),
    "one step of 40 MB": lambda _: four(b.steps([40 * MB], 40_000)),
    "two steps": lambda _: four(b.steps([40 * MB, 25 * MB], 40_000)),
    "two steps, in one worker": lambda _: odd_one(Place(b.steps([40 * MB, 25 * MB], 40_000))),
    "four early steps, in one worker": lambda _: odd_one(Place(b.steps([10 * MB] * 4, 6_000))),
    "warm-up": lambda rng: four(warming(rng)),
    "bounded cache, full in 15 min": lambda rng: four(caching(rng)),
    "arena noise to +110 MB": lambda _: four(b.arena_noise),
    "arena noise, in one worker": lambda _: odd_one(Place(b.arena_noise)),
    "arena noise, a single worker": lambda _: [Place(b.arena_noise)],
    "high-water mark of responses": lambda _: four(b.high_water),
    "saw-tooth of cycles": lambda rng: four(sawing(rng)),
    "memory is given back": lambda _: four(b.shrinking),
    "traffic skew, flat": lambda _: skewed(b.flat),
    "traffic skew, noise": lambda _: skewed(b.noisy),
    "traffic skew, warm-up": lambda rng: skewed(warming(rng)),
    "traffic skew, arena noise": lambda _: skewed(b.arena_noise),
    "one younger, flat": lambda _: younger(b.flat),
    "one younger, warm-up": lambda rng: younger(warming(rng)),
    "one younger, bounded cache": lambda rng: younger(caching(rng)),
    "one younger, arena noise": lambda _: younger(b.arena_noise),
    "one heavy client": lambda _: odd_one(Place(b.heavy_client)),
    "one heavy client, busier": lambda _: odd_one(Place(b.heavy_client, 60)),
    "recycled, warm-up in each life": lambda rng: four(
        b.warm_up(40 * MB, drawn(rng, 150, 800)), 3, 1_000
    ),
    "recycled, noise": lambda _: four(b.noisy, 3, 1_000),
    "recycled, arena noise": lambda _: four(b.arena_noise, 10, 10_000),
    "idle, noise": lambda _: four(b.noisy, 0.01),
    "idle, arena noise": lambda _: four(b.arena_noise, 0.05),
}
FILLING: dict[str, Draw] = {
    "cache, full after 15 min to 6 h": lambda rng: four(
        b.bounded_cache(50 * MB, drawn(rng, 18_000, 200_000))
    ),
    "traffic skew, bounded cache": lambda rng: skewed(caching(rng)),
    "recycled, cache full in half a life": lambda _: four(b.bounded_cache(40 * MB, 500), 3, 1_000),
}
LEAKY: dict[str, Draw] = {
    "one of four, 7 kB": lambda _: odd_one(Place(b.leak(7_000))),
    "one of four, 7 kB, 80 requests/s": lambda _: odd_one(Place(b.leak(7_000), 80)),
    "one of four, 1 kB": lambda _: odd_one(Place(b.leak(1_000))),
    "one of four, 7 kB in 5 % of requests": lambda _: odd_one(Place(b.leak(350, 0.05))),
    "one of four, 7 kB, over noise": lambda _: odd_one(Place(b.leak(7_000)), b.noisy),
    "one of four, 7 kB, all warm up": lambda _: odd_one(
        Place(b.both(b.leak(7_000), b.warm_up(60 * MB, 3_000))), b.warm_up(60 * MB, 3_000)
    ),
    "two of four, 7 kB": lambda _: [Place(b.leak(7_000))] * 2 + [Place(b.flat)] * 2,
    "one of two, 7 kB": lambda _: [Place(b.leak(7_000)), Place(b.flat)],
    "all, 7 kB": lambda _: four(b.leak(7_000)),
    "all, 1 kB": lambda _: four(b.leak(1_000)),
    "all, 1 kB, 2 requests/s": lambda _: four(b.leak(1_000), 2),
    "all, 1 kB, over noise": lambda _: four(b.both(b.leak(1_000), b.noisy)),
    "all, 7 kB, traffic skew": lambda _: skewed(b.leak(7_000)),
    "all, 7 kB, over arena noise": lambda _: four(b.both(b.leak(7_000), b.arena_noise)),
    "a single worker, 800 B": lambda _: [Place(b.leak(800))],
    "all, max_requests 1,000, 7 kB": lambda _: four(b.leak(7_000), 3, 1_000),
    "all, max_requests 10,000, 2 kB": lambda _: four(b.leak(2_000), 20, 10_000),
    "in time, busy, 60 MB/h": lambda _: four(b.leak_in_time(60 * MB)),
    "in time, idle, 30 MB/h": lambda _: four(b.leak_in_time(30 * MB), 0.01),
}
