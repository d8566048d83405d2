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

HEADER = struct.Struct("=4sIQQQddIIII")
TEXT = struct.Struct("=H")
ROW = struct.Struct("=10I3Q")
MAGIC, VERSION = b"heap", 2
LEAVES = ("str", "bytes", "int", "float")
HELD, CYCLES, CLASSES = "<held by C code>", "<cycles>", "<classes>"
"""Roots that are no module's."""


class How(IntEnum):
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


FEW, LITTLE = 8, 2_048
"""Objects or entries, and bytes, below which a group is not worth telling."""
PARTS = frozenset({How.NAMES, How.BODY, How.THREADS})
"""Steps to what is a part of its owner."""


class Unreadable(ValueError):
    """What came is not what a walker writes."""


class Group(NamedTuple):
    """Objects of one type, and the last step to them; the first group leads to nothing."""

    parent: int
    how: How
    text: str
    type: str
    name: str
    """Of functions."""
    objects: int
    leaves: tuple[int, ...]
    """Strings and numbers that only these objects have, as in `LEAVES`."""
    entries: int
    shallow: int
    """Bytes of the objects, with their leaves."""
    retained: int
    """Bytes that only they keep alive."""


class Walked(NamedTuple):
    """All that one walk tells."""

    objects: int
    bytes: int
    walking: float
    """Seconds to reach all objects."""
    seconds: float
    """The same, and to find out who keeps what."""
    groups: tuple[Group, ...]
    """Each after its parent."""


def split(told: bytes) -> tuple[bytes, ...]:
    """Return each look of all that a walker wrote; raises `Unreadable` for anything else."""
    looks: list[bytes] = []
    at = 0
    while at < len(told) or not looks:
        try:
            magic, version, *_, groups, letters = HEADER.unpack_from(told, at)
        except struct.error as error:
            raise Unreadable(str(error)) from None
        until = at + HEADER.size + letters + groups * ROW.size
        if (magic, version) != (MAGIC, VERSION) or until > len(told):
            raise Unreadable(f"it begins with {told[at : at + 8]!r} and ends after {len(told)}")
        looks.append(told[at:until])
        at = until
    return tuple(looks)


def read(told: bytes) -> Walked:
    """Return what one look tells; raises `Unreadable` for anything else."""
    try:
        return _read(told)
    except (struct.error, IndexError, ValueError) as error:
        raise Unreadable(str(error)) from None


def _read(told: bytes) -> Walked:
    magic, version, objects, _, size, walking, seconds, _, texts, groups, _ = HEADER.unpack_from(
        told
    )
    if (magic, version) != (MAGIC, VERSION):
        raise Unreadable(f"it begins with {told[:8]!r}")
    words, at = [""], HEADER.size
    for _ in range(texts):
        (length,) = TEXT.unpack_from(told, at)
        at += TEXT.size
        words.append(told[at : at + length].decode(errors="replace"))
        at += length
    rows = tuple(_group(row, words) for row in ROW.iter_unpack(told[at:]))
    if len(rows) != groups or any(row.parent > index for index, row in enumerate(rows)):
        raise Unreadable(f"{len(rows)} groups came of {groups}")
    return Walked(objects, size, walking, seconds, rows)


def _group(row: tuple[int, ...], words: list[str]) -> Group:
    parent, text, kind, name, count, how, *rest = row
    return Group(
        parent,
        How(how),
        words[text],
        words[kind],
        words[name],
        count,
        tuple(rest[:4]),
        *rest[4:],
    )


def worth_telling(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return those of *groups* in which something may grow, and all above them."""
    chosen = {0}
    for index in range(len(groups) - 1, 0, -1):
        one = groups[index]
        if max(one.objects, one.entries) >= FEW or one.shallow >= LITTLE or index in chosen:
            chosen |= {index, one.parent}
    return only(groups, chosen)


def only(groups: Sequence[Group], chosen: Iterable[int]) -> tuple[Group, ...]:
    """Return the *chosen* ones of *groups*, in which the parent of each has to be, too."""
    numbers = {index: number for number, index in enumerate(sorted(chosen))}
    return tuple(groups[index]._replace(parent=numbers[groups[index].parent]) for index in numbers)


def write(walked: Walked) -> bytes:
    """Return *walked* as `read` takes it."""
    numbers = {"": 0}
    for group in walked.groups:
        for text in (group.text, group.type, group.name):
            numbers.setdefault(text, len(numbers))
    words = [text.encode(errors="replace") for text in numbers if text]
    letters = b"".join(TEXT.pack(len(word)) + word for word in words)
    parts = [
        HEADER.pack(
            *(MAGIC, VERSION, walked.objects, 0, walked.bytes, walked.walking, walked.seconds),
            *(0, len(words), len(walked.groups), len(letters)),
        ),
        letters,
    ]
    parts += [
        ROW.pack(
            *(one.parent, numbers[one.text], numbers[one.type], numbers[one.name], one.objects),
            *(one.how, *one.leaves, one.entries, one.shallow, one.retained),
        )
        for one in walked.groups
    ]
    return b"".join(parts)
