"""Earlier snapshots that are cut off or corrupted: the walker in C refuses them before it forks."""

import random
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from bugsly.heap.groups import HEADER, ROW
from bugsly.heap.walkers import CWalker
from tests.support.heaps import patient
from tests.support.looking import module

from bugsly.heap.snapshot import take

TEXTS, GROUPS, UTF8 = 52, 56, 60
"""Where the header counts texts, rows and bytes of texts."""
PARENT, TEXT, TYPE, NAME, HOW = 0, 4, 8, 12, 20
"""Where a row has its numbers."""


@pytest.fixture
def whole() -> bytes:
    """Return a snapshot of a small heap."""
    shop = module("shop", log=[[n] for n in range(50)], index={str(n): [n] for n in range(50)})
    (only,) = take(CWalker(), [("shop", shop)], patient, whole=False).looks
    return only


def look(earlier: bytes) -> None:
    """Take a snapshot after that earlier one."""
    shop = module("shop", log=[[n] for n in range(60)])
    take(CWalker(), [("shop", shop)], patient, whole=False, earlier=(earlier,))


def number(at: int, value: int) -> Callable[[bytes], bytes]:
    """Return what overwrites the four bytes *at* with *value*."""
    return lambda told: told[:at] + struct.pack("=I", value) + told[at + 4 :]


def in_row(index: int, at: int, value: int) -> Callable[[bytes], bytes]:
    """Return what overwrites four bytes of a row; the last row is number -1."""

    def overwrite(told: bytes) -> bytes:
        *_, groups, utf8 = HEADER.unpack_from(told)
        row = HEADER.size + utf8 + (index % groups) * ROW.size
        return number(row + at, value)(told)

    return overwrite


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _told: b"", "it is shorter than a header"),
    "half a header": (lambda told: told[:40], "it is shorter than a header"),
    "no row": (lambda told: told[: HEADER.size], "it is cut off"),
    "half a row": (lambda told: told[:-5], "it is cut off"),
    "more than it says": (lambda told: told + b"\0", "it has bytes after its end"),
    "another beginning": (lambda told: b"help" + told[4:], "it does not begin like a snapshot"),
    "another version": (number(4, 3), "it is of another version"),
    "more rows": (number(GROUPS, 0xFFFFFFFF), "it is cut off"),
    "fewer rows": (number(GROUPS, 1), "it has bytes after its end"),
    "more bytes of texts": (number(UTF8, 0xFFFFFFFF), "it is cut off"),
    "more texts": (number(TEXTS, 0xFFFFFFFF), "its texts are cut off"),
    "fewer texts": (number(TEXTS, 1), "its texts end too early"),
    "a long text": (number(HEADER.size, 0xFFFF), "its texts are cut off"),
    "a parent below": (in_row(-1, PARENT, 0xFFFFFFFF), "a row is not below an earlier one"),
    "its own parent": (in_row(1, PARENT, 1), "a row is not below an earlier one"),
    "a first row with a parent": (in_row(0, PARENT, 1), "a row is not below an earlier one"),
    "a first row with a text": (in_row(0, TEXT, 1), "a row names a text that is not there"),
    "a far text": (in_row(-1, TEXT, 0xFFFFFFFF), "a row names a text that is not there"),
    "a far type": (in_row(-1, TYPE, 100_000), "a row names a text that is not there"),
    "a far name": (in_row(-1, NAME, 100_000), "a row names a text that is not there"),
    "an unknown step": (in_row(-1, HOW, 14), "a row is reached in an unknown way"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_snapshot_is_refused(what: str, whole: bytes) -> None:
    damage, problem = DAMAGE[what]
    with pytest.raises(ValueError, match="damaged") as refused:
        look(damage(whole))
    assert str(refused.value) == f"earlier: snapshot 0 is damaged: {problem}"


def test_a_snapshot_without_rows_is_refused() -> None:
    empty = HEADER.pack(b"heap", 2, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="it has no first row"):
        look(empty)


def test_a_whole_snapshot_is_taken(whole: bytes) -> None:
    look(whole)


def test_no_cut_is_read_past_its_end(whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="damaged"):
            look(whole[:length])


def test_no_flipped_byte_crashes_the_child(whole: bytes) -> None:
    chance = random.Random(1)
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[chance.randrange(TEXTS, len(whole))] ^= 1 << chance.randrange(8)
        with suppress(ValueError):
            look(bytes(flipped))
