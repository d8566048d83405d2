"""Encodes and decodes walk results, the groups of objects that a heap walker writes to its worker.

The format is that of snapshot_format.h: a header, texts and rows, in the byte order of the machine.
The walkers in C and in Python write the same.
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
"""Roots that are no modules."""


class EdgeKind(IntEnum):
    """How an edge leads from one object to the next, as in the heap.h of the walker in C."""

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


EDGE_KINDS = tuple(EdgeKind)
MIN_GROUP_OBJECTS, MIN_GROUP_BYTES = 8, 2_048
"""Objects or entries, and bytes, below which a group is left out."""
PART_EDGES = frozenset({EdgeKind.NAMES, EdgeKind.BODY, EdgeKind.THREADS})
"""Edges to what is a part of its owner."""


class InvalidWalkResult(ValueError):
    """The bytes are not what a walker writes."""


class WalkHeader(NamedTuple):
    """`SnapshotHeader` of snapshot_format.h."""

    magic: bytes
    version: int
    objects: int
    edges: int
    size: int
    reach_seconds: float
    seconds: float
    nodes: int
    texts: int
    groups: int
    text_bytes: int


class GroupRow(NamedTuple):
    """`GroupRow` of snapshot_format.h: *text*, *type* and *name* are numbers of texts."""

    parent: int
    text: int
    type: int
    name: int
    objects: int
    edge: int
    str_count: int
    bytes_count: int
    int_count: int
    float_count: int
    entries: int
    shallow: int
    retained: int


class ObjectGroup(NamedTuple):
    """Objects of one type with the same path, and the last step of it; the first is above all."""

    parent: int
    edge: EdgeKind
    text: str
    type: str
    name: str
    """Empty except for functions."""
    objects: int
    leaf_counts: tuple[int, ...]
    """Strings and numbers that these objects refer to, in the order of `LEAF_TYPES`."""
    entries: int
    shallow: int
    """Bytes of the objects, with their leaves."""
    retained: int
    """Bytes that only they keep alive."""


class WalkResult(NamedTuple):
    """What one walk found."""

    objects: int
    bytes: int
    reach_seconds: float
    """Seconds to reach all objects."""
    seconds: float
    """Seconds of the whole walk, retained sizes included."""
    groups: tuple[ObjectGroup, ...]
    """Each after its parent."""


def split_walk_results(data: bytes) -> tuple[bytes, ...]:
    """Return each result of all that a walker wrote; raises `InvalidWalkResult`."""
    results: list[bytes] = []
    offset = 0
    while offset < len(data) or not results:
        header = _read_header(data, offset)
        end = offset + WALK_HEADER.size + header.text_bytes + header.groups * GROUP_ROW.size
        if end > len(data):
            raise InvalidWalkResult(f"it ends after {len(data)} bytes")
        results.append(data[offset:end])
        offset = end
    return tuple(results)


def _read_header(data: bytes, offset: int = 0) -> WalkHeader:
    try:
        header = WalkHeader._make(WALK_HEADER.unpack_from(data, offset))
    except struct.error:
        raise InvalidWalkResult(f"it ends after {len(data)} bytes") from None
    if (header.magic, header.version) != (MAGIC, VERSION):
        raise InvalidWalkResult(f"it begins with {data[offset : offset + 8]!r}")
    return header


def decode_walk_result(data: bytes) -> WalkResult:
    """Return one result that a walker wrote; raises `InvalidWalkResult`."""
    try:
        return _decode(data)
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidWalkResult(str(error)) from None


def _decode(data: bytes) -> WalkResult:
    header = _read_header(data)
    strings, offset = [""], WALK_HEADER.size
    for _ in range(header.texts):
        (length,) = TEXT_LENGTH.unpack_from(data, offset)
        offset += TEXT_LENGTH.size
        strings.append(data[offset : offset + length].decode(errors="replace"))
        offset += length
    rows = map(GroupRow._make, GROUP_ROW.iter_unpack(data[offset:]))
    groups = tuple(_decode_group(row, strings) for row in rows)
    if len(groups) != header.groups:
        raise InvalidWalkResult(f"it has {len(groups)} groups of {header.groups}")
    if any(group.parent > index for index, group in enumerate(groups)):
        raise InvalidWalkResult("a group comes before its parent")
    return WalkResult(header.objects, header.size, header.reach_seconds, header.seconds, groups)


def _decode_group(row: GroupRow, strings: list[str]) -> ObjectGroup:
    return ObjectGroup(
        row.parent,
        EDGE_KINDS[row.edge],
        strings[row.text],
        strings[row.type],
        strings[row.name],
        row.objects,
        row[6:10],
        row.entries,
        row.shallow,
        row.retained,
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
    """Return *result* as bytes for `decode_walk_result`."""
    numbers = {"": 0}
    for group in result.groups:
        for text in (group.text, group.type, group.name):
            numbers.setdefault(text, len(numbers))
    strings = [text.encode(errors="replace") for text in numbers if text]
    text_bytes = b"".join(TEXT_LENGTH.pack(len(string)) + string for string in strings)
    header = WalkHeader(
        magic=MAGIC,
        version=VERSION,
        objects=result.objects,
        edges=0,
        size=result.bytes,
        reach_seconds=result.reach_seconds,
        seconds=result.seconds,
        nodes=0,
        texts=len(strings),
        groups=len(result.groups),
        text_bytes=len(text_bytes),
    )
    rows = (GROUP_ROW.pack(*_row_of(group, numbers)) for group in result.groups)
    return b"".join([WALK_HEADER.pack(*header), text_bytes, *rows])


def _row_of(group: ObjectGroup, numbers: dict[str, int]) -> GroupRow:
    texts = (numbers[group.text], numbers[group.type], numbers[group.name])
    counts = (group.objects, group.edge, *group.leaf_counts, group.entries)
    return GroupRow._make((group.parent, *texts, *counts, group.shallow, group.retained))
