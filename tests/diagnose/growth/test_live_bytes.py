"""What live bytes gain where the allocator is not read in every sample."""

import pytest

from bugsly_server.diagnose.growth.live_bytes import memory_gain
from bugsly_server.model.leak_evidence import TimeBucket, WorkerHistory

MB = 1_000_000


def time_bucket(
    number: int, in_use: int, blocks: int | None = None, bytes_per_bucket: int = MB
) -> TimeBucket:
    return TimeBucket(
        at=number * MB,
        requests=number * 100,
        anonymous=30 * MB + number * bytes_per_bucket,
        in_use=in_use,
        allocator_bytes=2 * in_use,
        blocks=blocks,
        descriptors=9,
        threads=2,
        served={},
        failed={},
        holder_counts={},
    )


def live_gain(*in_use: int) -> int | None:
    """Return what a life with these readings gained."""
    steps = tuple(time_bucket(number, one) for number, one in enumerate(in_use))
    found = memory_gain(
        WorkerHistory(
            worker_id=1, pid=1, release="", python="3.11", server="gunicorn", buckets=steps
        )
    )
    assert found is not None
    return found.live_bytes


def with_blocks(blocks_per_bucket: int) -> WorkerHistory:
    """Draw a worker that gains so many blocks of Python's allocator a step, and nothing else."""
    steps = tuple(
        time_bucket(number, 10 * MB, blocks=number * blocks_per_bucket) for number in range(40)
    )
    return WorkerHistory(
        worker_id=1, pid=1, release="", python="3.11", server="gunicorn", buckets=steps
    )


@pytest.mark.parametrize(("block", "live"), [(90.0, 2.5 * MB), (257.0, 7.2 * MB)])
def test_blocks_have_the_given_size_and_at_most_the_largest(block: float, live: float) -> None:
    found = memory_gain(with_blocks(1_000), block)
    assert found is not None
    assert found.live_bytes == pytest.approx(live, rel=0.3)
    assert found.max_live_bytes == pytest.approx(live * 512 / block, rel=0.3)


def test_a_sample_without_a_reading_is_left_out_of_live_bytes() -> None:
    read = [(10 + number) * MB for number in range(40)]
    now_and_then = [one if number % 3 == 0 else 0 for number, one in enumerate(read)]
    assert live_gain(*read) == pytest.approx(28 * MB, rel=0.15)
    assert live_gain(*now_and_then) == pytest.approx(28 * MB, rel=0.15)


def test_live_bytes_are_unknown_where_an_allocator_does_not_report_them() -> None:
    assert live_gain(*[0] * 16) is None
    assert live_gain(*[0] * 15, 10 * MB) is None
