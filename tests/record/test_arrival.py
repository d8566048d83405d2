from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.protocol_values import sample, worker
from tests.support.stored_workers import stored_worker

from bugsly.protocol.memory import ExitReason, MemoryReport, Sample
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.decode.batch import ReceivedReport
from bugsly_server.model.worker import Worker
from bugsly_server.record.arrival import Arrival, apply_report, new_worker_fields

AGE = 600 * SECOND


def parsed_report(*samples: Sample, age: Micros = AGE, **facts: Any) -> MemoryReport:
    return MemoryReport(version=1, worker=worker(age=age, **facts), samples=samples)


def newcomer(report: MemoryReport, received_at: Micros = START) -> Worker:
    """Return a worker as it is stored before its first samples are."""
    unseen = stored_worker(
        samples=0, requests=0, rate=0.0, anonymous=0, proportional=0, oom_kills=0
    )
    return replace(unseen, **new_worker_fields(ReceivedReport(received_at, report)))


def digest_arrival(
    report: MemoryReport, before: Worker | None = None
) -> tuple[Arrival, Counter[str]]:
    skipped: Counter[str] = Counter()
    return apply_report(before or newcomer(report), report, START, skipped), skipped


def at(minutes: float) -> Micros:
    return round(minutes * MINUTE)


def test_ages_are_counted_back_from_the_arrival() -> None:
    report = parsed_report(sample(1, age=at(1)), sample(2, age=at(9)))
    arrival, _ = digest_arrival(report)
    assert [moment for moment, _ in arrival.samples] == [START - at(9), START - at(1)]
    assert arrival.worker.started_at == START - at(10)
    assert arrival.worker.seen_at == START - at(1)


def test_the_newest_sample_is_what_is_known_of_a_worker_whatever_their_order() -> None:
    newest = sample(3, age=at(9), anonymous=7, requests=30, descriptors=4, in_flight=2, used=9)
    arrival, skipped = digest_arrival(
        parsed_report(newest, sample(2, age=at(8), requests=20), sample(1))
    )
    found = arrival.worker
    assert (found.samples, found.anonymous, found.requests) == (3, 7, 30)
    assert (found.descriptors, found.in_flight, found.used) == (4, 2, 9)
    assert [one.number for _, one in arrival.samples] == [1, 2, 3]
    assert not skipped


def test_what_arrived_before_adds_nothing_and_is_counted() -> None:
    before = newcomer(parsed_report())
    first, _ = digest_arrival(parsed_report(sample(1), sample(2)), before)
    again, skipped = digest_arrival(parsed_report(sample(1), sample(2)), first.worker)
    assert (again.worker, again.samples) == (first.worker, [])
    assert skipped == {"sample that had arrived before": 2}


def test_a_number_that_comes_twice_in_one_report_counts_once() -> None:
    arrival, skipped = digest_arrival(
        parsed_report(sample(1), sample(1, age=at(5)), sample(2, age=at(6)))
    )
    assert [one.number for _, one in arrival.samples] == [1, 2]
    assert skipped == {"sample that had arrived before": 1}


def test_requests_that_run_backwards_are_skipped_and_counted() -> None:
    samples = [sample(n, requests=requests) for n, requests in enumerate((10, 20, 5, 30), 1)]
    arrival, skipped = digest_arrival(parsed_report(*samples))
    assert [one.requests for _, one in arrival.samples] == [10, 20, 30]
    assert skipped == {"sample with fewer requests than the one before": 1}
    _, skipped = digest_arrival(parsed_report(sample(9, requests=29)), arrival.worker)
    assert skipped == {"sample with fewer requests than the one before": 1}


def test_the_proportional_size_stays_until_it_is_measured_again() -> None:
    first, _ = digest_arrival(parsed_report(sample(1, proportional=70), sample(2)))
    second, _ = digest_arrival(parsed_report(sample(3)), first.worker)
    third, _ = digest_arrival(parsed_report(sample(4, proportional=90)), second.worker)
    assert [one.worker.proportional for one in (first, second, third)] == [70, 70, 90]


def test_the_identity_of_a_worker_may_change_and_its_start_may_not() -> None:
    before = newcomer(parsed_report())
    arrival, _ = digest_arrival(
        parsed_report(sample(1), server="gunicorn", age=AGE + SECOND), before
    )
    assert arrival.worker.server == "gunicorn"
    assert arrival.worker.started_at == before.started_at


def test_a_report_without_samples_changes_no_gauge() -> None:
    before = stored_worker()
    quiet = MemoryReport(version=1, worker=worker(age=AGE), lost={"dropped": 4})
    arrival, _ = digest_arrival(quiet, before)
    assert arrival.worker.lost == {"dropped": 4}
    assert (arrival.worker.seen_at, arrival.worker.samples) == (before.seen_at, before.samples)


def test_the_first_rate_is_the_mean_over_the_lifetime() -> None:
    first, _ = digest_arrival(parsed_report(sample(1, age=AGE, requests=6_000)))
    assert first.worker.rate == pytest.approx(10.0)


def test_the_rate_of_a_young_worker_soon_forgets_its_idle_start() -> None:
    present = newcomer(parsed_report(age=0), START)
    for number in range(1, 31):
        age = number * SECOND
        report = parsed_report(sample(number, age=age, requests=max(0, number - 15) * 40), age=age)
        present = apply_report(present, report, START + age, Counter()).worker
    assert 36 < present.rate < 40


def test_the_rate_of_an_older_worker_follows_the_recent_past() -> None:
    before = stored_worker(samples=5, requests=10_000, rate=10.0, seen_at=START - at(2))
    stopped, _ = digest_arrival(parsed_report(sample(6, age=AGE, requests=10_000)), before)
    assert 3 < stopped.worker.rate < 4
    busier, _ = digest_arrival(parsed_report(sample(6, age=AGE, requests=10_000 + 2_400)), before)
    assert 16 < busier.worker.rate < 17


@given(st.lists(st.tuples(st.integers(1, 600), st.integers(0, 500)), min_size=1, max_size=8))
def test_a_rate_lies_between_zero_and_the_highest_so_far(steps: list[tuple[int, int]]) -> None:
    present = newcomer(parsed_report(age=0), START)
    moment, requests, rates = START, 0, []
    for number, (seconds, served) in enumerate(steps, 1):
        moment += seconds * SECOND
        requests += served
        rates.append(served / seconds)
        age = moment - START
        report = parsed_report(sample(number, age=age, requests=requests), age=age)
        present = apply_report(present, report, moment, Counter()).worker
    assert -1e-9 <= present.rate <= max(rates) + 1e-9


@pytest.mark.parametrize(
    ("reason", "signal", "lives"),
    [
        (ExitReason.VANISHED, 0, True),
        (ExitReason.OUT_OF_MEMORY, 0, True),
        (ExitReason.OUT_OF_MEMORY, 9, False),
        (ExitReason.KILLED, 9, False),
        (ExitReason.FINISHED, 0, False),
    ],
)
def test_a_sample_refutes_an_end_that_was_inferred_and_not_one_that_was_reported(
    reason: ExitReason, signal: int, *, lives: bool
) -> None:
    ended = stored_worker(
        samples=5, requests=0, ended_at=START - at(3), exit_reason=reason, exit_signal=signal
    )
    found = digest_arrival(parsed_report(sample(6, age=AGE - SECOND)), ended)[0].worker
    assert (found.exit_reason is None) is lives
    assert found.ended_at == (None if lives else START - SECOND)
