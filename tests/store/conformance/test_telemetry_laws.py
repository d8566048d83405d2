"""However samples come in, and whenever they are rolled up, each tier is a naive fold of them."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conformance.telemetry_backends import (
    BACKENDS,
    MIDNIGHT,
    WIDTHS,
    OpenTelemetry,
    bare_traffic,
    naive_points,
    naive_traffic,
    readings_of,
    served,
    stored_sample,
)

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.store.ports import StoredSample

SPAN = (MIDNIGHT + 15 * DAY, MIDNIGHT + 19 * DAY)
"""Four days around the end of a month."""
CENTRES = st.sampled_from([15 * DAY, 16 * DAY, 17 * DAY - HOUR, 17 * DAY, 18 * DAY + 90 * MINUTE])


@st.composite
def moments(draw: st.DrawFn) -> Micros:
    """Draw a moment of `SPAN`, most often near others and near a border."""
    near = draw(st.integers(0, 300)) * draw(st.sampled_from([SECOND, 10 * SECOND, MINUTE]))
    return MIDNIGHT + draw(CENTRES) + near


@st.composite
def batches(draw: st.DrawFn) -> list[list[StoredSample]]:
    """Draw samples of two workers with traffic, in any order, cut into batches."""
    places = draw(st.sets(st.tuples(st.integers(1, 2), moments()), max_size=60))
    counts = st.dictionaries(st.integers(1, 3), st.builds(served, st.integers(1, 99)), max_size=2)
    samples = [
        stored_sample(at, key, traffic=draw(counts))
        for key, at in draw(st.permutations(sorted(places)))
    ]
    cuts = sorted(draw(st.sets(st.integers(0, len(samples)), max_size=4)))
    edges = [0, *cuts, len(samples)]
    return [samples[begin:end] for begin, end in pairwise(edges)]


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
@settings(max_examples=40)
@given(batches(), st.lists(st.sampled_from([SECOND, MINUTE, HOUR, DAY]), min_size=6, max_size=6))
def test_every_tier_is_the_fold_of_all_samples(
    backend: OpenTelemetry, given_batches: list[list[StoredSample]], pauses: list[Micros]
) -> None:
    samples = [one for batch in given_batches for one in batch]
    now = SPAN[0]
    with tempfile.TemporaryDirectory() as folder:
        telemetry = backend(Path(folder))
        for batch, pause in zip(given_batches, pauses, strict=False):
            telemetry.write(batch)
            now += pause
            telemetry.roll_up(now)
        telemetry.roll_up(now + 10 * DAY)
        for worker_id in (1, 2):
            mine = [one for one in samples if one.worker_id == worker_id]
            assert bare_traffic(telemetry.traffic([worker_id], *SPAN)) == bare_traffic(
                naive_traffic(mine)
            )
            for width in WIDTHS:
                naive = naive_points(samples, worker_id, width)
                assert readings_of(telemetry, worker_id, width, SPAN) == naive
        telemetry.close()
