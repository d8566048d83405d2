"""Builders of walked heaps: what they hold ever more of, snapshot by snapshot."""

from collections.abc import Callable
from typing import Any

from bugsly.protocol.evidence import Heap, Hop, Orphans, Retainer

REQUESTS = (1_500, 1_640, 1_770, 1_900)
Gain = Callable[[int], float]


def per_request(entries: float) -> Gain:
    return lambda requests: entries * requests


USUAL = per_request(0.4)


def hops(path: str, *types: str) -> tuple[Hop, ...]:
    """Draw the way to *path*, whose steps are parted by blanks."""
    steps = path.split()
    return tuple(Hop(name=name, type=kind) for name, kind in zip(steps, types, strict=True))


def retainer(
    path: str = "shop.views .make_counter <closure>.seen",
    *types: str,
    grown: Gain = USUAL,
    weight: int = 2_000,
    **facts: Any,
) -> Retainer:
    """Draw what gains by *grown* with all requests, each of its entries of that *weight*."""
    steps = hops(path, *(types or ("module", "function", "list")))
    counts = tuple(round(grown(at)) for at in REQUESTS)
    return Retainer(
        **{
            "path": "".join(hop.name if hop.name[0] in ".[" else f".{hop.name}" for hop in steps)[
                1:
            ],
            "hops": steps,
            "counts": counts,
            "retained": tuple(weight * number for number in counts),
            "types": {"shop.models.Quote": counts[-1], "str": 2 * counts[-1]},
            **facts,
        }
    )


def orphans(kind: str = "fast.Buffer", *, grown: Gain = USUAL, weight: int = 2_000) -> Orphans:
    counts = tuple(round(grown(at)) for at in REQUESTS)
    return Orphans(type=kind, counts=counts, bytes=tuple(weight * number for number in counts))


def heap(*found: Retainer | Orphans, **facts: Any) -> Heap:
    return Heap(
        **{
            "walker": "c",
            "requests": REQUESTS,
            "objects": 1_234_567,
            "bytes": 180_000_000,
            "pause": 0.0042,
            "seconds": 0.31,
            "retainers": tuple(one for one in found if isinstance(one, Retainer)),
            "orphans": tuple(one for one in found if isinstance(one, Orphans)),
            **facts,
        }
    )
