"""What stops is alerted through real channels, once when it begins and once when it is over."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import FakeClock
from tests.support.mail_server import MailServer
from tests.support.site_harness import SiteHarness, site_harness
from tests.support.web_server import WebServer, respond_status

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.alert_delivery import AlertSender
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.outage_monitor import BackupCheck, OutageMonitor
from bugsly_server.store.meta import channels
from bugsly_server.store.ports import SpoolEntry


class WatchedSite:
    """A site with channels, whose monitor and sender run when the test says so."""

    def __init__(self, site: SiteHarness, clock: FakeClock, backup: BackupCheck | None) -> None:
        self.site = site
        self.clock = clock
        self.backup = backup
        self.restart()

    def restart(self) -> None:
        self.monitor = OutageMonitor(
            self.site.database, self.site.server.spool, self.backup, self.clock, lambda *_: None
        )
        guard = AddressGuard(self.site.server.settings.allow_networks)
        self.sender = AlertSender(
            self.site.database, guard, lambda: "https://bugs.example.com", self.clock, lambda: 0.0
        )

    def channel(self, url: str, kind: str = "webhook", name: str = "on call") -> int:
        with self.site.database.writing() as connection:
            return channels.add(connection, self.site.project.id, kind, name, url, self.clock())

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(MINUTE)
            self.monitor.run_once()
            while self.sender.run_once() == 0.0:
                pass


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watched(tmp_path: Path, clock: FakeClock) -> Iterator[WatchedSite]:
    with site_harness(tmp_path, clock, allow_networks="127.0.0.0/8") as site:
        backup = BackupCheck(path=tmp_path / "backups", hours=26)
        backup.path.mkdir()
        (backup.path / "first.tar").touch()
        os.utime(backup.path / "first.tar", (clock() / SECOND, clock() / SECOND))
        yield WatchedSite(site, clock, backup)


def sent(server: WebServer) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in server.requests]


def changes(server: WebServer) -> list[tuple[str, str]]:
    return [(one["title"], one["change"]) for one in sent(server)]


def test_an_app_that_stops_reporting_is_alerted_once_and_its_return_once(
    watched: WatchedSite,
) -> None:
    with MailServer() as mails, WebServer() as server:
        watched.channel(server.url)
        watched.channel(
            f"mailto://127.0.0.1:{mails.port}?from=bugsly@example.com&to=ops@example.com", "apprise"
        )
        watched.site.report()
        watched.pass_time(9)
        assert server.requests == []
        watched.pass_time(20)
        watched.restart()
        watched.pass_time(20)
        watched.site.report(id="b" * 32)
        watched.pass_time(2)
    assert changes(server) == [
        ("[shop] The app does not report", "opened"),
        ("[shop] Resolved: The app does not report", "resolved"),
    ]
    assert sent(server)[0]["outage"]["what"] == "app"
    assert [mail["Subject"] for mail in mails.mails] == [title for title, _ in changes(server)]


@pytest.mark.parametrize("silence", [10, 0])
def test_an_app_that_says_goodbye_or_need_not_report_alarms_nobody(
    watched: WatchedSite, silence: int
) -> None:
    goodbye = Exit(worker="a" * 32, reason=ExitReason.TERMINATED)
    with WebServer() as server:
        watched.channel(server.url)
        watched.site.log_in()
        page = "/p/shop/alerts/silence"
        assert watched.site.client.post(page, data={"minutes": silence}).status_code == 303
        watched.site.report(exits=(goodbye,) if silence else ())
        watched.pass_time(40)
    assert server.requests == []


def test_a_channel_that_keeps_failing_is_alerted_through_the_others(watched: WatchedSite) -> None:
    with WebServer(*[respond_status(500)] * 4) as broken, WebServer() as good:
        failing = watched.channel(broken.url, name="pager")
        watched.channel(good.url)
        watched.site.report()
        watched.pass_time(11)
        watched.site.report(id="b" * 32)
        watched.pass_time(8)
        assert changes(good)[-1] == ("[shop] Channel pager fails", "opened")
        assert "it answered 500" in sent(good)[-1]["outage"]["because"]
        watched.site.log_in()
        assert "Channel pager fails" in watched.site.client.get("/p/shop/releases").text
        with watched.site.database.writing() as connection:
            channels.remove(connection, watched.site.project.id, failing)
        watched.pass_time(1)
        assert changes(good)[-1] == ("[shop] Resolved: Channel pager fails", "resolved")
        assert "Channel pager fails" not in watched.site.client.get("/p/shop/releases").text


def test_a_test_that_arrives_ends_the_outage_of_its_channel(watched: WatchedSite) -> None:
    with WebServer(respond_status(410), respond_status(204)) as broken, WebServer() as good:
        failing = watched.channel(broken.url, name="pager")
        watched.channel(good.url)
        watched.site.report()
        watched.pass_time(12)
        assert ("[shop] Channel pager fails", "opened") in changes(good)
        watched.site.log_in()
        tested = watched.site.client.post(f"/p/shop/alerts/{failing}/test")
        assert "accepted the test" in tested.text
        watched.pass_time(1)
        assert ("[shop] Resolved: Channel pager fails", "resolved") in changes(good)


def test_a_digest_that_lags_is_alerted_but_no_app_is_called_silent_for_it(
    watched: WatchedSite,
) -> None:
    spool = watched.site.server.spool
    with WebServer() as server:
        watched.channel(server.url)
        watched.site.report()
        entry = SpoolEntry(watched.site.project.id, watched.clock(), "session", b"{}")

        async def append() -> None:
            await spool.append([entry])

        asyncio.run(append())
        watched.pass_time(20)
        assert changes(server) == [("[shop] The server lags behind", "opened")]
        spool.acknowledge(spool.lease(9))
        watched.site.report(id="b" * 32)
        watched.pass_time(1)
    assert changes(server)[1:] == [("[shop] Resolved: The server lags behind", "resolved")]


def test_a_backup_that_is_old_is_alerted(watched: WatchedSite) -> None:
    assert watched.backup is not None
    newest = watched.backup.path / "newest.tar"
    with WebServer() as server:
        watched.channel(server.url)
        watched.clock.advance(DAY)
        watched.pass_time(1)
        assert server.requests == []
        watched.clock.advance(3 * HOUR)
        watched.pass_time(3)
        assert changes(server) == [("[shop] There is no recent backup", "opened")]
        newest.touch()
        os.utime(newest, (watched.clock() / SECOND, watched.clock() / SECOND))
        watched.pass_time(2)
    assert changes(server)[1:] == [("[shop] Resolved: There is no recent backup", "resolved")]


@pytest.mark.parametrize("minutes", ["", "-1", "1441", "ten", "1e2", "9" * 9])
def test_minutes_that_are_none_are_refused(watched: WatchedSite, minutes: str) -> None:
    watched.site.log_in()
    answer = watched.site.client.post("/p/shop/alerts/silence", data={"minutes": minutes})
    assert answer.status_code == 422
    assert "not a whole number from 0 to 1440" in answer.text
