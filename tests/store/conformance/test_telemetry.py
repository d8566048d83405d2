from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.conformance.telemetry_backends import (
    BACKENDS,
    MIDNIGHT,
    WIDTHS,
    OpenTelemetry,
    bare_traffic,
    last_sizes,
    naive_points,
    naive_traffic,
    readings_of,
    samples_every,
    served,
    stored_sample,
)

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.store.ports import Telemetry

LATER: Micros = MIDNIGHT + 40 * DAY
AN_HOUR = (MIDNIGHT, MIDNIGHT + HOUR)
A_DAY = (MIDNIGHT, MIDNIGHT + DAY)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> OpenTelemetry:
    return BACKENDS[request.param]


@pytest.fixture
def telemetry(backend: OpenTelemetry, tmp_path: Path) -> Iterator[Telemetry]:
    telemetry = backend(tmp_path)
    yield telemetry
    telemetry.close()


def test_samples_come_back_in_order_of_time_whatever_order_they_came_in(
    telemetry: Telemetry,
) -> None:
    samples = samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR)
    telemetry.write(samples[180:])
    telemetry.write(samples[180:0:-1] + samples[:1])
    points = telemetry.points([1], MIDNIGHT, MIDNIGHT + HOUR, 600)[1]
    assert [(one.at, one.requests, one.low, one.last, one.high) for one in points] == [
        (one.at, one.requests, *[one.anonymous] * 3) for one in samples
    ]


def test_a_span_begins_with_its_first_moment_and_ends_before_its_last(telemetry: Telemetry) -> None:
    telemetry.write([stored_sample(MIDNIGHT + n) for n in range(4)])
    points = telemetry.points([1], MIDNIGHT + 1, MIDNIGHT + 3, 600)[1]
    assert [one.at - MIDNIGHT for one in points] == [1, 2]


def test_writing_again_changes_nothing(telemetry: Telemetry) -> None:
    samples = samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR, traffic={5: served(9)})
    for _ in range(3):
        telemetry.write(samples)
    telemetry.write([one._replace(anonymous=1, traffic={5: served(1)}) for one in samples])
    assert last_sizes(telemetry.points([1], *AN_HOUR, 600)[1]) == [one.anonymous for one in samples]
    assert bare_traffic(telemetry.traffic([1], *AN_HOUR)) == bare_traffic(naive_traffic(samples))


def test_workers_are_kept_apart_and_one_without_samples_has_no_points(
    telemetry: Telemetry,
) -> None:
    telemetry.write([stored_sample(MIDNIGHT, 1), stored_sample(MIDNIGHT, 2, anonymous=5)])
    found = telemetry.points([1, 2, 3], MIDNIGHT, MIDNIGHT + 1, 10)
    assert {key: last_sizes(points) for key, points in found.items()} == {
        1: [stored_sample(MIDNIGHT).anonymous],
        2: [5],
        3: [],
    }


def test_many_points_are_thinned_by_merging_neighbours(telemetry: Telemetry) -> None:
    samples = [stored_sample(MIDNIGHT + n, anonymous=n % 7) for n in range(70)]
    telemetry.write(samples)
    points = telemetry.points([1], MIDNIGHT, MIDNIGHT + 70, 10)[1]
    assert [(one.low, one.last, one.high) for one in points] == [(0, 6, 6)] * 10
    assert points[-1].requests == samples[-1].requests


@pytest.mark.parametrize("width", WIDTHS)
def test_each_tier_is_what_a_naive_reader_makes_of_the_samples(
    telemetry: Telemetry, width: Micros
) -> None:
    samples = samples_every(71 * SECOND, MIDNIGHT, MIDNIGHT + DAY)
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    assert readings_of(telemetry, 1, width, A_DAY) == naive_points(samples, 1, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_late_sample_is_added_to_buckets_that_were_finished(
    telemetry: Telemetry, width: Micros
) -> None:
    samples = samples_every(10 * MINUTE, MIDNIGHT, MIDNIGHT + DAY, traffic={5: served(9)})
    late = stored_sample(MIDNIGHT + 5 * MINUTE, anonymous=9, traffic={5: served(4, biggest=70)})
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    telemetry.write([late])
    telemetry.roll_up(LATER + HOUR)
    assert readings_of(telemetry, 1, width, A_DAY) == naive_points([*samples, late], 1, width)
    assert bare_traffic(telemetry.traffic([1], *A_DAY)) == bare_traffic(
        naive_traffic([*samples, late])
    )


def test_traffic_is_added_up_over_workers_and_samples(telemetry: Telemetry) -> None:
    samples = [
        stored_sample(MIDNIGHT, 1, traffic={5: served(9, biggest=4), 6: served(1)}),
        stored_sample(MIDNIGHT + 1, 1, traffic={5: served(2, biggest=9)}),
        stored_sample(MIDNIGHT, 2, traffic={5: served(1, biggest=3)}),
        stored_sample(MIDNIGHT, 3, traffic={5: served(100)}),
    ]
    telemetry.write(samples)
    found = telemetry.traffic([1, 2], MIDNIGHT, MIDNIGHT + MINUTE)
    assert bare_traffic(found) == bare_traffic(naive_traffic(samples[:3]))
    assert found[5].biggest == 9


@pytest.mark.parametrize("span", [HOUR, DAY, 5 * DAY, 30 * DAY])
def test_traffic_of_a_worker_is_whole_whichever_tier_tells_it(
    telemetry: Telemetry, span: Micros
) -> None:
    begin = MIDNIGHT + 7 * HOUR + 3 * MINUTE + 20 * SECOND
    samples = samples_every(span // 40, begin, begin + span, traffic={5: served(9), 6: served(3)})
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    found = telemetry.traffic([1], begin, begin + span)
    assert bare_traffic(found) == bare_traffic(naive_traffic(samples))


def test_a_bucket_that_a_span_begins_in_belongs_to_it(telemetry: Telemetry) -> None:
    begin = MIDNIGHT + 3 * MINUTE + 20 * SECOND
    samples = samples_every(MINUTE, begin, begin + 20 * HOUR)
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    points = telemetry.points([1], begin, begin + 20 * HOUR, 600)[1]
    assert points[0].requests <= samples[2].requests


def test_a_span_over_midnight_and_the_end_of_a_month_is_whole(telemetry: Telemetry) -> None:
    begin = MIDNIGHT + 15 * DAY
    samples = samples_every(HOUR // 2, begin, begin + 4 * DAY, traffic={5: served(1)})
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    for width in WIDTHS:
        span = (begin, begin + 4 * DAY)
        assert readings_of(telemetry, 1, width, span) == naive_points(samples, 1, width)


def test_what_lies_before_the_first_file_of_a_tier_is_told_by_coarser_ones(
    telemetry: Telemetry,
) -> None:
    samples = samples_every(10 * MINUTE, MIDNIGHT, MIDNIGHT + 12 * DAY, traffic={5: served(2)})
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    telemetry.delete_expired(MIDNIGHT + 12 * DAY)
    span = (MIDNIGHT, MIDNIGHT + 12 * DAY)
    for most in (10_000, 1_000, 200):
        points = telemetry.points([1], *span, most)[1]
        assert points[0].requests <= samples[6].requests
        assert [one.at for one in points] == sorted(one.at for one in points)
        assert points[-1].requests == samples[-1].requests
    assert bare_traffic(telemetry.traffic([1], *span)) == bare_traffic(naive_traffic(samples))


def test_a_worker_older_than_the_first_file_is_shown_as_finely_as_it_was_seen(
    telemetry: Telemetry,
) -> None:
    telemetry.write(samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR))
    telemetry.roll_up(MIDNIGHT + HOUR)
    assert len(telemetry.points([1], MIDNIGHT - HOUR, MIDNIGHT + HOUR, 600)[1]) == 360


def test_what_was_written_is_there_after_a_restart(backend: OpenTelemetry, tmp_path: Path) -> None:
    samples = samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR, traffic={5: served(9)})
    telemetry = backend(tmp_path)
    telemetry.write(samples)
    telemetry.close()
    again = backend(tmp_path)
    assert last_sizes(again.points([1], *AN_HOUR, 600)[1]) == [one.anonymous for one in samples]
    assert bare_traffic(again.traffic([1], *AN_HOUR)) == bare_traffic(naive_traffic(samples))
    again.close()


def test_the_size_tells_what_the_disk_holds(telemetry: Telemetry, tmp_path: Path) -> None:
    assert telemetry.size() == 0
    telemetry.write(samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR))
    on_disk = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert telemetry.size() == on_disk > 10_000


@pytest.mark.parametrize("span", [(MIDNIGHT, MIDNIGHT), (MIDNIGHT, -5), (-10 * DAY, -5)])
def test_a_span_that_is_none_holds_nothing(telemetry: Telemetry, span: tuple[int, int]) -> None:
    telemetry.write([stored_sample(MIDNIGHT)])
    assert telemetry.points([1], *span, 600) == {1: []}
    assert telemetry.traffic([1], *span) == {}


@pytest.mark.parametrize("most", [1, 6, 24, 24 * 60])
def test_an_outline_is_the_last_of_each_part_whichever_tier_tells_it(
    telemetry: Telemetry, most: int
) -> None:
    samples = samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + DAY, worker_id=2)
    telemetry.write(samples)
    telemetry.roll_up(LATER)
    width = DAY // most
    last = {(one.at - MIDNIGHT) // width: one.anonymous for one in samples}
    outlines = telemetry.sparklines([1, 2], *A_DAY, most)
    assert outlines == {1: [], 2: list(last.values())}


def test_an_outline_over_midnight_is_in_order_and_no_longer_than_asked(
    telemetry: Telemetry,
) -> None:
    samples = samples_every(MINUTE, MIDNIGHT - 7 * MINUTE, MIDNIGHT + 13 * MINUTE)
    telemetry.write([one._replace(anonymous=one.at) for one in samples])
    telemetry.roll_up(LATER)
    span = (MIDNIGHT - 7 * MINUTE, MIDNIGHT + 13 * MINUTE)
    outline = telemetry.sparklines([1], *span, 4)[1]
    assert [(one - span[0]) // MINUTE for one in outline] == [4, 9, 14, 19]
