"""What happens to alerts when something fails: the disk, the process, or our own code."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tests.support.alert_harness import AlertHarness, deliver_all_due
from tests.support.clock import FakeClock
from tests.support.web_server import WebServer, respond_status

from bugsly_server.alert import channels as channel_kinds
from bugsly_server.alert_delivery import DISK_PAUSE_SECONDS, POLL_SECONDS, RETRY_PAUSES
from bugsly_server.errors import ChannelError
from bugsly_server.store.meta import channels
from bugsly_server.store.meta.channels import DeliveryState
from bugsly_server.store.meta.database import Database


class FullDiskDatabase(Database):
    """A database that cannot be written to while *full*."""

    full = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self.full:
            raise OperationalError("UPDATE", {}, Exception("database or disk is full"))
        with super().writing() as connection:
            yield connection


class BrokenChannel:
    """A kind of channel with a bug in it."""

    def send(self, *_: object) -> None:
        raise ZeroDivisionError


def test_a_restart_continues_where_it_was(alerts: AlertHarness, clock: FakeClock) -> None:
    with WebServer(respond_status(500), respond_status(204)) as server:
        alerts.channel(server.url)
        alerts.record()
        alerts.alert_delivery(clock).run_once()
        deliver_all_due(alerts.alert_delivery(clock))
        assert len(server.requests) == 1
        clock.advance(RETRY_PAUSES[0])
        deliver_all_due(alerts.alert_delivery(clock))
        deliver_all_due(alerts.alert_delivery(clock))
    assert len(server.requests) == 2
    assert alerts.delivery().attempts == 2


def test_a_full_disk_repeats_no_alert(tmp_path: Path, clock: FakeClock) -> None:
    alerts = AlertHarness(tmp_path, FullDiskDatabase)
    assert isinstance(alerts.database, FullDiskDatabase)
    with WebServer() as server, WebServer() as other:
        alerts.channel(server.url)
        alerts.channel(other.url)
        alerts.record()
        courier = alerts.alert_delivery(clock)
        alerts.database.full = True
        for _ in range(3):
            with pytest.raises(OperationalError) as caught:
                courier.run_once()
            assert courier.recover(caught.value) == DISK_PAUSE_SECONDS
        alerts.database.full = False
        deliver_all_due(courier)
    assert (len(server.requests), len(other.requests)) == (1, 1)
    assert {one.state for one in alerts.deliveries()} == {DeliveryState.SENT}
    alerts.database.close()


def test_a_crash_before_an_alert_was_stored_as_sent_repeats_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    alerts = AlertHarness(tmp_path, FullDiskDatabase)
    assert isinstance(alerts.database, FullDiskDatabase)
    with WebServer() as server:
        alerts.channel(server.url)
        alerts.record()
        alerts.database.full = True
        with suppress(OperationalError):
            alerts.alert_delivery(clock).run_once()
        alerts.database.full = False
        deliver_all_due(alerts.alert_delivery(clock))
    alerts.database.close()
    assert len(server.requests) == 2


def test_a_bug_in_one_kind_is_raised_once_the_others_are_served(
    alerts: AlertHarness, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = channel_kinds.channel_kind
    monkeypatch.setattr(
        channel_kinds,
        "channel_kind",
        lambda name: BrokenChannel() if name == "broken" else whole(name),
    )
    with WebServer() as server:
        alerts.channel("x", "broken")
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.alert_delivery(clock)
        with pytest.raises(ZeroDivisionError) as caught:
            courier.run_once()
        assert courier.recover(caught.value) == POLL_SECONDS
        deliver_all_due(courier)
    broken, sent = alerts.deliveries()
    assert sent.state is DeliveryState.SENT
    assert (broken.state, broken.attempts) == (DeliveryState.WAITING, 1)
    assert broken.due_at == clock() + RETRY_PAUSES[0]
    assert broken.problem == "bugsly: it could not send this → see the server's log"


def test_a_channel_removed_at_the_last_moment_is_sent_nothing(
    alerts: AlertHarness, clock: FakeClock
) -> None:
    with WebServer() as server:
        channel_id = alerts.channel(server.url)
        alerts.record()
        due = alerts.delivery()
        with alerts.database.writing() as connection:
            channels.remove(connection, alerts.project_id, channel_id)
        with pytest.raises(ChannelError, match="it was removed"):
            alerts.alert_delivery(clock)._send(due)
    assert server.requests == []
