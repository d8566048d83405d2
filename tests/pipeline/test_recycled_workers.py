"""Workers that are recycled again and again: their leak is reported all the same."""

from typing import Any

from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import MB, holder, traffic
from tests.support.recycling_values import safety_net
from tests.support.simulated_workers import SimulatedWorker, advance_time, change_kinds

from bugsly.protocol.evidence import Evidence, HolderCount
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.safety_net import RecyclerState
from bugsly_server.clock import MINUTE
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.store.meta import leak_issues

LOG_HOLDER = holder("shop.views.log", entry_bytes=7_000, entry="dict")
RECYCLE_REASON = "its private memory, 140 MB, passed 135 MB"


class RecycledWorker(SimulatedWorker):
    """A worker that leaks 7 kB per request, and is recycled."""

    def __init__(self, desk: PipelineHarness, number: int) -> None:
        super().__init__(
            desk, number, 7_000.0, release="1.0", evidence=Evidence(holders=(LOG_HOLDER,))
        )

    def payload(self, **changes: Any) -> bytes:
        held = (HolderCount(holder=LOG_HOLDER.name, count=200 * (self.samples + 1)),)
        machine = {"used": 2_000 * MB, "limit": 4_000 * MB}
        served = (traffic("GET /orders", requests=200),)
        return super().payload(levels=held, traffic=served, **machine, **changes)

    def exit_report(self) -> bytes:
        """Return its last words."""
        gone = Exit(worker=token(self.number), reason=ExitReason.RECYCLED, because=RECYCLE_REASON)
        return report(exits=[gone], age=self.desk.clock() - self._started_at, **self._facts)


def recycle_workers(desk: PipelineHarness, workers: int, lifetime: int = 5 * MINUTE) -> None:
    """Let one worker after another live for *lifetime*."""
    for number in range(1, workers + 1):
        worker = RecycledWorker(desk, number)
        advance_time(desk, lifetime, worker)
        desk.digest(worker.exit_report())


def only_issue(desk: PipelineHarness) -> Issue:
    with desk.database.reading() as connection:
        (found,) = leak_issues.list_all(connection, desk.shop)
    return found


def test_the_end_of_a_recycled_worker_is_stored_with_its_reason(desk: PipelineHarness) -> None:
    recycle_workers(desk, 1)
    ended = desk.worker(1)
    assert (ended.exit_reason, ended.exit_because) == (ExitReason.RECYCLED, RECYCLE_REASON)


def test_a_leak_is_found_across_recycled_workers_and_stays_open(
    desk: PipelineHarness,
) -> None:
    recycle_workers(desk, 24)
    assert "opened" in change_kinds(desk)
    assert not {"quiet", "resolved", "fixed"} & set(change_kinds(desk))
    found = only_issue(desk)
    assert found.state is IssueState.OPEN
    assert found.finding.recycled is not None
    assert found.finding.recycled.times >= 23
    assert found.finding.recycled.what == "shop.views.log"
    assert found.finding.recycled.full_at is not None


def test_that_its_workers_are_recycled_is_announced_once_a_day(desk: PipelineHarness) -> None:
    recycle_workers(desk, 24)
    reasons = [change.because for _, change in desk.announced if "recycled" in change.because]
    assert len(reasons) == 1
    assert reasons[0].startswith("its workers were recycled ")


def test_workers_too_young_to_be_judged_do_not_make_the_leak_quiet(desk: PipelineHarness) -> None:
    recycle_workers(desk, 6)
    for number in range(7, 30):
        worker = RecycledWorker(desk, number)
        advance_time(desk, 2 * MINUTE, worker)
        desk.digest(worker.exit_report())
    assert only_issue(desk).state is IssueState.OPEN


def test_the_recycler_report_of_a_worker_is_kept_until_the_next(
    desk: PipelineHarness,
) -> None:
    watching = safety_net(recycled=3)
    desk.digest(report(net=watching))
    assert desk.worker().net == watching
    desk.digest(report())
    assert desk.worker().net is None


def test_a_worker_that_fell_silent_while_leaving_was_recycled(desk: PipelineHarness) -> None:
    leaving, sibling = SimulatedWorker(desk, 1), SimulatedWorker(desk, 2)
    advance_time(desk, MINUTE, leaving, sibling)
    because = "its private memory passed 400 MB"
    going = safety_net(state=RecyclerState.LEAVING, because=because)
    desk.digest(report(age=desk.clock() - leaving._started_at, net=going, **leaving._facts))
    advance_time(desk, 5 * MINUTE, sibling)
    assert desk.worker(1).exit_reason is ExitReason.RECYCLED
