"""The whole life of a worker, in a bounded number of steps."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conformance.telemetry_backends import (
    BACKENDS,
    MIDNIGHT,
    OpenTelemetry,
    served,
    stored_sample,
)

from bugsly_server.clock import DAY, SECOND
from bugsly_server.store.ports import (
    TIME_BUCKET_RETENTION,
    StoredSample,
    StoredTimeBucket,
    Telemetry,
)

MAX_BUCKETS = 256


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> OpenTelemetry:
    return BACKENDS[request.param]


@pytest.fixture
def telemetry(backend: OpenTelemetry, tmp_path: Path) -> Iterator[Telemetry]:
    telemetry = backend(tmp_path)
    yield telemetry
    telemetry.close()


def worker_samples(count: int, worker_id: int = 1) -> list[StoredSample]:
    """Return samples of which no two are alike."""
    return [
        stored_sample(
            MIDNIGHT + number * SECOND,
            worker_id,
            number=number,
            requests=number * 3,
            in_use=number * 1000,
            held=number * 2000,
            blocks=number * 7 if number % 6 == 0 else None,
            traffic={5: served(number % 9), 6 + number % 2: served(7)},
            levels={1: number, 2: number // 5},
        )
        for number in range(1, count + 1)
    ]


def sums(parts: Sequence[StoredSample | StoredTimeBucket]) -> tuple[Counter[int], Counter[int]]:
    """Return requests and failures by endpoint."""
    total: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    for part in parts:
        if isinstance(part, StoredTimeBucket):
            total.update(part.served)
            failed.update(part.failed)
        else:
            for key, served_traffic in part.traffic.items():
                total[key] += served_traffic.requests
                failed[key] += served_traffic.client_errors + served_traffic.server_errors
    return +total, +failed


def test_a_young_life_has_a_step_for_each_sample(telemetry: Telemetry) -> None:
    samples = worker_samples(MAX_BUCKETS)
    telemetry.write(samples)
    steps = telemetry.time_buckets([1])[1]
    assert [one.at for one in steps] == [one.at for one in samples]
    assert [one[1:8] for one in steps] == [
        (
            one.requests,
            one.anonymous,
            one.in_use,
            one.held,
            one.blocks,
            one.descriptors,
            one.threads,
        )
        for one in samples
    ]
    assert [one.levels for one in steps] == [one.levels for one in samples]
    assert sums(steps[9:10]) == sums(samples[9:10])


@pytest.mark.parametrize("count", [MAX_BUCKETS + 1, 1_000, 5_000])
def test_a_long_life_is_covered_by_steps_of_about_the_same_length(
    telemetry: Telemetry, count: int
) -> None:
    samples = worker_samples(count)
    for start in range(0, count, 100):
        telemetry.write(samples[start : start + 100])
    steps = telemetry.time_buckets([1])[1]
    assert MAX_BUCKETS // 2 <= len(steps) <= MAX_BUCKETS
    assert sums(steps) == sums(samples)
    assert steps[-1].at == samples[-1].at
    widths = Counter(later.levels[1] - earlier.levels[1] for earlier, later in pairwise(steps))
    assert widths.most_common(1)[0][1] >= len(steps) - 2


def test_a_step_tells_the_gauges_of_its_last_sample_and_the_blocks_that_were_read_last(
    telemetry: Telemetry,
) -> None:
    samples = {one.at: one for one in worker_samples(2_000)}
    telemetry.write(list(samples.values()))
    steps = telemetry.time_buckets([1])[1]
    for step in steps:
        last = samples[step.at]
        assert (step.anonymous, step.in_use, step.held) == (
            last.anonymous,
            last.in_use,
            last.held,
        )
        assert step.levels == last.levels
        assert step.blocks == last.number // 6 * 42 or step is steps[-1]


def test_samples_that_were_written_before_add_nothing(telemetry: Telemetry) -> None:
    samples = worker_samples(700)
    telemetry.write(samples)
    before = telemetry.time_buckets([1])
    telemetry.write(samples[300:])
    telemetry.write([samples[-1], samples[-1]])
    assert telemetry.time_buckets([1]) == before


def test_a_life_goes_on_after_a_restart(backend: OpenTelemetry, tmp_path: Path) -> None:
    samples = worker_samples(600)
    for part in (samples[:290], samples[290:]):
        telemetry = backend(tmp_path)
        telemetry.write(part)
        telemetry.close()
    again = backend(tmp_path)
    assert sums(again.time_buckets([1])[1]) == sums(samples)
    again.close()


def test_workers_keep_to_themselves(telemetry: Telemetry) -> None:
    telemetry.write(worker_samples(20, 1) + worker_samples(700, 2))
    found = telemetry.time_buckets([1, 2, 3])
    assert sums(found[1]) == sums(worker_samples(20))
    assert sums(found[2]) == sums(worker_samples(700))
    assert found[3] == []


def test_numbers_that_leap_spoil_only_the_resolution(telemetry: Telemetry) -> None:
    samples = worker_samples(400)
    far = [one._replace(number=one.number + (1 << 50)) for one in samples[200:]]
    telemetry.write(samples[:200] + far)
    steps = telemetry.time_buckets([1])[1]
    assert sums(steps) == sums(samples)
    assert 1 < len(steps) <= MAX_BUCKETS


def test_steps_of_a_worker_not_heard_of_for_two_days_are_forgotten(telemetry: Telemetry) -> None:
    telemetry.write(worker_samples(20, 1))
    late = stored_sample(MIDNIGHT + TIME_BUCKET_RETENTION, 2)
    telemetry.write([late])
    telemetry.delete_expired(MIDNIGHT + TIME_BUCKET_RETENTION + 20 * SECOND)
    assert len(telemetry.time_buckets([1])[1]) == 20
    telemetry.delete_expired(MIDNIGHT + TIME_BUCKET_RETENTION + 21 * SECOND)
    assert [len(steps) for steps in telemetry.time_buckets([1, 2]).values()] == [0, 1]
    telemetry.delete_expired(MIDNIGHT + 9 * DAY)
    assert telemetry.time_buckets([2]) == {2: []}


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=900),
    st.lists(st.integers(1, 300), min_size=1, max_size=9),
)
@settings(max_examples=40, deadline=None)
def test_however_samples_come_sums_order_and_the_whole_life_are_kept(
    numbers: list[int], cuts: list[int]
) -> None:
    known = {one.number: one for one in worker_samples(900)}
    kept: list[StoredSample] = []
    with tempfile.TemporaryDirectory() as folder:
        telemetry = BACKENDS["sqlite"](Path(folder))
        start = 0
        while start < len(numbers):
            size = cuts[start % len(cuts)]
            batch = [known[number] for number in numbers[start : start + size]]
            highest = kept[-1].number if kept else 0
            fresh = {one.number: one for one in batch if one.number > highest}
            kept += [fresh[number] for number in sorted(fresh)]
            telemetry.write(batch)
            start += size
        steps = telemetry.time_buckets([1])[1]
        telemetry.close()
    assert sums(steps) == sums(kept)
    assert [one.at for one in steps] == sorted({one.at for one in steps})
    assert steps[-1].at == kept[-1].at
    assert len(steps) == len(kept) or MAX_BUCKETS // 2 <= len(steps) <= MAX_BUCKETS
