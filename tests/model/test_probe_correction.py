"""What a probe itself adds to a worker's memory is no growth of the app."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.model.probe_correction import (
    MemoryLevel,
    ProbeSpan,
    probe_memory,
    subtract_probe_memory,
)
from bugsly_server.model.time_series import MemoryPoint

TIME_BUCKETS = 20


def memory_levels(per_step: int, *jumps: tuple[int, int]) -> list[MemoryLevel]:
    """Return levels that gain so many bytes a step of 100 requests, and *jumps* (step, bytes)."""
    return [
        MemoryLevel(
            at,
            at * 100,
            1_000_000 + per_step * at + sum(size for step, size in jumps if at >= step),
        )
        for at in range(TIME_BUCKETS)
    ]


@pytest.mark.parametrize(
    ("seen", "spans", "last"),
    [
        (memory_levels(0), [], 0),
        (memory_levels(0, (10, 9_000)), [], 0),
        (memory_levels(0, (10, 9_000)), [ProbeSpan(9, 11)], 9_000),
        (memory_levels(0, (10, 9_000)), [ProbeSpan(2, 4)], 0),
        (memory_levels(500, (10, 9_000)), [ProbeSpan(9, 11)], 9_000),
        (memory_levels(500), [ProbeSpan(9, 11)], 0),
        (memory_levels(0, (5, 9_000), (10, 4_000)), [ProbeSpan(4, 6), ProbeSpan(9, 11)], 13_000),
        (memory_levels(0, (10, -9_000)), [ProbeSpan(9, 11)], 0),
        (memory_levels(0, (10, 9_000)), [ProbeSpan(2, 18)], 0),
        ([], [ProbeSpan(2, 18)], 0),
    ],
    ids=[
        "no-probe",
        "a-jump-of-the-app",
        "a-jump-while-probed",
        "a-jump-at-another-time",
        "a-leak-and-a-jump",
        "a-leak-alone",
        "two-probes",
        "memory-given-back",
        "probed-most-of-its-life",
        "nothing-seen",
    ],
)
def test_what_probes_add_is_known(
    seen: list[MemoryLevel], spans: list[ProbeSpan], last: int
) -> None:
    assert [*probe_memory(seen, spans), 0][-2 if seen else -1] == last


@given(
    st.integers(0, 5_000),
    st.integers(0, 10_000_000),
    st.integers(2, TIME_BUCKETS - 3),
)
def test_a_leak_shows_as_it_is_however_much_a_probe_takes(leak: int, taken: int, at: int) -> None:
    seen, bare = memory_levels(leak, (at, taken)), memory_levels(leak)
    added = probe_memory(seen, [ProbeSpan(at - 1, at)])
    spared = [one.bytes - more for one, more in zip(seen, added, strict=True)]
    assert spared == [one.bytes for one in bare]


def test_what_fills_before_a_probe_and_is_full_after_it_is_not_taken_to_fill_on() -> None:
    seen = [
        MemoryLevel(at, at * 100, 1_000_000 + 500 * min(at, 9) + (9_000 if at >= 10 else 0))
        for at in range(TIME_BUCKETS)
    ]
    assert probe_memory(seen, [ProbeSpan(9, 13)])[-1] == 9_000


def test_a_point_keeps_its_spread() -> None:
    points = [
        MemoryPoint(one.at, one.requests, one.bytes - 7, one.bytes, one.bytes + 9)
        for one in memory_levels(0, (10, 9_000))
    ]
    assert set(subtract_probe_memory(points, [ProbeSpan(9, 11)])) == {
        MemoryPoint(at, at * 100, 999_993, 1_000_000, 1_000_009) for at in range(TIME_BUCKETS)
    }
