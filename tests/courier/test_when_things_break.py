"""What becomes of alerts when things break: the disk, the process, or our own code."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tests.support.alerts import Alerts, exhaust
from tests.support.clock import FakeClock
from tests.support.web_server import WebServer, status

from bugsly_server.alert import channels as kinds
from bugsly_server.courier import DISK_PAUSE, NOTICE, PAUSES
from bugsly_server.errors import ChannelError
from bugsly_server.store.meta import channels
from bugsly_server.store.meta.channels import DeliveryState
from bugsly_server.store.meta.database import Database


class FullDisk(Database):
    """A database that takes nothing while *full*."""

    full = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self.full:
            raise OperationalError("UPDATE", {}, Exception("database or disk is full"))
        with super().writing() as connection:
            yield connection


class Broken:
    """A kind of channel with a bug in it."""

    def send(self, *_: object) -> None:
        raise ZeroDivisionError


def test_a_restart_goes_on_where_it_was(alerts: Alerts, clock: FakeClock) -> None:
    with WebServer(status(500), status(204)) as server:
        alerts.channel(server.url)
        alerts.record()
        alerts.courier(clock).step()
        exhaust(alerts.courier(clock))
        assert len(server.asked) == 1
        clock.advance(PAUSES[0])
        exhaust(alerts.courier(clock))
        exhaust(alerts.courier(clock))
    assert len(server.asked) == 2
    assert alerts.delivery().attempts == 2


def test_a_full_disk_repeats_no_alert(tmp_path: Path, clock: FakeClock) -> None:
    alerts = Alerts(tmp_path, FullDisk)
    assert isinstance(alerts.database, FullDisk)
    with WebServer() as server, WebServer() as other:
        alerts.channel(server.url)
        alerts.channel(other.url)
        alerts.record()
        courier = alerts.courier(clock)
        alerts.database.full = True
        for _ in range(3):
            with pytest.raises(OperationalError) as caught:
                courier.step()
            assert courier.failed(caught.value) == DISK_PAUSE
        alerts.database.full = False
        exhaust(courier)
    assert (len(server.asked), len(other.asked)) == (1, 1)
    assert {one.state for one in alerts.deliveries()} == {DeliveryState.SENT}
    alerts.database.close()


def test_a_crash_before_an_alert_was_stored_as_sent_repeats_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    alerts = Alerts(tmp_path, FullDisk)
    assert isinstance(alerts.database, FullDisk)
    with WebServer() as server:
        alerts.channel(server.url)
        alerts.record()
        alerts.database.full = True
        with suppress(OperationalError):
            alerts.courier(clock).step()
        alerts.database.full = False
        exhaust(alerts.courier(clock))
    alerts.database.close()
    assert len(server.asked) == 2


def test_a_bug_in_one_kind_is_raised_once_the_others_are_served(
    alerts: Alerts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = kinds.kind
    monkeypatch.setattr(kinds, "kind", lambda name: Broken() if name == "broken" else whole(name))
    with WebServer() as server:
        alerts.channel("x", "broken")
        alerts.channel(server.url)
        alerts.record()
        courier = alerts.courier(clock)
        with pytest.raises(ZeroDivisionError) as caught:
            courier.step()
        assert courier.failed(caught.value) == NOTICE
        exhaust(courier)
    broken, sent = alerts.deliveries()
    assert sent.state is DeliveryState.SENT
    assert (broken.state, broken.attempts) == (DeliveryState.WAITING, 1)
    assert broken.due_at == clock() + PAUSES[0]
    assert broken.problem == "bugsly: it could not send this → see the server's log"


def test_a_channel_removed_at_the_last_moment_is_sent_nothing(
    alerts: Alerts, clock: FakeClock
) -> None:
    with WebServer() as server:
        channel_id = alerts.channel(server.url)
        alerts.record()
        due = alerts.delivery()
        with alerts.database.writing() as connection:
            channels.remove(connection, alerts.project_id, channel_id)
        with pytest.raises(ChannelError, match="it was removed"):
            alerts.courier(clock)._send(due)
    assert server.asked == []
