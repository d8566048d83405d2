"""What workers' memory does: the honest ways and the leaky ones, each a few lines."""

import math
import random
from collections.abc import Sequence

from tests.detect.simulation import Behaviour, Memory

MB = 1e6
BASE = 90 * MB


def flat(rng: random.Random) -> Memory:
    """A worker that holds what it holds, give or take what is in flight."""
    base = BASE + rng.uniform(-1, 1) * MB
    return lambda _requests, _seconds: base + rng.gauss(0, 0.3 * MB)


def noisy(rng: random.Random) -> Memory:
    """Requests of very different sizes leave their mark for a while."""
    level = 0.0

    def memory(_requests: int, _seconds: float) -> float:
        nonlocal level
        level = 0.9 * level + rng.gauss(0, 2 * MB)
        return BASE + 10 * MB + level

    return memory


def spikes(rng: random.Random) -> Memory:
    """Now and then a sample catches a big request in flight."""

    def memory(_requests: int, _seconds: float) -> float:
        spike = rng.expovariate(1 / (60 * MB)) if rng.random() < 0.05 else 0.0
        return BASE + rng.gauss(0, 0.3 * MB) + spike

    return memory


def steps(sizes: Sequence[float], within: int) -> Behaviour:
    """Something big is loaded at some request and stays: a model, a report's library."""

    def begin(rng: random.Random) -> Memory:
        places = sorted(rng.randrange(within) for _ in sizes)

        def memory(requests: int, _seconds: float) -> float:
            held = sum(size for size, at in zip(sizes, places, strict=True) if requests >= at)
            return BASE + held + rng.gauss(0, 0.3 * MB)

        return memory

    return begin


def warm_up(size: float, constant: float) -> Behaviour:
    """Imports, pools and interned strings: fast at first, and ever more slowly."""

    def begin(rng: random.Random) -> Memory:
        own = constant * rng.uniform(0.7, 1.4)

        def memory(requests: int, _seconds: float) -> float:
            return BASE + size * (1 - math.exp(-requests / own)) + rng.gauss(0, 0.3 * MB)

        return memory

    return begin


def bounded_cache(size: float, full: float) -> Behaviour:
    """A cache fills in a straight line, at a rate of each worker's own, until it is full."""

    def begin(rng: random.Random) -> Memory:
        own = full * rng.uniform(0.5, 2.0)

        def memory(requests: int, _seconds: float) -> float:
            return BASE + size * min(1.0, requests / own) + rng.gauss(0, 0.3 * MB)

        return memory

    return begin


def arena_noise(rng: random.Random, most: float = 110 * MB) -> Memory:
    """The allocator keeps what a peak made it take, gives some back, and takes more again."""
    held, until = 0.0, 0

    def memory(requests: int, _seconds: float) -> float:
        nonlocal held, until
        if requests >= until:
            held = rng.uniform(0, most)
            until = requests + round(rng.expovariate(1 / 3_000)) + 1
        return BASE + held + rng.gauss(0, 0.5 * MB)

    return memory


def high_water(rng: random.Random, most: float = 110 * MB) -> Memory:
    """What the biggest response so far needed is never given back."""
    held, seen = 0.0, 0

    def memory(requests: int, _seconds: float) -> float:
        nonlocal held, seen
        for _ in range(min(200, requests - seen)):
            held = max(held, min(most, 0.5 * MB * rng.paretovariate(1.2)))
        seen = requests
        return BASE + held + rng.gauss(0, 0.3 * MB)

    return memory


def heavy_client(rng: random.Random) -> Memory:
    """One big customer stays with this worker: its answers are large, and nothing is kept."""
    peak = rng.uniform(40, 150) * MB

    def memory(requests: int, _seconds: float) -> float:
        held = peak * (0.8 + 0.2 * rng.random()) if requests > 100 else 0.0
        return BASE + held + rng.gauss(0, 1 * MB)

    return memory


def saw_tooth(size: float, period: int) -> Behaviour:
    """Cycles pile up until the collector comes, at each worker's own moment."""

    def begin(rng: random.Random) -> Memory:
        ahead = rng.randrange(period)

        def memory(requests: int, _seconds: float) -> float:
            return BASE + size * ((requests + ahead) % period) / period + rng.gauss(0, 0.3 * MB)

        return memory

    return begin


def shrinking(rng: random.Random) -> Memory:
    """It gives back what it took at start."""
    return lambda requests, _s: BASE - min(40 * MB, 500.0 * requests) + rng.gauss(0, 0.3 * MB)


def leak(per_request: float, share: float = 1.0) -> Behaviour:
    """A *share* of the requests leaves something behind, *per_request* on the average."""

    def begin(rng: random.Random) -> Memory:
        held, seen = 0.0, 0

        def memory(requests: int, _seconds: float) -> float:
            nonlocal held, seen
            new = requests - seen
            spread = math.sqrt(new * share * (1 - share))
            held += max(0.0, rng.gauss(new * share, spread)) * per_request / share
            seen = requests
            return BASE + held + rng.gauss(0, 0.3 * MB)

        return memory

    return begin


def leak_in_time(per_hour: float) -> Behaviour:
    """A thread that nobody asked for keeps something every second."""

    def begin(rng: random.Random) -> Memory:
        return lambda _requests, seconds: BASE + per_hour * seconds / 3600 + rng.gauss(0, 0.3 * MB)

    return begin


def both(one: Behaviour, other: Behaviour) -> Behaviour:
    """Two of them in one worker."""

    def begin(rng: random.Random) -> Memory:
        first, second = one(rng), other(rng)
        return lambda requests, s: first(requests, s) + second(requests, s) - BASE

    return begin
