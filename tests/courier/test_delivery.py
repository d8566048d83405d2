"""How alerts get from the database to their channels."""

import json
import threading

import pytest
from tests.support.alerts import Alerts, exhaust
from tests.support.clock import START, FakeClock
from tests.support.issues import change
from tests.support.wait import wait_until
from tests.support.web_server import WebServer, hanging, status

from bugsly_server.background import Background
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.courier import ABREAST, NOTICE, PAUSES
from bugsly_server.model.issue import ChangeKind
from bugsly_server.store.meta import channels, issues
from bugsly_server.store.meta.channels import DeliveryState


def test_an_alert_goes_once_to_each_channel(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer() as one, WebServer() as other:
        alerts.channel(one.url)
        alerts.channel(other.url)
        alerts.record()
        courier = alerts.courier(clock)
        clock.advance(SECOND)
        exhaust(courier)
        clock.advance(DAY)
        exhaust(courier)
    assert (len(one.asked), len(other.asked)) == (1, 1)
    for delivery in alerts.deliveries():
        assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 1)
        assert (delivery.sent_at, delivery.problem) == (START + SECOND, "")


def test_an_alert_leads_to_the_page_of_its_issue(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        told = alerts.record()
        alerts.courier(clock).step()
    sent = json.loads(server.asked[0].body)
    assert sent["url"] == f"https://bugs.example.com/p/shop/issues/{told.id}"
    assert sent["project"] == "shop"


def test_an_alert_tells_of_its_change_though_the_issue_went_on(
    alerts: Alerts, clock: FakeClock
) -> None:
    with WebServer(status(500), status(204)) as server:
        alerts.channel(server.url)
        opened = alerts.record()
        courier = alerts.courier(clock)
        courier.step()
        alerts.record(change(ChangeKind.QUIETED, because="it is over"), opened)
        clock.advance(PAUSES[0])
        exhaust(courier)
    assert [json.loads(asked.body)["change"] for asked in server.asked] == [
        "opened",
        "quieted",
        "opened",
    ]


def test_alerts_of_one_channel_go_out_in_order(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        opened = alerts.record()
        alerts.record(change(ChangeKind.WORSENED), opened)
        alerts.record(change(ChangeKind.QUIETED), opened)
        exhaust(alerts.courier(clock))
    kinds_sent = [json.loads(asked.body)["change"] for asked in server.asked]
    assert kinds_sent == ["opened", "worsened", "quieted"]


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_attempts_come_further_and_further_apart_until_it_is_given_up(
    alerts: Alerts, clock: FakeClock, jitter: float
) -> None:
    pauses: list[Micros] = []
    with WebServer(status(500)) as server:
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.courier(clock, jitter)
        courier.step()
        while alerts.delivery().state is DeliveryState.WAITING:
            due_at = alerts.delivery().due_at
            pauses.append(due_at - clock())
            asked = len(server.asked)
            clock.at = due_at - 1
            courier.step()
            assert len(server.asked) == asked
            clock.at = due_at
            courier.step()
        clock.advance(DAY)
        exhaust(courier)
    stretch = 1 + 0.2 * jitter
    whole = (30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR)
    assert pauses == [round(pause * stretch) for pause in whole]
    assert len(server.asked) == 6
    given_up = alerts.delivery()
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, 6)
    assert given_up.problem.startswith("127.0.0.1: it answered 500")


def test_what_will_not_pass_is_given_up_at_once(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer(status(410)) as server:
        alerts.channel(server.url)
        alerts.record()
        exhaust(alerts.courier(clock))
    given_up = alerts.delivery()
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, 1)
    assert given_up.problem.startswith("127.0.0.1: it answered 410")


@pytest.mark.parametrize("kind", ["pager", "../webhook", ""])
def test_a_kind_that_is_not_there_is_given_up_at_once(
    alerts: Alerts, clock: FakeClock, kind: str
) -> None:
    alerts.channel("https://example.com/", kind)
    alerts.record()
    exhaust(alerts.courier(clock))
    assert alerts.delivery().problem == (
        f"channel: {kind!r} is no kind of channel → choose from apprise, webhook"
    )
    assert alerts.delivery().state is DeliveryState.FAILED


def test_a_success_forgets_the_problem_before_it(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer(status(500), status(204)) as server:
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.courier(clock)
        courier.step()
        assert alerts.delivery().problem
        clock.advance(PAUSES[0])
        courier.step()
    delivery = alerts.delivery()
    assert (delivery.state, delivery.attempts, delivery.problem) == (DeliveryState.SENT, 2, "")


def test_an_alert_that_was_decided_is_sent_though_its_issue_is_snoozed(
    alerts: Alerts, clock: FakeClock
) -> None:
    with WebServer() as server:
        alerts.channel(server.url)
        opened = alerts.record()
        with alerts.database.writing() as connection:
            issues.snooze(connection, opened.id, clock() + DAY)
        exhaust(alerts.courier(clock))
    assert len(server.asked) == 1


def test_a_channel_that_was_removed_is_sent_nothing(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer() as server:
        channel_id = alerts.channel(server.url)
        alerts.record()
        with alerts.database.writing() as connection:
            channels.remove(connection, alerts.project_id, channel_id)
        exhaust(alerts.courier(clock))
    assert server.asked == []


def test_a_channel_that_hangs_holds_up_no_other(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer(hanging) as slow, WebServer() as quick:
        alerts.channel(slow.url)
        alerts.channel(quick.url)
        alerts.record()
        step = threading.Thread(target=alerts.courier(clock).step)
        step.start()
        wait_until(
            lambda: alerts.deliveries()[1].state is DeliveryState.SENT, what="the quick one is sent"
        )
        wait_until(lambda: slow.asked, what="the slow one is asked")
        assert alerts.deliveries()[0].attempts == 0
    step.join()
    assert alerts.deliveries()[0].attempts == 1


def test_more_channels_than_go_abreast_are_all_served(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer() as server:
        for _ in range(ABREAST + 2):
            alerts.channel(server.url)
        alerts.record()
        exhaust(alerts.courier(clock))
    assert len(server.asked) == ABREAST + 2


def test_it_sleeps_until_something_is_due_and_never_long(alerts: Alerts, clock: FakeClock) -> None:
    courier = alerts.courier(clock)
    assert courier.step() == NOTICE
    with WebServer(status(500)) as server:
        alerts.channel(server.url)
        alerts.record()
        assert courier.step() == 0.0
        assert courier.step() == NOTICE
        clock.at = alerts.delivery().due_at - SECOND // 4
        assert courier.step() == 0.25


def test_a_running_courier_notices_what_is_new(alerts: Alerts, clock: FakeClock) -> None:
    running = Background("courier", alerts.courier(clock))
    running.start()
    with WebServer() as server:
        alerts.channel(server.url)
        alerts.record()
        wait_until(lambda: alerts.delivery().state is DeliveryState.SENT, what="the alert is sent")
    running.close(10)
    assert len(server.asked) == 1
