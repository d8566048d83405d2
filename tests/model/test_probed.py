"""What a probe itself adds to a worker's memory is no growth of the app."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.model.probed import Level, Span, added_by_probes, without_probes
from bugsly_server.model.series import Point

STEPS = 20


def levels(per_step: int, *jumps: tuple[int, int]) -> list[Level]:
    """Return levels that gain so many bytes a step of 100 requests, and *jumps* (step, bytes)."""
    return [
        Level(
            at,
            at * 100,
            1_000_000 + per_step * at + sum(size for step, size in jumps if at >= step),
        )
        for at in range(STEPS)
    ]


@pytest.mark.parametrize(
    ("seen", "spans", "last"),
    [
        (levels(0), [], 0),
        (levels(0, (10, 9_000)), [], 0),
        (levels(0, (10, 9_000)), [Span(9, 11)], 9_000),
        (levels(0, (10, 9_000)), [Span(2, 4)], 0),
        (levels(500, (10, 9_000)), [Span(9, 11)], 9_000),
        (levels(500), [Span(9, 11)], 0),
        (levels(0, (5, 9_000), (10, 4_000)), [Span(4, 6), Span(9, 11)], 13_000),
        (levels(0, (10, -9_000)), [Span(9, 11)], 0),
        (levels(0, (10, 9_000)), [Span(2, 18)], 0),
        ([], [Span(2, 18)], 0),
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
def test_what_probes_add_is_known(seen: list[Level], spans: list[Span], last: int) -> None:
    assert [*added_by_probes(seen, spans), 0][-2 if seen else -1] == last


@given(
    st.integers(0, 5_000),
    st.integers(0, 10_000_000),
    st.integers(2, STEPS - 3),
)
def test_a_leak_shows_as_it_is_however_much_a_probe_takes(leak: int, taken: int, at: int) -> None:
    seen, bare = levels(leak, (at, taken)), levels(leak)
    added = added_by_probes(seen, [Span(at - 1, at)])
    spared = [one.bytes - more for one, more in zip(seen, added, strict=True)]
    assert spared == [one.bytes for one in bare]


def test_what_fills_before_a_probe_and_is_full_after_it_is_not_taken_to_fill_on() -> None:
    seen = [
        Level(at, at * 100, 1_000_000 + 500 * min(at, 9) + (9_000 if at >= 10 else 0))
        for at in range(STEPS)
    ]
    assert added_by_probes(seen, [Span(9, 13)])[-1] == 9_000


def test_a_point_keeps_its_spread() -> None:
    points = [
        Point(one.at, one.requests, one.bytes - 7, one.bytes, one.bytes + 9)
        for one in levels(0, (10, 9_000))
    ]
    assert set(without_probes(points, [Span(9, 11)])) == {
        Point(at, at * 100, 999_993, 1_000_000, 1_000_009) for at in range(STEPS)
    }
