"""Workers that cannot be recycled are an issue, which is alerted once."""

from typing import Any

import pytest
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import sample
from tests.support.recycling_values import safety_net

from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly_server.alert.error_message import compose_alert
from bugsly_server.clock import HOUR, MINUTE, SECOND, Micros
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChangeKind, IssueState
from bugsly_server.store.meta import channels, hindrance_issues, issue_changes, issue_listing
from bugsly_server.store.meta.issue_listing import IssueFilter

WATCHING = safety_net()
SPENT_BUDGET = safety_net(
    state=RecyclerState.WAITING,
    hindrance=Hindrance.BUDGET,
    because="recycling: 20 workers of this host went within an hour → mend the leak",
)
REPORT_INTERVAL = 30 * SECOND


class HinderedWorker:
    """A worker that reports every half minute, and what was announced about it."""

    def __init__(self, desk: PipelineHarness) -> None:
        self.desk = desk
        self._samples = 0
        with desk.database.writing() as connection:
            url, at = "https://a.test", desk.clock()
            channels.add(connection, desk.shop, "webhook", "on call", url, at)

    def report_net(self, net_report: RecyclerReport | None, time: Micros) -> None:
        """Let *time* pass while the worker reports *net_report*."""
        for _ in range(time // REPORT_INTERVAL):
            self.desk.clock.advance(REPORT_INTERVAL)
            self._samples += 1
            taken = [sample(self._samples, age=self._samples * REPORT_INTERVAL)]
            facts: dict[str, Any] = {
                "age": self._samples * REPORT_INTERVAL,
                "environment": "production",
            }
            self.desk.digest(report(taken, net=net_report, id=token(1), **facts))

    @property
    def announced_kinds(self) -> list[IssueChangeKind]:
        return [change.kind for _, change in self.desk.announced]

    @property
    def issue(self) -> HindranceIssue:
        with self.desk.database.reading() as connection:
            found = hindrance_issues.get_for_project(connection, self.desk.shop)
        assert found is not None
        return found

    def alert(self, number: int) -> str:
        """Return the one alert that waits for its channel after change *number*."""
        with self.desk.database.reading() as connection:
            (_delivery,) = channels.of_change(connection, number)
            issue, change = issue_changes.get_with_issue(connection, number)
        alert = compose_alert("Shop", issue, change, "https://bugs.test", None)
        assert alert.payload["issue"]["kind"] == "net"
        return "\n".join((alert.title, *alert.lines))


@pytest.fixture
def netted(desk: PipelineHarness) -> HinderedWorker:
    return HinderedWorker(desk)


def test_it_is_announced_when_it_lasts_and_when_it_is_over_and_only_then(
    netted: HinderedWorker,
) -> None:
    netted.report_net(SPENT_BUDGET, 4 * MINUTE)
    assert netted.announced_kinds == []
    netted.report_net(SPENT_BUDGET, HOUR)
    assert netted.announced_kinds == [IssueChangeKind.OPENED]
    assert (netted.issue.state, netted.issue.environment) == (IssueState.OPEN, "production")
    assert netted.issue.seen_at == netted.desk.clock()
    assert netted.alert(1).startswith(
        "[Shop] The safety net is held back\n"
        "20 workers of this host went within an hour → mend the leak.\n"
    )
    netted.report_net(WATCHING, HOUR)
    assert netted.announced_kinds == [IssueChangeKind.OPENED, IssueChangeKind.RESOLVED]
    assert netted.alert(2).startswith("[Shop] Resolved: The safety net is held back")
    assert netted.issue.state is IssueState.RESOLVED
    netted.report_net(SPENT_BUDGET, 10 * MINUTE)
    assert netted.announced_kinds[2:] == [IssueChangeKind.CAME_BACK]


def test_a_hindrance_that_comes_and_goes_is_announced_once(netted: HinderedWorker) -> None:
    for _ in range(12):
        netted.report_net(SPENT_BUDGET, MINUTE)
        netted.report_net(WATCHING, 10 * MINUTE)
    assert netted.announced_kinds == [IssueChangeKind.OPENED]


def test_a_restart_of_the_server_repeats_nothing_and_forgets_nothing(
    netted: HinderedWorker,
) -> None:
    netted.report_net(SPENT_BUDGET, 10 * MINUTE)
    netted.desk.start()
    netted.report_net(SPENT_BUDGET, 10 * MINUTE)
    assert netted.announced_kinds == [IssueChangeKind.OPENED]
    netted.desk.start()
    netted.report_net(WATCHING, 40 * MINUTE)
    assert netted.announced_kinds == [IssueChangeKind.OPENED, IssueChangeKind.RESOLVED]


def test_it_is_listed_among_the_issues(netted: HinderedWorker) -> None:
    netted.report_net(SPENT_BUDGET, 10 * MINUTE)
    with netted.desk.database.reading() as connection:
        (listed,), total = issue_listing.list_page(
            connection, netted.desk.shop, IssueFilter(kind="net")
        )
    assert (listed.title, listed.state, total) == (
        "The safety net is held back",
        IssueState.OPEN,
        1,
    )
