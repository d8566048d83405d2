"""Earlier snapshots that are cut off or corrupted: the walker in C refuses them before it forks."""

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest
from tests.support.heap_walks import sleep_patiently
from tests.support.small_census import module

from bugsly.heap.snapshot import SnapshotFailed, take_snapshot
from bugsly.heap.walk_result import (
    GROUP_ROW,
    TEXT_LENGTH,
    WALK_HEADER,
    EdgeKind,
    GroupRow,
    WalkHeader,
)
from bugsly.heap.walker_choice import CWalker

MAX_UINT32 = 2**32 - 1


class SnapshotParts(NamedTuple):
    """The parts of a snapshot, each of which a test may damage."""

    header: WalkHeader
    texts: bytes
    rows: tuple[GroupRow, ...]

    def encode(self) -> bytes:
        rows = b"".join(GROUP_ROW.pack(*row) for row in self.rows)
        return WALK_HEADER.pack(*self.header) + self.texts + rows


def parts_of(snapshot: bytes) -> SnapshotParts:
    header = WalkHeader._make(WALK_HEADER.unpack_from(snapshot))
    texts_and_rows = snapshot[WALK_HEADER.size :]
    texts, rows = texts_and_rows[: header.text_bytes], texts_and_rows[header.text_bytes :]
    return SnapshotParts(header, texts, tuple(map(GroupRow._make, GROUP_ROW.iter_unpack(rows))))


Damage = Callable[[bytes], bytes]


def damaged_header(**fields: object) -> Damage:
    """Return what overwrites *fields* of the header."""

    def damage(snapshot: bytes) -> bytes:
        parts = parts_of(snapshot)
        return parts._replace(header=parts.header._replace(**fields)).encode()  # type: ignore[arg-type]

    return damage


def damaged_row(index: int, **fields: int) -> Damage:
    """Return what overwrites *fields* of a row; the last row is number -1."""

    def damage(snapshot: bytes) -> bytes:
        parts = parts_of(snapshot)
        rows = list(parts.rows)
        rows[index] = rows[index]._replace(**fields)
        return parts._replace(rows=tuple(rows)).encode()

    return damage


def with_a_long_first_text(snapshot: bytes) -> bytes:
    parts = parts_of(snapshot)
    texts = TEXT_LENGTH.pack(0xFFFF) + parts.texts[TEXT_LENGTH.size :]
    return parts._replace(texts=texts).encode()


NO_TEXT = "a row names a text that is not there"
NO_PARENT = "a row is not below an earlier one"
DAMAGE: dict[str, tuple[Damage, str]] = {
    "nothing": (lambda _whole: b"", "it is shorter than a header"),
    "half a header": (
        lambda whole: whole[: WALK_HEADER.size // 2],
        "it is shorter than a header",
    ),
    "no row": (lambda whole: whole[: WALK_HEADER.size], "it is cut off"),
    "half a row": (lambda whole: whole[: -GROUP_ROW.size // 2], "it is cut off"),
    "more than it says": (lambda whole: whole + b"\0", "it has bytes after its end"),
    "another beginning": (damaged_header(magic=b"help"), "it does not begin like a snapshot"),
    "another version": (damaged_header(version=3), "it is of another version"),
    "more rows": (damaged_header(groups=MAX_UINT32), "it is cut off"),
    "fewer rows": (damaged_header(groups=1), "it has bytes after its end"),
    "more bytes of texts": (damaged_header(text_bytes=MAX_UINT32), "it is cut off"),
    "more texts": (damaged_header(texts=MAX_UINT32), "its texts are cut off"),
    "fewer texts": (damaged_header(texts=1), "its texts end too early"),
    "a long text": (with_a_long_first_text, "its texts are cut off"),
    "a parent below": (damaged_row(-1, parent=MAX_UINT32), NO_PARENT),
    "its own parent": (damaged_row(1, parent=1), NO_PARENT),
    "a first row with a parent": (damaged_row(0, parent=1), NO_PARENT),
    "a first row with a text": (damaged_row(0, text=1), NO_TEXT),
    "a far text": (damaged_row(-1, text=MAX_UINT32), NO_TEXT),
    "a far type": (damaged_row(-1, type=100_000), NO_TEXT),
    "a far name": (damaged_row(-1, name=100_000), NO_TEXT),
    "an unknown edge": (
        damaged_row(-1, edge=len(EdgeKind)),
        "a row has an unknown kind of edge",
    ),
}


@pytest.fixture
def whole() -> bytes:
    """Return a snapshot of a small heap."""
    shop = module("shop", log=[[n] for n in range(50)], index={str(n): [n] for n in range(50)})
    taken = take_snapshot(CWalker(), [("shop", shop)], sleep_patiently, include_unreachable=False)
    (only,) = taken.encoded_results
    return only


def take_snapshot_after(earlier: bytes) -> None:
    shop = module("shop", log=[[n] for n in range(60)])
    take_snapshot(
        CWalker(),
        [("shop", shop)],
        sleep_patiently,
        include_unreachable=False,
        earlier_results=(earlier,),
    )


def problem_after(earlier: bytes) -> str:
    try:
        take_snapshot_after(earlier)
    except SnapshotFailed as failed:
        return str(failed)
    return ""


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_snapshot_is_refused(what: str, whole: bytes) -> None:
    damage, problem = DAMAGE[what]
    with pytest.raises(SnapshotFailed) as refused:
        take_snapshot_after(damage(whole))
    refusal = "the snapshot was refused: earlier snapshot 0 is damaged"
    assert str(refused.value) == f"{refusal}: {problem}"


def test_a_snapshot_without_rows_is_refused(whole: bytes) -> None:
    header = parts_of(whole).header._replace(texts=0, groups=0, text_bytes=0)
    with pytest.raises(SnapshotFailed, match="it has no first row"):
        take_snapshot_after(WALK_HEADER.pack(*header))


def test_after_a_damaged_snapshot_a_whole_one_is_taken(whole: bytes) -> None:
    with pytest.raises(SnapshotFailed):
        take_snapshot_after(whole[:-1])
    take_snapshot_after(whole)


def test_no_cut_is_read_past_its_end(whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(SnapshotFailed, match="damaged"):
            take_snapshot_after(whole[:length])


def test_no_flipped_bit_crashes_the_child(whole: bytes) -> None:
    seeded = random.Random(1)
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[seeded.randrange(len(whole))] ^= 1 << seeded.randrange(8)
        problem = problem_after(bytes(flipped))
        assert not problem or "earlier snapshot 0 is damaged" in problem
