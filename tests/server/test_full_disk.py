"""A full disk loses nothing that was acknowledged, is reported, and needs no restart."""

import json
import logging
from pathlib import Path

import pytest
from tests.support.running_server import RunningServer, running_server
from tests.support.sample_senders import SampleSender
from tests.support.stored_data import spooled_entries, stored_samples
from tests.support.tiny_disk import tiny_disk
from tests.support.wait import wait_until

from bugsly.protocol.dsn import Dsn, parse_dsn


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugsly_server.digester.STORE_PAUSE_SECONDS", 0.05)


def dsn_of(server: RunningServer) -> Dsn:
    project = server.project("shop")
    return parse_dsn(f"http://{project.key}@127.0.0.1:{server.port}/{project.id}")


def check_kept(folder: Path, sender: SampleSender) -> None:
    kept = stored_samples(folder)[sender.token]
    assert [kept[number] for number in range(1, sender.acknowledged + 1)] == [
        1
    ] * sender.acknowledged


def test_a_full_disk_is_reported_to_clients_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kept"
    with tiny_disk(folder, megabytes=12) as disk:
        with running_server(folder) as server:
            dsn = dsn_of(server)
            sender = SampleSender(lambda: dsn)
            wait_until(lambda: sender.acknowledged > 50, what="samples")
            disk.fill()
            wait_until(lambda: len(sender.refusals) > 5, 30, "refusals")
            refusal = sender.refusals[-1]
            disk.make_room()
            before = sender.acknowledged
            wait_until(lambda: sender.acknowledged > before + 50, 30, "samples again")
            sender.stop()
            wait_until(lambda: spooled_entries(folder) == 0, 30, "an empty spool")
        check_kept(folder, sender)
    assert (refusal.status, refusal.retry_after) == (503, "30")
    assert json.loads(refusal.body) == {
        "detail": "server: cannot keep what was sent (database or disk is full)"
        " → send it again later; it is taken once there is room on the server's disk"
    }


def test_while_only_the_disk_of_samples_is_full_the_digester_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tiny_disk(tmp_path / "telemetry", megabytes=8) as disk:
        with caplog.at_level(logging.WARNING, logger="bugsly"), running_server(tmp_path) as server:
            dsn = dsn_of(server)
            sender = SampleSender(lambda: dsn)
            wait_until(lambda: sender.acknowledged > 50, what="samples")
            disk.fill()
            wait_until(lambda: server.server.spool.depth() > 2_000, 60, "a growing spool")
            disk.make_room()
            sender.stop()
            wait_until(lambda: spooled_entries(tmp_path) == 0, 60, "an empty spool")
        check_kept(tmp_path, sender)
    assert sender.refusals == []
    (line,) = {record.getMessage() for record in caplog.records}
    assert line.startswith(
        "digester: what was acknowledged cannot be digested (database or disk is full)"
        " → it is kept, and tried again"
    )
