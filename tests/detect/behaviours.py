"""What workers' memory does: the honest ways and the leaky ones, each a few lines."""

import math
import random
from collections.abc import Sequence

from tests.detect.simulation import Behaviour, MemoryCurve

MEGABYTE = 1e6
BASE_MEMORY = 90 * MEGABYTE


def flat(rng: random.Random) -> MemoryCurve:
    """A worker that holds what it holds, give or take what is in flight."""
    base = BASE_MEMORY + rng.uniform(-1, 1) * MEGABYTE
    return lambda _requests, _seconds: base + rng.gauss(0, 0.3 * MEGABYTE)


def noisy(rng: random.Random) -> MemoryCurve:
    """Requests of very different sizes leave their mark for a while."""
    level = 0.0

    def memory(_requests: int, _seconds: float) -> float:
        nonlocal level
        level = 0.9 * level + rng.gauss(0, 2 * MEGABYTE)
        return BASE_MEMORY + 10 * MEGABYTE + level

    return memory


def spikes(rng: random.Random) -> MemoryCurve:
    """Now and then a sample catches a big request in flight."""

    def memory(_requests: int, _seconds: float) -> float:
        spike = rng.expovariate(1 / (60 * MEGABYTE)) if rng.random() < 0.05 else 0.0
        return BASE_MEMORY + rng.gauss(0, 0.3 * MEGABYTE) + spike

    return memory


def steps(sizes: Sequence[float], within: int) -> Behaviour:
    """Something big is loaded at some request and stays: a model, a report's library."""

    def begin(rng: random.Random) -> MemoryCurve:
        places = sorted(rng.randrange(within) for _ in sizes)

        def memory(requests: int, _seconds: float) -> float:
            held = sum(size for size, at in zip(sizes, places, strict=True) if requests >= at)
            return BASE_MEMORY + held + rng.gauss(0, 0.3 * MEGABYTE)

        return memory

    return begin


def warm_up(size: float, constant: float) -> Behaviour:
    """Imports, pools and interned strings: fast at first, and ever more slowly."""

    def begin(rng: random.Random) -> MemoryCurve:
        own = constant * rng.uniform(0.7, 1.4)

        def memory(requests: int, _seconds: float) -> float:
            return (
                BASE_MEMORY + size * (1 - math.exp(-requests / own)) + rng.gauss(0, 0.3 * MEGABYTE)
            )

        return memory

    return begin


def bounded_cache(size: float, full: float) -> Behaviour:
    """A cache fills in a straight line, at a rate of each worker's own, until it is full."""

    def begin(rng: random.Random) -> MemoryCurve:
        own = full * rng.uniform(0.5, 2.0)

        def memory(requests: int, _seconds: float) -> float:
            return BASE_MEMORY + size * min(1.0, requests / own) + rng.gauss(0, 0.3 * MEGABYTE)

        return memory

    return begin


def arena_noise(rng: random.Random, max_gain: float = 110 * MEGABYTE) -> MemoryCurve:
    """The allocator keeps what a peak made it take, gives some back, and takes more again."""
    held, until = 0.0, 0

    def memory(requests: int, _seconds: float) -> float:
        nonlocal held, until
        if requests >= until:
            held = rng.uniform(0, max_gain)
            until = requests + round(rng.expovariate(1 / 3_000)) + 1
        return BASE_MEMORY + held + rng.gauss(0, 0.5 * MEGABYTE)

    return memory


def high_water(rng: random.Random, max_gain: float = 110 * MEGABYTE) -> MemoryCurve:
    """What the biggest response so far needed is never given back."""
    held, seen = 0.0, 0

    def memory(requests: int, _seconds: float) -> float:
        nonlocal held, seen
        for _ in range(min(200, requests - seen)):
            held = max(held, min(max_gain, 0.5 * MEGABYTE * rng.paretovariate(1.2)))
        seen = requests
        return BASE_MEMORY + held + rng.gauss(0, 0.3 * MEGABYTE)

    return memory


def heavy_client(rng: random.Random) -> MemoryCurve:
    """One big customer stays with this worker: its answers are large, and nothing is kept."""
    peak = rng.uniform(40, 150) * MEGABYTE

    def memory(requests: int, _seconds: float) -> float:
        held = peak * (0.8 + 0.2 * rng.random()) if requests > 100 else 0.0
        return BASE_MEMORY + held + rng.gauss(0, 1 * MEGABYTE)

    return memory


def saw_tooth(size: float, period: int) -> Behaviour:
    """Cycles pile up until the collector comes, at each worker's own moment."""

    def begin(rng: random.Random) -> MemoryCurve:
        ahead = rng.randrange(period)

        def memory(requests: int, _seconds: float) -> float:
            return (
                BASE_MEMORY
                + size * ((requests + ahead) % period) / period
                + rng.gauss(0, 0.3 * MEGABYTE)
            )

        return memory

    return begin


def shrinking(rng: random.Random) -> MemoryCurve:
    """It gives back what it took at start."""
    return lambda requests, _s: (
        BASE_MEMORY - min(40 * MEGABYTE, 500.0 * requests) + rng.gauss(0, 0.3 * MEGABYTE)
    )


def leak(per_request: float, share: float = 1.0) -> Behaviour:
    """A *share* of the requests leaves something behind, *per_request* on the average."""

    def begin(rng: random.Random) -> MemoryCurve:
        held, seen = 0.0, 0

        def memory(requests: int, _seconds: float) -> float:
            nonlocal held, seen
            new = requests - seen
            spread = math.sqrt(new * share * (1 - share))
            held += max(0.0, rng.gauss(new * share, spread)) * per_request / share
            seen = requests
            return BASE_MEMORY + held + rng.gauss(0, 0.3 * MEGABYTE)

        return memory

    return begin


def leak_in_time(per_hour: float) -> Behaviour:
    """A thread that nobody asked for keeps something every second."""

    def begin(rng: random.Random) -> MemoryCurve:
        return lambda _requests, seconds: (
            BASE_MEMORY + per_hour * seconds / 3600 + rng.gauss(0, 0.3 * MEGABYTE)
        )

    return begin


def combined(first_behaviour: Behaviour, second_behaviour: Behaviour) -> Behaviour:
    """Two of them in one worker."""

    def begin(rng: random.Random) -> MemoryCurve:
        first, second = first_behaviour(rng), second_behaviour(rng)
        return lambda requests, s: first(requests, s) + second(requests, s) - BASE_MEMORY

    return begin
