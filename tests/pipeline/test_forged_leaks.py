"""A flood of reports that show leaks makes few issues and few alerts."""

import pytest
from tests.support.pipeline_harness import PipelineHarness
from tests.support.simulated_workers import SimulatedWorker, advance_time

from bugsly_server.clock import MINUTE
from bugsly_server.record import alert_rate_limit
from bugsly_server.store.meta import channels, leak_issues

ENVIRONMENTS = 5
MAX_LEAKS = 3
MAX_ALERTS = 2


def growing_fleets(desk: PipelineHarness) -> list[SimulatedWorker]:
    """Return workers of many environments, in each of which one grows apart from the others."""
    return [
        SimulatedWorker(desk, 4 * number + one, 0.0 if one else 7_000.0, environment=f"e{number}")
        for number in range(ENVIRONMENTS)
        for one in range(4)
    ]


def test_leaks_beyond_the_limit_share_an_issue_and_alerts_end(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rate_limit, "MAX_ALERTS_PER_HOUR", MAX_ALERTS)
    desk.max_leaks = MAX_LEAKS
    desk.start()
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "ops", "http://hook.test", desk.clock())
    advance_time(desk, 7 * MINUTE, *growing_fleets(desk))
    with desk.database.reading() as connection:
        leaks = leak_issues.list_all(connection, desk.shop)
        changes = [one.id for leak in leaks for one in leak_issues.history(connection, leak.id)]
        alerts = [one for key in changes for one in channels.of_change(connection, key)]
    assert len(leaks) == MAX_LEAKS + 1
    assert sum(one.title == "All leaks beyond the 3 that a project may have" for one in leaks) == 1
    assert len(alerts) == MAX_ALERTS
    assert desk.skipped()["alert of a leak beyond the 30 of an hour"] == len(changes) - MAX_ALERTS
