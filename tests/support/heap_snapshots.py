"""Builders of walked heaps: what they hold ever more of, snapshot by snapshot."""

from collections.abc import Callable
from typing import Any

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, HolderPathStep, UnreachableObjects

SNAPSHOT_REQUESTS = (1_500, 1_640, 1_770, 1_900)
GainByRequests = Callable[[int], float]


def per_request(entries: float) -> GainByRequests:
    return lambda requests: entries * requests


USUAL_GAIN = per_request(0.4)


def path_hops(path: str, *types: str) -> tuple[HolderPathStep, ...]:
    """Draw the way to *path*, whose steps are parted by blanks."""
    steps = path.split()
    return tuple(
        HolderPathStep(name=name, type=kind) for name, kind in zip(steps, types, strict=True)
    )


def heap_holder(
    path: str = "shop.views .make_counter <closure>.seen",
    *types: str,
    gain: GainByRequests = USUAL_GAIN,
    entry_bytes: int = 2_000,
    **facts: Any,
) -> HeapHolder:
    """Draw what gains by *gain* with all requests, each of its entries of that *entry_bytes*."""
    steps = path_hops(path, *(types or ("module", "function", "list")))
    counts = tuple(round(gain(at)) for at in SNAPSHOT_REQUESTS)
    return HeapHolder(
        **{
            "path": "".join(hop.name if hop.name[0] in ".[" else f".{hop.name}" for hop in steps)[
                1:
            ],
            "hops": steps,
            "counts": counts,
            "retained": tuple(entry_bytes * number for number in counts),
            "types": {"shop.models.Quote": counts[-1], "str": 2 * counts[-1]},
            **facts,
        }
    )


def unreachable_objects(
    kind: str = "fast.Buffer", *, gain: GainByRequests = USUAL_GAIN, entry_bytes: int = 2_000
) -> UnreachableObjects:
    counts = tuple(round(gain(at)) for at in SNAPSHOT_REQUESTS)
    return UnreachableObjects(
        type=kind, counts=counts, bytes=tuple(entry_bytes * number for number in counts)
    )


def heap_snapshot(*found: HeapHolder | UnreachableObjects, **facts: Any) -> HeapGrowth:
    return HeapGrowth(
        **{
            "walker": "c",
            "requests": SNAPSHOT_REQUESTS,
            "objects": 1_234_567,
            "bytes": 180_000_000,
            "pause": 0.0042,
            "seconds": 0.31,
            "retainers": tuple(one for one in found if isinstance(one, HeapHolder)),
            "orphans": tuple(one for one in found if isinstance(one, UnreachableObjects)),
            **facts,
        }
    )
