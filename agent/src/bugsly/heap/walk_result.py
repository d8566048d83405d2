"""What a walk tells: groups of objects to which the same way leads.

A look is written as one header, texts and rows, in the byte order of the machine; the walkers in C
and in Python write the same.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WALK_HEADER = struct.Struct("=4sIQQQddIIII")
TEXT_LENGTH = struct.Struct("=H")
GROUP_ROW = struct.Struct("=10I3Q")
MAGIC, VERSION = b"heap", 2
LEAF_TYPES = ("str", "bytes", "int", "float")
HELD_BY_C_ROOT, CYCLES_ROOT, CLASSES_ROOT = "<held by C code>", "<cycles>", "<classes>"
"""Roots that are no module's."""


class EdgeKind(IntEnum):
    """How a step leads to a group; as in the heap.h of the walker."""

    ROOT = 0
    ATTRIBUTE = 1
    KEY = 2
    ENTRY = 3
    CLOSURE = 4
    DEFAULT = 5
    LOCAL = 6
    THREAD = 7
    NAMES = 8
    BODY = 9
    THREADS = 10
    CONTENT = 11
    INNER = 12
    KEYS = 13


MIN_GROUP_OBJECTS, MIN_GROUP_BYTES = 8, 2_048
"""Objects or entries, and bytes, below which a group is not worth telling."""
PART_EDGES = frozenset({EdgeKind.NAMES, EdgeKind.BODY, EdgeKind.THREADS})
"""Steps to what is a part of its owner."""


class InvalidWalkResult(ValueError):
    """What came is not what a walker writes."""


class ObjectGroup(NamedTuple):
    """Objects of one type, and the last step to them; the first group leads to nothing."""

    parent: int
    edge: EdgeKind
    text: str
    type: str
    name: str
    """Of functions."""
    objects: int
    leaf_counts: tuple[int, ...]
    """Strings and numbers that only these objects have, as in `LEAF_TYPES`."""
    entries: int
    shallow: int
    """Bytes of the objects, with their leaves."""
    retained: int
    """Bytes that only they keep alive."""


class WalkResult(NamedTuple):
    """All that one walk tells."""

    objects: int
    bytes: int
    reach_seconds: float
    """Seconds to reach all objects."""
    seconds: float
    """The same, and to find out who keeps what."""
    groups: tuple[ObjectGroup, ...]
    """Each after its parent."""


def split_walk_results(data: bytes) -> tuple[bytes, ...]:
    """Return each look of all that a walker wrote; raises `InvalidWalkResult` for anything else."""
    results: list[bytes] = []
    offset = 0
    while offset < len(data) or not results:
        try:
            magic, version, *_, groups, text_bytes = WALK_HEADER.unpack_from(data, offset)
        except struct.error as error:
            raise InvalidWalkResult(str(error)) from None
        end = offset + WALK_HEADER.size + text_bytes + groups * GROUP_ROW.size
        if (magic, version) != (MAGIC, VERSION) or end > len(data):
            raise InvalidWalkResult(
                f"it begins with {data[offset : offset + 8]!r} and ends after {len(data)}"
            )
        results.append(data[offset:end])
        offset = end
    return tuple(results)


def decode_walk_result(data: bytes) -> WalkResult:
    """Return what one look tells; raises `InvalidWalkResult` for anything else."""
    try:
        return _decode(data)
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidWalkResult(str(error)) from None


def _decode(data: bytes) -> WalkResult:
    magic, version, objects, _, size, reach_seconds, seconds, _, texts, groups, _ = (
        WALK_HEADER.unpack_from(data)
    )
    if (magic, version) != (MAGIC, VERSION):
        raise InvalidWalkResult(f"it begins with {data[:8]!r}")
    strings, offset = [""], WALK_HEADER.size
    for _ in range(texts):
        (length,) = TEXT_LENGTH.unpack_from(data, offset)
        offset += TEXT_LENGTH.size
        strings.append(data[offset : offset + length].decode(errors="replace"))
        offset += length
    rows = tuple(_decode_group(row, strings) for row in GROUP_ROW.iter_unpack(data[offset:]))
    if len(rows) != groups or any(row.parent > index for index, row in enumerate(rows)):
        raise InvalidWalkResult(f"{len(rows)} groups came of {groups}")
    return WalkResult(objects, size, reach_seconds, seconds, rows)


def _decode_group(row: tuple[int, ...], strings: list[str]) -> ObjectGroup:
    parent, text, kind, name, count, edge, *rest = row
    return ObjectGroup(
        parent,
        EdgeKind(edge),
        strings[text],
        strings[kind],
        strings[name],
        count,
        tuple(rest[:4]),
        *rest[4:],
    )


def significant_groups(groups: Sequence[ObjectGroup]) -> tuple[ObjectGroup, ...]:
    """Return those of *groups* in which something may grow, and all above them."""
    chosen = {0}
    for index in range(len(groups) - 1, 0, -1):
        group = groups[index]
        if (
            max(group.objects, group.entries) >= MIN_GROUP_OBJECTS
            or group.shallow >= MIN_GROUP_BYTES
            or index in chosen
        ):
            chosen |= {index, group.parent}
    return select_groups(groups, chosen)


def select_groups(groups: Sequence[ObjectGroup], chosen: Iterable[int]) -> tuple[ObjectGroup, ...]:
    """Return the *chosen* ones of *groups*, in which the parent of each has to be, too."""
    numbers = {index: number for number, index in enumerate(sorted(chosen))}
    return tuple(groups[index]._replace(parent=numbers[groups[index].parent]) for index in numbers)


def encode_walk_result(result: WalkResult) -> bytes:
    """Return *result* as `decode_walk_result` takes it."""
    numbers = {"": 0}
    for group in result.groups:
        for text in (group.text, group.type, group.name):
            numbers.setdefault(text, len(numbers))
    strings = [text.encode(errors="replace") for text in numbers if text]
    text_bytes = b"".join(TEXT_LENGTH.pack(len(word)) + word for word in strings)
    parts = [
        WALK_HEADER.pack(
            *(
                MAGIC,
                VERSION,
                result.objects,
                0,
                result.bytes,
                result.reach_seconds,
                result.seconds,
            ),
            *(0, len(strings), len(result.groups), len(text_bytes)),
        ),
        text_bytes,
    ]
    parts += [
        GROUP_ROW.pack(
            *(one.parent, numbers[one.text], numbers[one.type], numbers[one.name], one.objects),
            *(one.edge, *one.leaf_counts, one.entries, one.shallow, one.retained),
        )
        for one in result.groups
    ]
    return b"".join(parts)
