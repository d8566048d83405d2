"""The record of the path to a holder, as a diagnosis has it."""

from __future__ import annotations

import msgspec

from bugsly.protocol.evidence import HolderPathStep
from bugsly_server.model.heap_path import HeapPath


class HopRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `HolderPathStep`."""

    name: str
    type: str


class HeapPathRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `HeapPath`."""

    hops: tuple[HopRecord, ...]
    requests: tuple[int, ...]
    counts: tuple[int, ...]
    bytes: int
    entry: str
    types: dict[str, int]
    objects: int
    pause: float


def heap_path_to_record(heap_path: HeapPath) -> HeapPathRecord:
    """Return the record of *heap_path*."""
    return HeapPathRecord(
        hops=tuple(HopRecord(name=hop.name, type=hop.type) for hop in heap_path.hops),
        requests=heap_path.requests,
        counts=heap_path.counts,
        bytes=heap_path.bytes,
        entry=heap_path.entry,
        types=heap_path.types,
        objects=heap_path.objects,
        pause=heap_path.pause,
    )


def heap_path_from_record(record: HeapPathRecord) -> HeapPath:
    """Return the path in *record*."""
    return HeapPath(
        hops=tuple(HolderPathStep(name=hop.name, type=hop.type) for hop in record.hops),
        requests=record.requests,
        counts=record.counts,
        bytes=record.bytes,
        entry=record.entry,
        types=record.types,
        objects=record.objects,
        pause=record.pause,
    )
