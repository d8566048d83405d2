"""What reports and time lead to: ended workers, findings and issues."""

from collections import Counter
from collections.abc import Iterable

import pytest
from tests.support.issues import change
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.simulated_workers import (
    SAMPLE_INTERVAL,
    SimulatedWorker,
    advance_time,
    change_kinds,
)

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.detect import growth_detection as findings
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.issue import Finding, IssueChangeKind, IssueState
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import accounts, channels, leak_issues


def test_a_worker_that_stops_reporting_has_vanished_after_two_minutes(
    desk: PipelineHarness,
) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 5 * MINUTE, silent, other)
    advance_time(desk, 110 * SECOND, other)
    assert desk.worker(1).exit_reason is None
    advance_time(desk, SAMPLE_INTERVAL, other)
    assert desk.worker(1).exit_reason is ExitReason.VANISHED
    assert desk.worker(1).ended_at == desk.worker(1).seen_at
    assert desk.worker(2).ended_at is None


def test_a_worker_that_samples_rarely_gets_the_time_of_three_samples(desk: PipelineHarness) -> None:
    slow, other = SimulatedWorker(desk, 1, every=5 * MINUTE), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, slow, other)
    advance_time(desk, 15 * MINUTE - SAMPLE_INTERVAL, other)
    assert desk.worker(1).ended_at is None
    advance_time(desk, SAMPLE_INTERVAL, other)
    assert desk.worker(1).exit_reason is ExitReason.VANISHED


def test_a_silent_worker_was_out_of_memory_if_the_kernel_counted_a_kill(
    desk: PipelineHarness,
) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, silent, other)
    for _ in range(13):
        desk.clock.advance(SAMPLE_INTERVAL)
        desk.digest(other.payload(oom_kills=1))
    desk.tend()
    assert desk.worker(1).exit_reason is ExitReason.OUT_OF_MEMORY


def test_a_machine_that_is_completely_silent_is_given_up_after_a_day(desk: PipelineHarness) -> None:
    advance_time(desk, 3 * MINUTE, SimulatedWorker(desk, 1))
    desk.clock.advance(DAY)
    desk.tend()
    assert desk.worker(1).ended_at is None
    desk.clock.advance(SAMPLE_INTERVAL)
    desk.tend()
    assert desk.worker(1).exit_reason is ExitReason.VANISHED


def test_a_worker_that_reports_again_is_alive_again(desk: PipelineHarness) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, silent, other)
    advance_time(desk, 3 * MINUTE, other)
    assert desk.worker(1).ended_at is not None
    advance_time(desk, SAMPLE_INTERVAL, silent, other)
    assert (desk.worker(1).ended_at, desk.worker(1).exit_reason) == (None, None)


def test_after_a_restart_of_the_server_workers_get_time_to_report(desk: PipelineHarness) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, silent, other)
    desk.clock.advance(HOUR)
    desk.start()
    advance_time(desk, 110 * SECOND, other)
    assert desk.worker(1).ended_at is None
    advance_time(desk, SAMPLE_INTERVAL, other)
    assert desk.worker(1).exit_reason is ExitReason.VANISHED


def test_while_reports_wait_no_worker_counts_as_silent(desk: PipelineHarness) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, silent, other)
    waiting = [desk.entry(other.payload())]
    desk.clock.advance(HOUR)
    desk.pipeline.digest(waiting)
    desk.pipeline.maintain(Counter(), {}, waiting[-1].received_at)
    assert desk.worker(1).ended_at is None


def test_reports_that_waited_are_judged_by_their_arrival(desk: PipelineHarness) -> None:
    worker = SimulatedWorker(desk, 1)
    waiting = []
    for _ in range(12):
        desk.clock.advance(SAMPLE_INTERVAL)
        waiting.append(desk.entry(worker.payload()))
    desk.clock.advance(HOUR)
    desk.pipeline.digest(waiting)
    assert desk.worker(1).judged_at == waiting[-1].received_at


def test_a_leak_is_judged_found_announced_and_stored(desk: PipelineHarness) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "ops", "http://hook.test", desk.clock())
    advance_time(desk, 6 * MINUTE, *fleet)
    assert change_kinds(desk) == ["opened"]
    announced_issue, opened = desk.announced[0]
    assert desk.worker(1).judgement.verdict is GrowthVerdict.GROWING
    assert opened.finding is not None
    assert [one.pid for one in opened.finding.suspects] == [1]
    assert opened.finding.slope == pytest.approx(7_000, rel=0.01)
    with desk.database.reading() as connection:
        stored = leak_issues.get(connection, desk.shop, announced_issue.id)
        assert channels.list_due(connection, desk.clock(), 9)
    assert stored is not None
    assert stored.state is IssueState.OPEN


def test_a_snoozed_issue_sends_no_alert_and_is_updated(desk: PipelineHarness) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    advance_time(desk, 6 * MINUTE, *fleet)
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "ops", "http://hook.test", desk.clock())
        leak_issues.snooze(connection, desk.announced[0][0].id, desk.clock() + DAY)
    advance_time(desk, 45 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened", "quieted"]
    with desk.database.reading() as connection:
        assert channels.list_due(connection, desk.clock() + DAY, 9) == []


def test_it_is_quiet_half_an_hour_after_the_leaking_worker_is_gone(desk: PipelineHarness) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    advance_time(desk, 10 * MINUTE, *fleet)
    gone = Exit(worker=token(1), reason=ExitReason.TERMINATED)
    desk.digest(report(exits=[gone], id=token(1), age=11 * MINUTE))
    advance_time(desk, 29 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened"]
    advance_time(desk, 2 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened", "quieted"]


def test_an_hour_without_reports_is_not_quiet(desk: PipelineHarness) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    advance_time(desk, 10 * MINUTE, *fleet)
    desk.clock.advance(HOUR)
    advance_time(desk, 5 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened"]
    advance_time(desk, 30 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened", "quieted"]


def test_an_hour_in_which_the_server_was_down_is_not_quiet(desk: PipelineHarness) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    advance_time(desk, 10 * MINUTE, *fleet)
    desk.clock.advance(HOUR)
    desk.start()
    advance_time(desk, 5 * MINUTE, *fleet[1:])
    assert change_kinds(desk) == ["opened"]


def test_what_a_person_resolves_stays_resolved_until_a_new_worker_leaks(
    desk: PipelineHarness,
) -> None:
    fleet = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    advance_time(desk, 6 * MINUTE, *fleet)
    with desk.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, desk.clock())
        known = leak_issues.get(connection, desk.shop, desk.announced[0][0].id)
        assert known is not None
        resolved = change(IssueChangeKind.RESOLVED, at=desk.clock())
        record_leak_change(connection, desk.shop, known, resolved, ada.id)
    advance_time(desk, 20 * MINUTE, *fleet)
    assert change_kinds(desk) == ["opened"]
    advance_time(desk, 10 * MINUTE, SimulatedWorker(desk, 5, 7_000.0), *fleet[1:])
    assert change_kinds(desk) == ["opened", "came back"]


def test_detection_runs_at_intervals_and_not_for_every_batch(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Micros] = []
    find = findings.find_growth

    def count(workers: Iterable[Worker], now: Micros) -> list[Finding]:
        asked.append(now)
        return find(workers, now)

    monkeypatch.setattr(findings, "find_growth", count)
    worker = SimulatedWorker(desk, 1)
    for _ in range(120):
        desk.clock.advance(SECOND // 2)
        desk.digest(worker.payload())
    assert len(asked) <= 60
    before = len(asked)
    desk.clock.advance(HOUR)
    desk.pipeline.detect(desk.clock())
    assert len(asked) <= before + 1


def test_projects_are_judged_separately(desk: PipelineHarness) -> None:
    other = desk.project("billing")
    shop = [SimulatedWorker(desk, 1, 7_000.0), *(SimulatedWorker(desk, n) for n in (2, 3, 4))]
    billing = [SimulatedWorker(desk, n) for n in (11, 12, 13, 14)]
    for _ in range(40):
        desk.clock.advance(SAMPLE_INTERVAL)
        entries = [desk.entry(one.payload()) for one in shop]
        entries += [desk.entry(one.payload(), other) for one in billing]
        desk.pipeline.digest(entries)
        desk.pipeline.detect(desk.clock())
    assert [issue.project_id for issue, _ in desk.announced] == [desk.shop]


def test_what_is_older_than_the_retention_is_deleted(desk: PipelineHarness) -> None:
    silent, other = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, 3 * MINUTE, silent, other)
    desk.clock.advance(40 * DAY)
    advance_time(desk, MINUTE, other)
    desk.pipeline.apply_retention(30 * DAY, desk.clock())
    assert sorted(desk.workers()) == [token(2)]
