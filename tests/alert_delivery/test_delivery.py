"""How alerts get from the database to their channels."""

import json
import threading

import pytest
from tests.support.alert_harness import AlertHarness, deliver_all_due
from tests.support.clock import START, FakeClock
from tests.support.issues import change
from tests.support.wait import wait_until
from tests.support.web_server import WebServer, respond_never, respond_status

from bugsly_server.alert_delivery import MAX_CONCURRENT_DELIVERIES, POLL_SECONDS, RETRY_PAUSES
from bugsly_server.background_thread import BackgroundThread
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.store.meta import channels, leak_issues
from bugsly_server.store.meta.channels import DeliveryState


def test_an_alert_goes_once_to_each_channel(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer() as first, WebServer() as second:
        alerts.channel(first.url)
        alerts.channel(second.url)
        alerts.record()
        courier = alerts.alert_delivery(clock)
        clock.advance(SECOND)
        deliver_all_due(courier)
        clock.advance(DAY)
        deliver_all_due(courier)
    assert (len(first.requests), len(second.requests)) == (1, 1)
    for delivery in alerts.deliveries():
        assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 1)
        assert (delivery.sent_at, delivery.problem) == (START + SECOND, "")


def test_an_alert_leads_to_the_page_of_its_issue(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        issue = alerts.record()
        alerts.alert_delivery(clock).run_once()
    sent = json.loads(server.requests[0].body)
    assert sent["url"] == f"https://bugs.example.com/p/shop/issues/{issue.id}"
    assert sent["project"] == "shop"


def test_an_alert_is_about_its_change_although_the_issue_changed_again(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    with WebServer(respond_status(500), respond_status(204)) as server:
        alerts.channel(server.url)
        opened = alerts.record()
        courier = alerts.alert_delivery(clock)
        courier.run_once()
        alerts.record(change(IssueChangeKind.QUIETED, because="it is over"), opened)
        clock.advance(RETRY_PAUSES[0])
        deliver_all_due(courier)
    assert [json.loads(asked.body)["change"] for asked in server.requests] == [
        "opened",
        "quieted",
        "opened",
    ]


def test_alerts_of_one_channel_go_out_in_order(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        opened = alerts.record()
        alerts.record(change(IssueChangeKind.WORSENED), opened)
        alerts.record(change(IssueChangeKind.QUIETED), opened)
        deliver_all_due(alerts.alert_delivery(clock))
    kinds_sent = [json.loads(asked.body)["change"] for asked in server.requests]
    assert kinds_sent == ["opened", "worsened", "quieted"]


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_attempts_back_off_until_the_alert_is_given_up(
    alerts: AlertHarness, clock: FakeClock, jitter: float
) -> None:
    pauses: list[Micros] = []
    with WebServer(respond_status(500)) as server:
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.alert_delivery(clock, jitter)
        courier.run_once()
        while alerts.delivery().state is DeliveryState.WAITING:
            due_at = alerts.delivery().due_at
            pauses.append(due_at - clock())
            asked = len(server.requests)
            clock.at = due_at - 1
            courier.run_once()
            assert len(server.requests) == asked
            clock.at = due_at
            courier.run_once()
        clock.advance(DAY)
        deliver_all_due(courier)
    stretch = 1 + 0.2 * jitter
    whole = (30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR)
    assert pauses == [round(pause * stretch) for pause in whole]
    assert len(server.requests) == 6
    given_up = alerts.delivery()
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, 6)
    assert given_up.problem.startswith("127.0.0.1: it answered 500")


def test_a_permanent_failure_is_given_up_at_once(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer(respond_status(410)) as server:
        alerts.channel(server.url)
        alerts.record()
        deliver_all_due(alerts.alert_delivery(clock))
    given_up = alerts.delivery()
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, 1)
    assert given_up.problem.startswith("127.0.0.1: it answered 410")


@pytest.mark.parametrize("kind", ["pager", "../webhook", ""])
def test_an_unknown_kind_of_channel_is_given_up_at_once(
    alerts: AlertHarness, clock: FakeClock, kind: str
) -> None:
    alerts.channel("https://example.com/", kind)
    alerts.record()
    deliver_all_due(alerts.alert_delivery(clock))
    assert alerts.delivery().problem == (
        f"channel: {kind!r} is not a kind of channel → choose from apprise, webhook"
    )
    assert alerts.delivery().state is DeliveryState.FAILED


def test_a_success_clears_the_problem_before_it(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer(respond_status(500), respond_status(204)) as server:
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.alert_delivery(clock)
        courier.run_once()
        assert alerts.delivery().problem
        clock.advance(RETRY_PAUSES[0])
        courier.run_once()
    delivery = alerts.delivery()
    assert (delivery.state, delivery.attempts, delivery.problem) == (DeliveryState.SENT, 2, "")


def test_an_enqueued_alert_is_sent_although_its_issue_is_snoozed(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        opened = alerts.record()
        with alerts.database.writing() as connection:
            leak_issues.snooze(connection, opened.id, clock() + DAY)
        deliver_all_due(alerts.alert_delivery(clock))
    assert len(server.requests) == 1


def test_a_channel_that_was_removed_is_sent_nothing(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer() as server:
        channel_id = alerts.channel(server.url)
        alerts.record()
        with alerts.database.writing() as connection:
            channels.remove(connection, alerts.project_id, channel_id)
        deliver_all_due(alerts.alert_delivery(clock))
    assert server.requests == []


def test_a_channel_that_hangs_holds_up_no_other(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer(respond_never) as slow, WebServer() as quick:
        alerts.channel(slow.url)
        alerts.channel(quick.url)
        alerts.record()
        step = threading.Thread(target=alerts.alert_delivery(clock).run_once)
        step.start()
        wait_until(
            lambda: alerts.deliveries()[1].state is DeliveryState.SENT, what="the quick one is sent"
        )
        wait_until(lambda: slow.requests, what="the slow one is asked")
        assert alerts.deliveries()[0].attempts == 0
    step.join()
    assert alerts.deliveries()[0].attempts == 1


def test_more_channels_than_are_served_at_once_are_all_served(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    with WebServer() as server:
        for _ in range(MAX_CONCURRENT_DELIVERIES + 2):
            alerts.channel(server.url)
        alerts.record()
        deliver_all_due(alerts.alert_delivery(clock))
    assert len(server.requests) == MAX_CONCURRENT_DELIVERIES + 2


def test_it_sleeps_until_something_is_due_and_never_long(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    courier = alerts.alert_delivery(clock)
    assert courier.run_once() == POLL_SECONDS
    with WebServer(respond_status(500)) as server:
        alerts.channel(server.url)
        alerts.record()
        assert courier.run_once() == 0.0
        assert courier.run_once() == POLL_SECONDS
        clock.at = alerts.delivery().due_at - SECOND // 4
        assert courier.run_once() == 0.25


def test_running_alert_delivery_notices_new_alerts(alerts: AlertHarness, clock: FakeClock) -> None:
    running = BackgroundThread("alert delivery", alerts.alert_delivery(clock))
    running.start()
    with WebServer() as server:
        alerts.channel(server.url)
        alerts.record()
        wait_until(lambda: alerts.delivery().state is DeliveryState.SENT, what="the alert is sent")
    running.close(10)
    assert len(server.requests) == 1


def test_an_alert_from_before_the_clock_was_set_back_is_sent(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        clock.set(400 * DAY)
        alerts.record(change(at=clock()))
        clock.set(-400 * DAY)
        alerts.alert_delivery(clock).run_once()
    assert len(server.requests) == 1
